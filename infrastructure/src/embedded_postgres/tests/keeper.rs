//! Servers and owners that end while somebody still wants a server.

use super::*;

/// Waits for a server that is ready and not `other`, and gives its process.
fn another_server(scratch: &Scratch, other: u32) -> u32 {
    let now = || Running::read(&scratch.pgdata()).unwrap().filter(|now| now.is_ready && now.pid != other);
    wait_until("another server is ready", || now().is_some());
    now().unwrap().pid
}

#[tokio::test]
async fn a_server_that_is_killed_is_started_again_each_time() {
    let scratch = Scratch::new();
    let postgres = EmbeddedPostgres::start_or_join(&scratch.durable()).unwrap();
    postgres.prepare().await.unwrap();
    let mut owner =
        PgConnection::connect_with(&postgres.connection(Role::Owner, DATABASE).options()).await.unwrap();
    owner.execute("create table kept as select 'still here' as words").await.unwrap();
    let mut server = Running::read(&scratch.pgdata()).unwrap().unwrap().pid;
    for _ in 0..3 {
        kill(server);
        server = another_server(&scratch, server);
        assert_eq!(ask(&postgres, Role::Owner, "select words from kept").await, "still here");
        assert!(postgres.is_owner());
    }
    assert!(owner.execute("select 1").await.is_err(), "whoever was connected has to connect again");
    postgres.stop().unwrap();
    assert!(!lives(server) && !scratch.pgdata().join("postmaster.pid").exists());
}

#[tokio::test]
async fn one_who_joined_keeps_the_server_when_the_owner_is_killed() {
    let scratch = Scratch::new();
    let mut holder = holder(&scratch.0.join("data"));
    let joined = EmbeddedPostgres::start_or_join(&scratch.durable()).unwrap();
    joined.prepare().await.unwrap();
    assert!(!joined.is_owner());
    let server = Running::read(&scratch.pgdata()).unwrap().unwrap().pid;
    holder.kill().unwrap();
    holder.wait().unwrap();
    let own = another_server(&scratch, server);
    assert!(joined.is_owner());
    assert_eq!(ask(&joined, Role::App, "select current_user::text").await, "zsq_app");
    joined.stop().unwrap();
    assert!(!lives(own), "it is stopped by whoever keeps it");
}

#[tokio::test]
async fn one_who_joined_a_server_that_goes_down_waits_until_it_is_back() {
    let scratch = Scratch::new();
    let mut holder = holder(&scratch.0.join("data"));
    let joined = EmbeddedPostgres::start_or_join(&scratch.durable()).unwrap();
    let server = Running::read(&scratch.pgdata()).unwrap().unwrap().pid;
    holder.kill().unwrap();
    holder.wait().unwrap();
    wait_until("the server that was joined is gone", || !lives(server));
    joined.prepare().await.unwrap();
    assert_eq!(ask(&joined, Role::App, "select current_user::text").await, "zsq_app");
    joined.stop().unwrap();
}

#[tokio::test]
async fn one_who_joined_keeps_the_server_when_the_owner_ends() {
    let scratch = Scratch::new();
    let first = EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap();
    first.prepare().await.unwrap();
    let joined = [(); 2].map(|()| EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap());
    let server = Running::read(&scratch.pgdata()).unwrap().unwrap().pid;
    first.stop().unwrap();
    another_server(&scratch, server);
    let owners = joined.iter().filter(|one| one.is_owner()).count();
    assert_eq!(owners, 1, "and only one of them");
    for one in &joined {
        assert_eq!(ask(one, Role::App, "select current_user::text").await, "zsq_app");
    }
}
