//! The embedded PostgreSQL against a real one. The clusters that are killed are durable, the others need not be.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process, test_kill_process};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

use super::account::Account;
use super::lock::Lock;
use super::server::Running;
use super::*;

mod keeper;

/// Far more than any step here takes; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const HOLD: &str = "ZSQ_TEST_HOLD";

/// A folder that any user may pass through, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("zsq-{}", hex::encode(rand::random::<[u8; 6]>())));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn settings(&self) -> Settings {
        Settings {
            data_dir: Some(self.0.join("data")),
            max_connections: 20,
            durable: false,
            ..Settings::default()
        }
    }

    fn durable(&self) -> Settings {
        Settings { durable: true, ..self.settings() }
    }

    fn pgdata(&self) -> PathBuf {
        self.0.join("data/postgres")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn ask(postgres: &EmbeddedPostgres, role: Role, question: &str) -> String {
    let mut connection =
        PgConnection::connect_with(&postgres.connection(role, DATABASE).options()).await.unwrap();
    let answer = sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    answer
}

fn refusal(settings: &Settings) -> String {
    EmbeddedPostgres::start_or_join(settings).unwrap_err().to_string()
}

fn lives(pid: u32) -> bool {
    test_kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()).is_ok()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "still not true: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// Another process of this test program that keeps a server on the data until it is killed.
fn holder(data_dir: &Path) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["embedded_postgres::tests::keeps_a_server_when_run_as_a_holder", "--exact", "--nocapture"])
        .env(HOLD, data_dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.contains("the holder is ready"));
    assert!(ready, "the holder ended early: {:?}", child.wait());
    child
}

#[test]
#[expect(clippy::print_stdout, reason = "the process that started this one waits for the line")]
fn keeps_a_server_when_run_as_a_holder() {
    let Some(data_dir) = env::var_os(HOLD) else { return };
    let settings = Settings { data_dir: Some(data_dir.into()), max_connections: 20, ..Settings::default() };
    let _kept = EmbeddedPostgres::start_or_join(&settings).unwrap();
    println!("the holder is ready");
    sleep(PATIENCE * 2);
}

#[tokio::test]
async fn a_first_start_makes_a_safe_private_cluster_and_a_second_start_is_fast() {
    let scratch = Scratch::new();
    let first = EmbeddedPostgres::start_or_join(&scratch.durable()).unwrap();
    first.prepare().await.unwrap();
    assert!(first.is_owner());
    assert_eq!(first.moved_because(), None);
    assert!(first.psql_bin_dir().join("initdb").is_file());
    for (setting, value) in [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("password_encryption", "scram-sha-256"),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
    ] {
        assert_eq!(ask(&first, Role::App, &format!("show {setting}")).await, value, "{setting}");
    }
    for (file, mode) in
        [("passwords", 0o700), ("passwords/zsq_app", 0o600), ("postgres", 0o700), ("run", 0o700)]
    {
        let found = fs::metadata(first.data_dir().join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{file}");
    }
    first.stop().unwrap();
    assert!(!scratch.pgdata().join("postmaster.pid").exists());

    let begun = Instant::now();
    let second = EmbeddedPostgres::start_or_join(&scratch.durable()).unwrap();
    second.prepare().await.unwrap();
    // 0.1 s on a quiet machine; a test run is not quiet.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    second.stop().unwrap();
}

#[tokio::test]
async fn the_roles_may_what_they_need_and_no_more() {
    let scratch = Scratch::new();
    let postgres = EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap();
    // Two processes that start at once prepare at once.
    tokio::try_join!(postgres.prepare(), postgres.prepare()).unwrap();
    postgres.prepare().await.unwrap();
    let connect = async |role| {
        PgConnection::connect_with(&postgres.connection(role, DATABASE).options()).await.unwrap()
    };
    let (mut owner, mut app) = (connect(Role::Owner).await, connect(Role::App).await);
    owner.execute("create extension pg_trgm; create table kept (id bigint)").await.unwrap();
    app.execute("create schema rebuilt; create table rebuilt.shown (id bigint)").await.unwrap();
    for forbidden in ["select * from kept", "create table public.own (id bigint)", "create role other"] {
        let error = app.execute(forbidden).await.unwrap_err().into_database_error().unwrap();
        assert_eq!(error.code().as_deref(), Some("42501"), "{forbidden}");
    }
    assert!(owner.execute("create database other").await.is_err());
    assert!(owner.execute("create role other").await.is_err());
    postgres.stop().unwrap();
}

#[tokio::test]
async fn a_lost_password_of_a_made_role_is_made_anew() {
    let scratch = Scratch::new();
    let postgres = EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap();
    postgres.prepare().await.unwrap();
    postgres.stop().unwrap();
    let passwords = scratch.0.join("data/passwords");
    fs::remove_file(passwords.join("zsq_app")).unwrap();
    let postgres = EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap();
    postgres.prepare().await.unwrap();
    assert_eq!(ask(&postgres, Role::App, "select current_user::text").await, "zsq_app");
    postgres.stop().unwrap();
    fs::remove_file(passwords.join("postgres")).unwrap();
    assert!(refusal(&scratch.settings()).contains("passwords/postgres, which is missing"));
}

#[tokio::test]
async fn a_second_instance_joins_and_its_end_changes_nothing() {
    let scratch = Scratch::new();
    let keeper = EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap();
    keeper.prepare().await.unwrap();
    let joined = EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap();
    assert!(!joined.is_owner());
    joined.prepare().await.unwrap();
    assert_eq!(ask(&joined, Role::Owner, "select current_user::text").await, "zsq_owner");
    joined.stop().unwrap();
    assert_eq!(ask(&keeper, Role::App, "select current_user::text").await, "zsq_app");
    keeper.stop().unwrap();
}

#[tokio::test]
async fn after_kill_9_of_the_process_its_server_ends_and_the_next_start_has_everything() {
    let scratch = Scratch::new();
    let mut holder = holder(&scratch.0.join("data"));
    let joined = EmbeddedPostgres::start_or_join(&scratch.durable()).unwrap();
    assert!(!joined.is_owner());
    joined.prepare().await.unwrap();
    let mut owner =
        PgConnection::connect_with(&joined.connection(Role::Owner, DATABASE).options()).await.unwrap();
    owner.execute("create table kept as select 'still here' as words").await.unwrap();
    let server = Running::read(&scratch.pgdata()).unwrap().unwrap().pid;
    joined.stop().unwrap();

    holder.kill().unwrap();
    holder.wait().unwrap();
    let next = EmbeddedPostgres::start_or_join(&scratch.durable()).unwrap();
    assert!(next.is_owner());
    wait_until("the old server is gone", || !lives(server));
    assert_eq!(ask(&next, Role::Owner, "select words from kept").await, "still here");
    next.stop().unwrap();
}

#[tokio::test]
async fn after_kill_9_of_the_process_and_its_server_the_next_start_waits_for_the_rest_and_recovers() {
    let scratch = Scratch::new();
    let mut holder = holder(&scratch.0.join("data"));
    let joined = EmbeddedPostgres::start_or_join(&scratch.durable()).unwrap();
    joined.prepare().await.unwrap();
    let mut owner =
        PgConnection::connect_with(&joined.connection(Role::Owner, DATABASE).options()).await.unwrap();
    owner.execute("create table kept as select 'still here' as words").await.unwrap();
    let server = Running::read(&scratch.pgdata()).unwrap().unwrap().pid;
    let busy = tokio::spawn(async move { owner.execute("select pg_sleep(30)").await });
    joined.stop().unwrap();
    // Of the two only the holder could start it again.
    kill_process(Pid::from_child(&holder), Signal::STOP).unwrap();

    kill(server);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let next = EmbeddedPostgres::start_or_join(&scratch.durable()).unwrap();
    assert_eq!(ask(&next, Role::Owner, "select words from kept").await, "still here");
    assert!(busy.await.unwrap().is_err());
    next.stop().unwrap();
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_killed_server_that_nobody_buried_does_not_block_the_next_start() {
    let scratch = Scratch::new();
    EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap().stop().unwrap();
    let account = Account::choose(None, &scratch.pgdata()).unwrap();
    let mut zombie = account.command(Path::new("/bin/sleep")).arg("60").spawn().unwrap();
    kill_process(Pid::from_child(&zombie), Signal::KILL).unwrap();
    let remains = format!("{}\n{}\n1\n5432\n\n\n\nready\n", zombie.id(), scratch.pgdata().display());
    for file in ["postgres/postmaster.pid", "run/.s.PGSQL.5432.lock"] {
        let path = scratch.0.join("data").join(file);
        fs::write(&path, &remains).unwrap();
        account.give(&path).unwrap();
    }
    EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap().stop().unwrap();
    zombie.wait().unwrap();
}

#[test]
fn the_server_ends_with_a_process_that_is_told_to_end() {
    let scratch = Scratch::new();
    let mut holder = holder(&scratch.0.join("data"));
    let server = Running::read(&scratch.pgdata()).unwrap().unwrap().pid;
    kill_process(Pid::from_child(&holder), Signal::TERM).unwrap();
    holder.wait().unwrap();
    wait_until("the server has ended", || !lives(server));
    wait_until("it ended cleanly", || !scratch.pgdata().join("postmaster.pid").exists());
}

#[test]
fn a_holder_without_a_server_is_named() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.0.join("data")).unwrap();
    let mut lock = Lock::open(&scratch.0.join("data/lock")).unwrap();
    assert!(lock.try_take().unwrap());
    let habits = Habits {
        usual: scratch.0.clone(),
        fallback: scratch.0.clone(),
        join_wait: Duration::from_millis(200),
    };
    let said = EmbeddedPostgres::start_or_join_by(&scratch.settings(), habits).unwrap_err().to_string();
    assert!(said.contains(&format!("process {} holds", std::process::id())), "{said}");
}

#[test]
fn a_folder_that_the_servers_user_cannot_enter_is_left_for_the_fallback() {
    if !geteuid().is_root() {
        return; // Nobody else changes the user.
    }
    let scratch = Scratch::new();
    let (home, fallback) = (scratch.0.join("home"), scratch.0.join("lib/zsq"));
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let usual = home.join("clone/data");

    let settings = Settings { data_dir: None, ..scratch.settings() };
    let habits = Habits { usual: usual.clone(), fallback: fallback.clone(), join_wait: PATIENCE };
    let moved = EmbeddedPostgres::start_or_join_by(&settings, habits).unwrap();
    assert_eq!(moved.data_dir(), fallback);
    let why = moved.moved_because().unwrap();
    assert!(why.contains(home.to_str().unwrap()) && why.contains(fallback.to_str().unwrap()), "{why}");
    assert!(!usual.exists());
    moved.stop().unwrap();

    let asked = refusal(&Settings { data_dir: Some(usual), ..settings });
    assert!(asked.contains("cannot enter") && asked.contains("ZSQ_DATA_DIR"), "{asked}");
}

#[test]
fn the_owner_of_the_data_runs_the_server_unless_another_is_named() {
    if !geteuid().is_root() {
        return; // Nobody else changes the user.
    }
    let scratch = Scratch::new();
    let settings = Settings { user: Some("nobody".to_owned()), ..scratch.settings() };
    EmbeddedPostgres::start_or_join(&settings).unwrap().stop().unwrap();
    EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap().stop().unwrap();

    let root = refusal(&Settings { user: Some("root".to_owned()), ..scratch.settings() });
    assert!(root.contains("not root"), "{root}");
    let unknown = refusal(&Settings { user: Some("no-such-user".to_owned()), ..scratch.settings() });
    assert!(unknown.contains("no user no-such-user"), "{unknown}");
}

#[test]
fn data_of_another_version_and_data_of_something_else_are_refused_in_words() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.pgdata()).unwrap();
    fs::write(scratch.pgdata().join("PG_VERSION"), "99\n").unwrap();
    let other = refusal(&scratch.settings());
    assert!(other.contains("made by PostgreSQL 99, but the programs found are"), "{other}");

    fs::write(scratch.pgdata().join("PG_VERSION"), "old\n").unwrap();
    assert!(refusal(&scratch.settings()).contains("PG_VERSION says \"old\""));
    fs::remove_file(scratch.pgdata().join("PG_VERSION")).unwrap();
    fs::write(scratch.pgdata().join("notes.txt"), "mine").unwrap();
    assert!(refusal(&scratch.settings()).contains("holds no PostgreSQL data"));
    assert_eq!(fs::read_to_string(scratch.pgdata().join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_named_folder_without_programs_is_refused_with_its_name() {
    let scratch = Scratch::new();
    let said = refusal(&Settings { bin_dir: Some(scratch.0.clone()), ..scratch.settings() });
    for part in ["ZSQ_PG_BIN: no postgres in it", "apt-get install postgresql"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
}

#[tokio::test]
async fn a_path_too_long_or_too_odd_for_a_socket_gets_a_short_one() {
    let scratch = Scratch::new();
    let long = scratch.0.join("a very, very \"long\" name ".repeat(4)).join("data");
    let settings = Settings { data_dir: Some(long), ..scratch.settings() };
    let postgres = EmbeddedPostgres::start_or_join(&settings).unwrap();
    postgres.prepare().await.unwrap();
    let folder = postgres.connection(Role::App, DATABASE).socket_dir;
    assert!(folder.starts_with("/tmp") && folder.as_os_str().len() < 40, "{}", folder.display());
    let joined = EmbeddedPostgres::start_or_join(&settings).unwrap();
    assert_eq!(ask(&joined, Role::App, "select current_user::text").await, "zsq_app");
    joined.stop().unwrap();
    postgres.stop().unwrap();
    fs::remove_dir(&folder).unwrap();
    // A link to a folder of one's own is what an attacker would put there.
    std::os::unix::fs::symlink(&scratch.0, &folder).unwrap();
    assert!(refusal(&settings).contains("nobody else may enter"));
    fs::remove_file(&folder).unwrap();
}

#[test]
fn a_setting_that_postgres_refuses_is_quoted_and_a_big_log_is_cut() {
    let scratch = Scratch::new();
    EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap().stop().unwrap();
    let log = scratch.0.join("data/postgres.log");
    fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(11 * 1024 * 1024).unwrap();
    let extra = vec![("no_such_setting".to_owned(), "on".to_owned())];
    let said = refusal(&Settings { extra, ..scratch.settings() });
    assert!(said.contains("unrecognized configuration parameter \"no_such_setting\""), "{said}");
    assert!(fs::metadata(&log).unwrap().len() < 10_000);
}

#[test]
fn what_a_killed_first_start_left_is_cleared() {
    let scratch = Scratch::new();
    let remains = scratch.0.join("data/postgres.new-1");
    fs::create_dir_all(remains.join("base")).unwrap();
    fs::write(scratch.0.join("data/postgres.password"), "half").unwrap();
    let postgres = EmbeddedPostgres::start_or_join(&scratch.settings()).unwrap();
    assert!(!remains.exists() && !scratch.0.join("data/postgres.password").exists());
    drop(postgres);
    assert!(!scratch.pgdata().join("postmaster.pid").exists(), "dropping stops the server too");
}
