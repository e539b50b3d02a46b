//! A throw-away PostgreSQL for tests and benchmarks, and nothing else: everything here panics instead of failing.
//!
//! One cluster for each run of the tests, in memory where there is room. `make test` starts it with
//! `examples/test_cluster.rs` and names it in `ZSQ_TEST_POSTGRES`; every test process joins it. Under plain
//! `cargo test` each test process starts its own on first use, and it dies with that process.
//! One database for each test, copied from a template that is migrated once.
//!
//! Always: what a run leaves behind, because it was killed, the next run removes. Nothing is flushed to disk.
//! Deliberately not here: fixtures. A test starts from migrated tables without rows.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Executor};
use tokio::sync::Mutex;

use crate::embedded_postgres::account::Account;
use crate::embedded_postgres::lock::Lock;
use crate::embedded_postgres::{EmbeddedPostgres, Role, Settings, roles};

/// Names the data directory of a cluster that runs already.
pub const VARIABLE: &str = "ZSQ_TEST_POSTGRES";
/// Enough for every test thread to hold some pools at once.
const CONNECTIONS_MAX: u16 = 300;
/// An empty cluster is 40 MB, a database from the template about 11 MB.
const FREE_BYTES_MIN: u64 = 2 * 1024 * 1024 * 1024;
const REMOVE_ATTEMPTS: u32 = 50;
const REMOVE_PAUSE: Duration = Duration::from_millis(100);

/// A cluster that ends with the process that started it.
#[derive(Debug)]
pub struct TestCluster {
    postgres: EmbeddedPostgres,
}

impl TestCluster {
    /// Starts one.
    ///
    /// # Panics
    /// When PostgreSQL cannot be started; the message says why.
    pub fn start() -> Self {
        let base = base_folder();
        let name = format!("zsq-test-{}-", rustix::process::geteuid().as_raw());
        // One process at a time clears up and takes a folder, or another might clear up that folder.
        let mut lock = Lock::open(&base.join(format!("{name}lock"))).expect("the lock of the test clusters");
        lock.take().expect("the lock of the test clusters");
        remove_abandoned(&base, &name);
        let settings = Settings {
            data_dir: Some(base.join(format!("{name}{}", std::process::id()))),
            bin_dir: env::var_os("ZSQ_PG_BIN").map(PathBuf::from),
            durable: false,
            max_connections: CONNECTIONS_MAX,
            ..Settings::default()
        };
        let postgres = EmbeddedPostgres::start_or_join(&settings)
            .unwrap_or_else(|error| panic!("the PostgreSQL for the tests does not start: {}", chain(&error)));
        drop(lock);
        Self { postgres }
    }

    /// What belongs into [`VARIABLE`].
    pub fn data_dir(&self) -> &Path {
        self.postgres.data_dir()
    }

    /// Stops the cluster and removes everything in it.
    ///
    /// # Panics
    /// When it does not stop or its folder cannot be removed.
    pub fn remove(self) {
        let folder = self.data_dir().to_path_buf();
        self.postgres.stop().expect("the PostgreSQL of the tests stops");
        remove_folder(&folder)
            .unwrap_or_else(|error| panic!("{} cannot be removed: {error}", folder.display()));
    }
}

/// A database of one test, with the tables of the migrations and no rows.
#[derive(Debug)]
pub struct TestDatabase {
    cluster: &'static EmbeddedPostgres,
    name: String,
}

impl TestDatabase {
    /// Copies a database from the template of these migrations, which the first caller makes.
    ///
    /// # Panics
    /// When there is no PostgreSQL, or a migration fails.
    pub async fn create(migrator: &Migrator) -> Self {
        let cluster = cluster();
        let template = template(cluster, migrator).await;
        let name = format!("t_{}", hex::encode(rand::random::<[u8; 16]>()));
        let mut connection = connect(cluster, Role::Superuser, "postgres").await;
        // Copying files is quicker than copying through the log of writes where nothing is flushed.
        let create =
            format!("create database {name} template {template} owner {} strategy file_copy", Role::Owner);
        connection.execute(create.as_str()).await.expect("a database for the test");
        connection.execute(roles::grant(&name).as_str()).await.expect("rights for the server's role");
        connection.close().await.expect("the superuser disconnects");
        Self { cluster, name }
    }

    /// For what migrations do.
    pub fn owner_options(&self) -> PgConnectOptions {
        self.options(Role::Owner)
    }

    /// For what the server does.
    pub fn app_options(&self) -> PgConnectOptions {
        self.options(Role::App)
    }

    /// For what only a test may do, such as breaking connections off.
    pub fn superuser_options(&self) -> PgConnectOptions {
        self.options(Role::Superuser)
    }

    fn options(&self, role: Role) -> PgConnectOptions {
        self.cluster.connection(role, &self.name).options()
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of the server's socket, as `psql -h` takes it.
    pub fn socket_path(&self) -> PathBuf {
        self.cluster.connection(Role::Superuser, &self.name).socket_dir
    }

    /// The cluster the database is in.
    pub fn cluster(&self) -> &'static EmbeddedPostgres {
        self.cluster
    }

    /// Drops the database, whoever is still connected. A test that panics before leaves it to the cluster's end.
    ///
    /// # Panics
    /// When it cannot be dropped.
    pub async fn close(self) {
        let mut connection = connect(self.cluster, Role::Superuser, "postgres").await;
        let drop = format!("drop database {} with (force)", self.name);
        connection.execute(drop.as_str()).await.expect("the test's database goes");
        connection.close().await.expect("the superuser disconnects");
    }
}

/// The cluster of this process: joined when [`VARIABLE`] names one, else started on first use.
fn cluster() -> &'static EmbeddedPostgres {
    static CLUSTER: OnceLock<EmbeddedPostgres> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        env::var_os(VARIABLE).map_or_else(|| TestCluster::start().postgres, |dir| join(Path::new(&dir)))
    })
}

fn join(data_dir: &Path) -> EmbeddedPostgres {
    let settings = Settings { data_dir: Some(data_dir.to_path_buf()), ..Settings::default() };
    match EmbeddedPostgres::start_or_join(&settings) {
        Ok(joined) if !joined.is_owner() => joined,
        Ok(_) => panic!("{VARIABLE} names {}, where no cluster runs: unset it", data_dir.display()),
        Err(error) => panic!("{VARIABLE} names {}: {}", data_dir.display(), chain(&error)),
    }
}

/// The name of the template of these migrations, after making it if need be.
async fn template(cluster: &EmbeddedPostgres, migrator: &Migrator) -> String {
    static MADE: Mutex<BTreeSet<String>> = Mutex::const_new(BTreeSet::new());
    let name = template_name(migrator);
    let mut made = MADE.lock().await;
    if !made.contains(&name) {
        let mut connection = connect(cluster, Role::Superuser, "postgres").await;
        make_template(cluster, &mut connection, &name, migrator).await;
        connection.close().await.expect("the superuser disconnects");
        made.insert(name.clone());
    }
    name
}

fn template_name(migrator: &Migrator) -> String {
    let mut hash = Sha256::new();
    for migration in migrator.iter() {
        hash.update(migration.version.to_be_bytes());
        hash.update(&migration.checksum);
    }
    format!("tpl_{}", hex::encode(&hash.finalize()[..8]))
}

async fn make_template(
    cluster: &EmbeddedPostgres,
    connection: &mut PgConnection,
    name: &str,
    migrator: &Migrator,
) {
    // Other test processes want the same template at the same moment. The lock ends with the connection.
    sqlx::query!("select pg_advisory_lock(hashtext($1))", name)
        .execute(&mut *connection)
        .await
        .expect("the lock of the template");
    let is_template =
        sqlx::query_scalar!("select datistemplate from pg_database where datname = $1::text", name)
            .fetch_optional(&mut *connection)
            .await
            .expect("the list of databases");
    if is_template == Some(true) {
        return;
    }
    cluster.prepare().await.unwrap_or_else(|error| panic!("the roles cannot be made: {}", chain(&error)));
    if is_template.is_some() {
        // It was left half migrated.
        connection
            .execute(format!("drop database {name} with (force)").as_str())
            .await
            .expect("the remains go");
    }
    let create = format!("create database {name} owner {}", Role::Owner);
    connection.execute(create.as_str()).await.expect("a database for the template");
    connection.execute(roles::grant(name).as_str()).await.expect("rights for the server's role");
    let mut owner = connect(cluster, Role::Owner, name).await;
    migrator.run(&mut owner).await.expect("the migrations run");
    owner.close().await.expect("the owner disconnects");
    let seal = format!("alter database {name} with is_template true allow_connections false");
    connection.execute(seal.as_str()).await.expect("the template is sealed");
}

async fn connect(cluster: &EmbeddedPostgres, role: Role, database: &str) -> PgConnection {
    PgConnection::connect_with(&cluster.connection(role, database).options())
        .await
        .unwrap_or_else(|error| panic!("{role} cannot connect to {database}: {error}"))
}

/// In memory where there is room; else beside the build; else where the system keeps temporary files.
fn base_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if is_memory(memory) && free_bytes(memory) >= FREE_BYTES_MIN {
        return memory.to_path_buf();
    }
    let target = env::current_exe()
        .expect("the path of this program")
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file()) // Cargo puts one into its target folder.
        .map(|target| target.join("tmp"));
    target.filter(|folder| is_open_to_server(folder)).unwrap_or_else(env::temp_dir)
}

fn is_memory(folder: &Path) -> bool {
    // A system without this file has no such folder either.
    fs::read_to_string("/proc/mounts").is_ok_and(|mounts| {
        mounts.lines().any(|line| {
            let mut fields = line.split(' ').skip(1);
            fields.next() == folder.to_str() && fields.next() == Some("tmpfs")
        })
    })
}

fn free_bytes(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(0, |found| found.f_bavail * found.f_frsize)
}

fn is_open_to_server(folder: &Path) -> bool {
    fs::create_dir_all(folder).is_ok()
        && Account::choose(None, folder).and_then(|account| account.can_enter(folder)).is_ok_and(|open| open)
}

/// Removes the folders of clusters whose process is gone: nobody holds their lock.
fn remove_abandoned(base: &Path, name: &str) {
    for entry in fs::read_dir(base).expect("the folder of the test clusters").flatten() {
        let is_cluster = entry.file_name().to_str().is_some_and(|found| found.starts_with(name));
        if !is_cluster || !entry.path().is_dir() {
            continue;
        }
        let is_abandoned = Lock::open(&entry.path().join("lock")).and_then(|mut lock| lock.try_take());
        match is_abandoned {
            Ok(false) => {}
            Ok(true) => {
                if let Err(error) = remove_folder(&entry.path()) {
                    tracing::warn!(%error, folder = %entry.path().display(), "the next run will try again");
                }
            }
            Err(error) => tracing::warn!(%error, "left as it is"),
        }
    }
}

/// Removes a folder; a server that is just ending may still add files to it.
fn remove_folder(folder: &Path) -> io::Result<()> {
    for _ in 1..REMOVE_ATTEMPTS {
        if fs::remove_dir_all(folder).is_ok() {
            return Ok(());
        }
        thread::sleep(REMOVE_PAUSE);
    }
    fs::remove_dir_all(folder)
}

/// An error with its causes, for a panic.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
