//! Roles, migrations and the pool.

use application::ports::StoreError;
use infrastructure::database::{
    Access, DatabaseError, MIGRATOR, connect, migrate, migrations_pending, ping, store_error,
};
use infrastructure::test_postgres::TestDatabase;
use secrecy::SecretString;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

use super::Store;

/// A database without any migration.
async fn empty() -> TestDatabase {
    TestDatabase::create(&Migrator::DEFAULT).await
}

#[tokio::test]
async fn migrations_are_applied_once() {
    let database = empty().await;
    let access = Access::of_options(database.app_options(), database.owner_options());
    let first = migrate(&access).await.unwrap();
    assert_eq!((first.known, first.applied), (MIGRATOR.iter().count(), MIGRATOR.iter().count()));
    assert_eq!(migrate(&access).await.unwrap().applied, 0);
    let pool = connect(&access, 2).await.unwrap();
    assert_eq!(migrations_pending(&pool).await.unwrap(), 0);
    ping(&pool).await.unwrap();
    pool.close().await;
    database.close().await;
}

#[tokio::test]
async fn servers_that_start_at_once_migrate_one_after_the_other() {
    let database = empty().await;
    let access = Access::of_options(database.app_options(), database.owner_options());
    let (one, other) = tokio::join!(migrate(&access), migrate(&access));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.known, other.known), (MIGRATOR.iter().count(), MIGRATOR.iter().count()));
    database.close().await;
}

#[tokio::test]
async fn a_migration_that_was_changed_or_is_not_known_stops_the_start() {
    let store = Store::new().await;
    let access = Access::of_options(store.database.app_options(), store.database.owner_options());
    let mut owner = PgConnection::connect_with(&store.database.owner_options()).await.unwrap();
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (20991231000000, 'later', true, '\\x00', 0)";
    owner.execute(newer).await.unwrap();
    let refused = migrate(&access).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::MigrationMissing(20_991_231_000_000)), "{refused:?}");
    owner.execute("delete from _sqlx_migrations where version = 20991231000000").await.unwrap();
    let first = MIGRATOR.iter().next().unwrap().version;
    let changed = format!("update _sqlx_migrations set checksum = '\\x00' where version = {first}");
    owner.execute(changed.as_str()).await.unwrap();
    let refused = migrate(&access).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::MigrationChanged(version) if version == first), "{refused:?}");
    owner.close().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn with_one_url_the_server_gives_the_owners_rights_up_for_good() {
    let database = empty().await;
    let mut superuser = PgConnection::connect_with(&database.superuser_options()).await.unwrap();
    // Somebody's own PostgreSQL, with one login for zsq. The role zsq_app is the cluster's; who did not create it
    // needs the right to hand it out, which before version 16 came with createrole.
    let login = format!("u_{}", database.name());
    let made = format!(
        "drop table _sqlx_migrations; create role {login} login password 'geheim' createrole; \
         alter database {name} owner to {login}; alter schema public owner to {login}",
        name = database.name()
    );
    superuser.execute(made.as_str()).await.unwrap();
    let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::integer")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    if version >= 160_000 {
        superuser.execute(format!("grant zsq_app to {login} with admin option").as_str()).await.unwrap();
    }
    let socket = database.socket_path().display().to_string().replace('/', "%2F");
    let url = format!("postgres://{login}:geheim@{socket}/{}", database.name());
    let access = Access::of_urls(&SecretString::from(url), None).unwrap();
    migrate(&access).await.unwrap();
    let pool = connect(&access, 2).await.unwrap();
    let user: String = sqlx::query_scalar("select current_user::text").fetch_one(&pool).await.unwrap();
    assert_eq!(user, "zsq_app");
    pool.execute("reset role").await.unwrap();
    let denied = pool.execute("delete from events").await.unwrap_err();
    assert_eq!(
        denied.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(),
        Some("42501")
    );
    pool.close().await;
    superuser.close().await.unwrap();
    database.close().await;
}

#[tokio::test]
async fn a_login_that_may_not_act_as_the_server_is_told_so() {
    let store = Store::new().await;
    let mut superuser = PgConnection::connect_with(&store.database.superuser_options()).await.unwrap();
    let login = format!("u_{}", store.database.name());
    superuser.execute(format!("create role {login} login password 'geheim'").as_str()).await.unwrap();
    let socket = store.database.socket_path().display().to_string().replace('/', "%2F");
    let url = format!("postgres://{login}:geheim@{socket}/{}", store.database.name());
    let access = Access::of_urls(&SecretString::from(url), None).unwrap();
    let refused = connect(&access, 2).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::RoleNotGranted(_)), "{refused:?}");
    superuser.execute(format!("drop role {login}").as_str()).await.unwrap();
    superuser.close().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn connections_that_broke_are_unavailable_and_then_replaced() {
    let store = Store::new().await;
    ping(&store.pool).await.unwrap();
    let mut superuser = PgConnection::connect_with(&store.database.superuser_options()).await.unwrap();
    superuser
        .execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'zsq' and datname = current_database()")
        .await
        .unwrap();
    let mut failures = 0;
    while let Err(error) = ping(&store.pool).await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        failures += 1;
        assert!(failures < 5, "the pool does not recover");
    }
    superuser.close().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn the_servers_statements_have_a_limit() {
    let store = Store::new().await;
    let shown: String = sqlx::query_scalar("show statement_timeout").fetch_one(&store.pool).await.unwrap();
    assert_eq!(shown, "15s");
    let mut connection = store.pool.acquire().await.unwrap();
    connection.execute("set statement_timeout = '10ms'").await.unwrap();
    let error = connection.execute("select pg_sleep(5)").await.unwrap_err();
    assert!(matches!(store_error(error), StoreError::Unavailable(_)));
    drop(connection);
    store.close().await;
}
