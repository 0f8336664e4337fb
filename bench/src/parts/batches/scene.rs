//! A sandbox, a plan and a ledger, and a run of the plan by one process or several.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use external_tools::postgres::Postgres;
use external_tools::server::Server;
use tempfile::TempDir;

use crate::measure::curl::{KEY, admin};
use crate::measure::process::{self, Taken};

/// The options of the sandbox. A job takes 30 to 40 ms.
const SANDBOX: [&str; 4] = ["--balance", "1000000000", "--clock", "x100"];

/// All clips are of the same request, so that one is rendered, and smaller than what a disk writes at once.
const PROMPT: &str = "a lighthouse in a storm";
const SECONDS: f64 = 0.1;

/// The block of a file system, in bytes.
const BLOCK: u64 = 4096;

/// The name of the plan and of the directory of its clips.
const BATCH: &str = "plan";

/// Where a ledger is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Store<'a> {
    Sqlite,
    Postgres(&'a Postgres),
}

/// A run of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) store: Store<'a>,
    pub(crate) lines: usize,
    pub(crate) workers: usize,
    /// The value of `-j` for each worker.
    pub(crate) concurrency: usize,
}

/// What a run took.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub(crate) lines: f64,
    pub(crate) taken: Taken,
    pub(crate) transactions: f64,
    pub(crate) ledger_bytes: f64,
    pub(crate) requests: f64,
    /// The bytes of a clip.
    pub(crate) clip_bytes: f64,
}

impl Measured {
    pub(crate) fn items_per_second(&self) -> f64 {
        self.lines / self.taken.wall_s
    }
}

/// The command, and where its runs have their files.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) command: PathBuf,
    pub(crate) root: PathBuf,
}

impl Scene {
    pub(crate) fn sandbox(&self) -> anyhow::Result<Server> {
        Server::sandbox(&self.command, &self.root, &SANDBOX).context("the sandbox cannot be started")
    }

    /// On the disk of the workspace: the system's temporary directory may be in memory.
    pub(crate) fn place(&self) -> anyhow::Result<TempDir> {
        let place = self.root.join("target/bench");
        fs::create_dir_all(&place)?;
        tempfile::tempdir_in(&place).context("there is no place for the clips")
    }

    /// Runs a plan to its end and checks that each line was charged once and has its clip.
    pub(crate) fn run(&self, load: Load<'_>) -> anyhow::Result<Measured> {
        let sandbox = self.sandbox()?;
        let place = self.place()?;
        write_plan(place.path(), load.lines)?;
        let database = format!("w{}_{}", load.workers, load.concurrency);
        let before = match load.store {
            Store::Sqlite => None,
            Store::Postgres(server) => Some(Counters::of(server, &server.database(&database)?)?),
        };
        let mut commands: Vec<Command> = (0..load.workers)
            .map(|worker| {
                let mut command = self.command(&sandbox, place.path());
                command.args(["batch", "run", "plan.jsonl", "--quiet", "--output", BATCH]);
                command.args(["-j", &load.concurrency.to_string()]);
                if let Store::Postgres(server) = load.store {
                    command.env("INFRAI_LEDGER", server.url(&database));
                    command.env("INFRAI_STATE_DIR", place.path().join(format!("state-{worker}")));
                }
                command
            })
            .collect();
        let mut index = WalIndex::new(place.path());
        let taken = process::run(&mut commands, || index.look())?;
        let clip_bytes = clips(&place.path().join(BATCH), load.lines)?;
        check_charges(&sandbox, load.lines)?;
        let journal = admin(&format!("{}/__sandbox/journal", sandbox.base_url()))?;
        let last = journal["requests"].as_array().and_then(|requests| requests.last());
        let requests =
            last.and_then(|request| request["sequence"].as_f64()).context("no request was seen")?;
        let (transactions, ledger_bytes) = match (load.store, before) {
            (Store::Postgres(server), Some(before)) => {
                let after = Counters::of(server, &server.url(&database))?;
                (after.commits - before.commits, after.bytes - before.bytes)
            }
            _ => {
                let blocks = clip_bytes.div_ceil(BLOCK) * load.lines as u64;
                (index.transactions()?, taken.written - (blocks * BLOCK) as f64)
            }
        };
        let lines = load.lines as f64;
        Ok(Measured { lines, taken, transactions, ledger_bytes, requests, clip_bytes: clip_bytes as f64 })
    }

    /// The command in a directory, without output.
    pub(crate) fn command(&self, sandbox: &Server, place: &Path) -> Command {
        let mut command = Command::new(&self.command);
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("INFRAI_CONFIG", "none")
            .env("INFRAI_API_KEY", KEY)
            .env("INFRAI_BASE_URL", sandbox.base_url())
            .env("INFRAI_STATE_DIR", place.join("state"))
            .current_dir(place)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }
}

/// Writes `plan.jsonl`.
pub(crate) fn write_plan(place: &Path, lines: usize) -> anyhow::Result<()> {
    let line = format!("{{\"prompt\":\"{PROMPT}\",\"duration_seconds\":{SECONDS}}}\n");
    fs::write(place.join("plan.jsonl"), line.repeat(lines)).context("the plan cannot be written")
}

/// The bytes of a clip, of which there must be this many, all of the same size.
fn clips(directory: &Path, lines: usize) -> anyhow::Result<u64> {
    let mut sizes = Vec::new();
    for entry in fs::read_dir(directory).context("there are no clips")? {
        sizes.push(entry?.metadata()?.len());
    }
    let first = sizes.first().copied().unwrap_or_default();
    ensure!(sizes.len() == lines, "there are {} files for {lines} lines", sizes.len());
    ensure!(first > 0 && sizes.iter().all(|size| *size == first), "a clip has another size than the first");
    Ok(first)
}

/// Each line must have been charged once.
fn check_charges(sandbox: &Server, lines: usize) -> anyhow::Result<()> {
    let ledger = admin(&format!("{}/__sandbox/ledger", sandbox.base_url()))?;
    let entries = ledger["entries"].as_array().context("the sandbox has no ledger")?;
    let charges = entries.iter().filter(|entry| entry["kind"] == "charge").count();
    let double = &ledger["double_charges"];
    if charges != lines || *double != 0 {
        bail!("{lines} lines were charged {charges} times, {double} of them twice");
    }
    Ok(())
}

/// Counters of a database in PostgreSQL.
struct Counters {
    commits: f64,
    /// Of the write-ahead log.
    bytes: f64,
}

impl Counters {
    fn of(server: &Postgres, url: &str) -> anyhow::Result<Self> {
        let statement = "select xact_commit, pg_current_wal_insert_lsn() - '0/0'::pg_lsn \
                         from pg_stat_database where datname = current_database()";
        let text = server.query(url, statement)?;
        let parsed = text.split_once('|').and_then(|(commits, bytes)| {
            Some(Self { commits: commits.parse().ok()?, bytes: bytes.parse().ok()? })
        });
        parsed.with_context(|| format!("the counters of PostgreSQL have another form: {text}"))
    }
}

/// The index of SQLite's write-ahead log, which counts transactions. The file is removed when the ledger is closed, and is read
/// after that. (<https://www.sqlite.org/walformat.html>: the counter is the third number of the index.)
struct WalIndex {
    path: PathBuf,
    file: Option<File>,
}

impl WalIndex {
    const COUNTER: u64 = 8;

    fn new(place: &Path) -> Self {
        Self { path: place.join("state/ledger.db-shm"), file: None }
    }

    fn look(&mut self) {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
    }

    fn transactions(&mut self) -> anyhow::Result<f64> {
        let mut file = self.file.as_ref().context("the index of the ledger was not seen")?;
        let mut number = [0; 4];
        file.seek(SeekFrom::Start(Self::COUNTER))?;
        file.read_exact(&mut number).context("the index of the ledger is too short")?;
        Ok(f64::from(u32::from_ne_bytes(number)))
    }
}

/// The figures of a run, as progress.
pub(crate) fn describe(measured: &Measured) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{:.0} items/s, {:.2} transactions, {:.0} ledger bytes, {:.2} requests an item, {:.0} KiB, {:.0} % busy",
        measured.items_per_second(),
        measured.transactions / measured.lines,
        measured.ledger_bytes / measured.lines,
        measured.requests / measured.lines,
        measured.taken.peak_kib,
        measured.taken.busy * 100.0
    );
    text
}
