//! A database belongs to the master key it was begun with.

use infrastructure::database::MIGRATOR;
use infrastructure::installation::{InstallationError, check_key};
use infrastructure::keys::MasterKey;
use infrastructure::test_postgres::TestDatabase;
use sqlx::PgPool;

#[tokio::test]
async fn a_server_with_another_key_does_not_start() {
    let database = TestDatabase::create(&MIGRATOR).await;
    let pool = PgPool::connect_with(database.app_options()).await.unwrap();
    let key = MasterKey::generate();
    check_key(&pool, &key).await.unwrap();
    check_key(&pool, &key).await.unwrap();
    let refused = check_key(&pool, &MasterKey::generate()).await;
    assert!(matches!(refused, Err(InstallationError::OtherKey)), "{refused:?}");
    pool.close().await;
    database.close().await;
}
