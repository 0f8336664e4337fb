//! A PostgreSQL server in a temporary directory and without a port.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::programs::{POSTGRES, require};

/// The directory of the programs on Debian, with one directory for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The user of Debian's package. PostgreSQL refuses to run as root.
const UNPRIVILEGED: &str = "postgres";

/// The path of a socket is limited to about a hundred bytes.
const SHORT: &str = "/tmp";

/// Creates a server, and stops and removes it when the input ends, also because this program was killed. A signal to all programs of a
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
#[derive(Debug)]
pub struct Postgres {
    guard: Child,
    directory: TempDir,
    programs: PathBuf,
}

impl Postgres {
    /// Creates an empty server with these settings, such as `fsync=off`, and waits until it is ready.
    ///
    /// # Errors
    /// If PostgreSQL is not installed, or does not start.
    pub fn start(settings: &[&str]) -> anyhow::Result<Self> {
        require(&[POSTGRES])?;
        let programs = programs().context("PostgreSQL's initdb is nowhere")?;
        let directory = tempfile::Builder::new().prefix("pg").tempdir_in(SHORT)?;
        if is_root()? {
            must(command("chown").arg(UNPRIVILEGED).arg(directory.path()))?;
        }
        let mut guard = unprivileged("sh")?;
        guard.args(["-c", GUARD, "guard"]).env("PROGRAMS", &programs).env("DIRECTORY", directory.path());
        let sockets = format!("unix_socket_directories={}", directory.path().display());
        for setting in ["listen_addresses=", "port=5432", &sockets].iter().chain(settings) {
            guard.args(["-c", setting]);
        }
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut guard = guard.spawn().context("sh cannot be started")?;
        let log = guard.stderr.take().context("stderr is piped")?;
        let server = Self { guard, directory, programs };
        wait_until_ready(log)?;
        Ok(server)
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The id of the main process of the server.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn process_id(&self) -> anyhow::Result<String> {
        let text = std::fs::read_to_string(self.directory().join("data/postmaster.pid"))?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    /// Creates an empty database. Returns its URL for libpq and sqlx.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn database(&self, name: &str) -> anyhow::Result<String> {
        self.query(&self.url("postgres"), &format!("create database \"{name}\""))?;
        Ok(self.url(name))
    }

    /// What `psql` prints for that statement: a line for each row, with `|` between the columns.
    ///
    /// # Errors
    /// If the statement fails.
    pub fn query(&self, url: &str, statement: &str) -> anyhow::Result<String> {
        let mut psql = command(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]);
        Ok(must(psql.args(["--dbname", url, "--command", statement]))?.trim_end().to_owned())
    }

    /// The URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port=5432&user=postgres", self.directory.path().display())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // This ends the guard's input. A second panic would hide the first one.
        let _ended = self.guard.wait();
    }
}

/// Reads the log until the server is ready. Fails with the log if it exits.
fn wait_until_ready(log: impl io::Read + Send + 'static) -> anyhow::Result<()> {
    let mut log = BufReader::new(log);
    let mut said = String::new();
    while !said.ends_with("database system is ready to accept connections\n") {
        if log.read_line(&mut said)? == 0 {
            bail!("PostgreSQL did not start:\n{said}");
        }
    }
    // The log must be read on, or the server would block.
    std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
    Ok(())
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
fn unprivileged(program: &str) -> anyhow::Result<Command> {
    if !is_root()? {
        return Ok(command(program));
    }
    let mut other = command("setpriv");
    other.arg(format!("--reuid={UNPRIVILEGED}")).arg(format!("--regid={UNPRIVILEGED}"));
    other.args(["--init-groups", "--"]).arg(program);
    Ok(other)
}

fn is_root() -> anyhow::Result<bool> {
    Ok(must(command("id").arg("-u"))?.trim() == "0")
}

/// The output of a program that must succeed.
fn must(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}: {}", output.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
