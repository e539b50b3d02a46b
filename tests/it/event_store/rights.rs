//! The server's role adds to history and cannot change it.

use super::*;

#[tokio::test]
async fn the_server_cannot_change_or_empty_history() {
    let histories = Histories::new().await;
    histories.append(append(&stream(), 0, [note("a")])).await.unwrap();
    let role: String =
        sqlx::query_scalar("select current_user::text").fetch_one(&histories.pool).await.unwrap();
    assert_eq!(role, "zsq_app");
    let forbidden = [
        "update events set payload = '{}'",
        "update events set recorded_at = now() where sequence = 1",
        "delete from events",
        "truncate events",
        "alter table events disable trigger all",
        "drop table events",
        "update log set leaf = ''",
        "delete from log",
        "truncate log",
        "drop table log",
        "truncate unsequenced",
        "update unsequenced set entry = 0",
        "update idempotency_keys set version = 0",
        "update claims set aggregate_id = ''",
        "delete from personal_keys",
        "truncate personal_keys",
        "update personal_keys set subject = gen_random_uuid()",
        "delete from log_head",
        "insert into log_head (only_row) values (false)",
        "create table public.mine (id int)",
    ];
    for statement in forbidden {
        let error = sqlx::query(statement).execute(&histories.pool).await.expect_err(statement);
        let code = error.into_database_error().unwrap().code().unwrap().into_owned();
        assert_eq!(code, "42501", "{statement}");
    }
    assert_eq!(histories.count("events").await, 1);
    histories.close().await;
}
