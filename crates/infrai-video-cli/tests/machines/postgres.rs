//! A PostgreSQL server for a test, in a temporary directory and without a port.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The directory of the programs on Debian, with one directory for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The user of Debian's package. PostgreSQL refuses to run as root.
const UNPRIVILEGED: &str = "postgres";

/// The path of a socket is limited to about a hundred bytes.
const SHORT: &str = "/tmp";

/// Creates a server, and stops and removes it when the input ends, also because the tests were killed. A signal to all programs of a
/// terminal only ends the input. A starting server ignores SIGINT, and a running one waits for its clients after SIGTERM, so it gets
/// both.
const GUARD: &str = r#"
trap : HUP INT TERM
"$PROGRAMS/initdb" --pgdata="$DIRECTORY/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync
"$PROGRAMS/postgres" -D "$DIRECTORY/data" "$@" </dev/null & server=$!
exec 2>/dev/null
cat
trap '' HUP INT TERM
kill -TERM $server
kill -INT $server
wait $server
rm -rf "$DIRECTORY"
"#;

/// A running server, which is stopped and removed when this is dropped.
pub(crate) struct Postgres {
    guard: Child,
    directory: TempDir,
    programs: PathBuf,
}

impl Postgres {
    /// Creates an empty server and waits until it is ready.
    pub(crate) fn start() -> Self {
        let programs = programs().expect("PostgreSQL is installed: see `cargo xtask test --only machines`");
        let directory = tempfile::Builder::new().prefix("pg").tempdir_in(SHORT).unwrap();
        if is_root() {
            must(command("chown").arg(UNPRIVILEGED).arg(directory.path()));
        }
        let mut guard = unprivileged("sh");
        guard.args(["-c", GUARD, "guard"]).env("PROGRAMS", &programs).env("DIRECTORY", directory.path());
        let sockets = format!("unix_socket_directories={}", directory.path().display());
        // Test data need not survive a crash of the machine.
        for setting in ["listen_addresses=", "port=5432", &sockets, "fsync=off", "shared_buffers=16MB"] {
            guard.args(["-c", setting]);
        }
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut guard = guard.spawn().unwrap();
        let log = guard.stderr.take().unwrap();
        let server = Self { guard, directory, programs };
        wait_until_ready(log);
        server
    }

    /// Creates an empty database. Returns its URL for libpq and sqlx.
    pub(crate) fn database(&self, name: &str) -> String {
        self.query(&self.url("postgres"), &format!("create database \"{name}\""));
        self.url(name)
    }

    /// What `psql` prints for that statement: a line for each row, with `|` between the columns.
    pub(crate) fn query(&self, url: &str, statement: &str) -> String {
        let mut psql = command(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]);
        must(psql.args(["--dbname", url, "--command", statement])).trim_end().to_owned()
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port=5432&user=postgres", self.directory.path().display())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // This ends the guard's input. A second panic would hide the first one.
        let _ended = self.guard.wait();
    }
}

/// Reads the log until the server is ready. Panics with the log if it exits.
fn wait_until_ready(log: impl io::Read + Send + 'static) {
    let mut log = BufReader::new(log);
    let mut said = String::new();
    while !said.ends_with("database system is ready to accept connections\n") {
        assert!(log.read_line(&mut said).unwrap() > 0, "the server did not start:\n{said}");
    }
    // The log must be read on, or the server would block.
    std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
}

/// The directory of the programs of the newest version.
fn programs() -> Option<PathBuf> {
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::fs::read_dir(DEBIAN).into_iter().flatten().filter_map(Result::ok);
    let version = |path: PathBuf| Some((path.file_name()?.to_str()?.parse::<u32>().ok()?, path.join("bin")));
    let mut versions: Vec<_> = installed.filter_map(|entry| version(entry.path())).collect();
    versions.sort();
    let debian = versions.into_iter().rev().map(|(_, programs)| programs);
    debian.chain(std::env::split_paths(&in_path)).find(|programs| programs.join("initdb").is_file())
}

/// A program with an empty environment.
fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env_clear().env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// The same without root privileges.
fn unprivileged(program: &str) -> Command {
    if !is_root() {
        return command(program);
    }
    let mut other = command("setpriv");
    other.arg(format!("--reuid={UNPRIVILEGED}")).arg(format!("--regid={UNPRIVILEGED}"));
    other.args(["--init-groups", "--"]).arg(program);
    other
}

fn is_root() -> bool {
    must(command("id").arg("-u")).trim() == "0"
}

/// The output of a program that must succeed.
fn must(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {complaint}", output.status);
    String::from_utf8(output.stdout).unwrap()
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
        let text = std::fs::read_to_string(server.directory.path().join("data/postmaster.pid")).unwrap();
        left = Some((server.directory.path().to_owned(), text.lines().next().unwrap().to_owned()));
        panic!("as a test does that fails");
    }));
    assert!(panicked.is_err());
    let (directory, process) = left.unwrap();
    assert!(!directory.exists());
    let asked = command("sh").args(["-c", "kill -0 \"$1\"", "sh", &process]).output().unwrap();
    assert!(!asked.status.success(), "the server is still there");
}
