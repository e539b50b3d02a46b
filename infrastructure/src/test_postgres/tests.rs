//! The test databases: copies of one template that know nothing of each other.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType};

use super::*;

/// A migration as `sqlx::migrate!` would embed it.
fn migrator(statements: &'static str) -> Migrator {
    let migration =
        Migration::new(1, Cow::Borrowed("rooms"), MigrationType::Simple, Cow::Borrowed(statements), false);
    Migrator { migrations: Cow::Owned(vec![migration]), ..Migrator::DEFAULT }
}

const ROOMS: &str = "create table room (name text not null); grant select on room to zsq_app;";

async fn one<T>(options: PgConnectOptions, question: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn each_database_is_a_migrated_copy_of_its_own() {
    let migrations = migrator(ROOMS);
    let (first, second) = tokio::join!(TestDatabase::create(&migrations), TestDatabase::create(&migrations));
    let mut owner = PgConnection::connect_with(&first.owner_options()).await.unwrap();
    owner.execute("insert into room values ('here')").await.unwrap();
    assert_eq!(one::<i64>(first.app_options(), "select count(*) from room").await, 1);
    assert_eq!(one::<i64>(second.app_options(), "select count(*) from room").await, 0);
    assert!(first.socket_path().join(".s.PGSQL.5432").exists());

    let mut app = PgConnection::connect_with(&second.app_options()).await.unwrap();
    assert!(app.execute("insert into room values ('not granted')").await.is_err());
    app.execute("create schema own").await.unwrap();

    let name = first.name().to_owned();
    first.close().await; // The owner is still connected.
    let question = format!("select count(*) from pg_database where datname = '{name}'");
    assert_eq!(one::<i64>(second.superuser_options(), &question).await, 0);
    second.close().await;
}

#[tokio::test]
async fn other_migrations_get_another_template() {
    let (old, new) =
        (migrator(ROOMS), migrator("create table desk (id bigint); grant select on desk to zsq_app;"));
    assert_ne!(template_name(&old), template_name(&new));
    assert_eq!(template_name(&old), template_name(&migrator(ROOMS)));
    let database = TestDatabase::create(&new).await;
    assert_eq!(one::<i64>(database.app_options(), "select count(*) from desk").await, 0);
    database.close().await;
}

#[tokio::test]
async fn a_template_that_was_left_half_made_is_made_anew() {
    let migrations = migrator("create table lamp (id bigint); grant select on lamp to zsq_app;");
    let cluster = cluster();
    cluster.prepare().await.unwrap();
    let mut connection = connect(cluster, Role::Superuser, "postgres").await;
    let half = format!("create database {}", template_name(&migrations));
    connection.execute(half.as_str()).await.unwrap();
    let database = TestDatabase::create(&migrations).await;
    assert_eq!(one::<i64>(database.app_options(), "select count(*) from lamp").await, 0);
    database.close().await;
}

#[test]
fn folders_of_dead_runs_are_removed_and_those_of_live_ones_stay() {
    let base = env::temp_dir().join(format!("zsq-sweep-{}", hex::encode(rand::random::<[u8; 6]>())));
    let (dead, live, other) =
        (base.join("zsq-test-0-1"), base.join("zsq-test-0-2"), base.join("zsq-test-1-1"));
    for folder in [&dead, &live, &other] {
        fs::create_dir_all(folder).unwrap();
    }
    let mut lock = Lock::open(&live.join("lock")).unwrap();
    assert!(lock.try_take().unwrap());
    remove_abandoned(&base, "zsq-test-0-");
    assert!(!dead.exists() && live.exists() && other.exists());
    fs::remove_dir_all(&base).unwrap();
}

#[test]
fn the_base_folder_is_one_that_the_server_can_enter() {
    assert!(is_open_to_server(&base_folder()));
    assert!(free_bytes(Path::new("/")) > 0);
    assert_eq!(free_bytes(Path::new("/no/such/folder")), 0);
    assert!(!is_memory(Path::new("/")));
}
