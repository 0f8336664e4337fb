//! A PostgreSQL server for a test.

use std::process::Command;

use external_tools::postgres;

/// A running server, which is stopped and removed when this is dropped.
pub(crate) struct Postgres(postgres::Postgres);

impl Postgres {
    /// Creates an empty server and waits until it is ready.
    pub(crate) fn start() -> Self {
        // Test data need not survive a crash of the machine. A lock that is never released makes a statement fail.
        let settings = ["fsync=off", "shared_buffers=16MB", "lock_timeout=60s"];
        Self(postgres::Postgres::start(&settings).unwrap())
    }

    /// Creates an empty database. Returns its URL for libpq and sqlx.
    pub(crate) fn database(&self, name: &str) -> String {
        self.0.database(name).unwrap();
        self.url(name)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        self.0.url(database)
    }

    /// What `psql` prints for that statement: a line for each row, with `|` between the columns.
    pub(crate) fn query(&self, url: &str, statement: &str) -> String {
        self.0.query(url, statement).unwrap()
    }
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
fn a_server_responds_only_on_its_socket() {
    let server = Postgres::start();
    let (first, second) = (server.database("first"), server.database("second"));
    assert_eq!(server.query(&first, "select 1"), "1");
    assert_eq!(server.query(&first, "show listen_addresses"), "");
    server.query(&first, "create table here (id int)");
    let tables = "select count(*) from pg_tables where tablename = 'here'";
    assert_eq!([&first, &second].map(|url| server.query(url, tables)), ["1", "0"]);
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test --only machines"]
fn a_server_stops_with_its_test_also_after_a_panic() {
    let mut left = None;
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let server = Postgres::start();
        left = Some((server.0.directory().to_owned(), server.0.process_id().unwrap()));
        panic!("as a test does that fails");
    }));
    assert!(panicked.is_err());
    let (directory, process) = left.unwrap();
    assert!(!directory.exists());
    let asked = Command::new("sh").args(["-c", "kill -0 \"$1\"", "sh", &process]).output().unwrap();
    assert!(!asked.status.success(), "the server is still there");
}
