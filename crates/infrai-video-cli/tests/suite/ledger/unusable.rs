//! A ledger that cannot be used is reported at once with the cause. Nothing is sent, and no other ledger is suggested.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use infrai_video_sandbox::Operation;
use rusqlite::Connection;

use crate::common::{BINARY, Harness, Run, SMALL};

/// Far less than the half minute for which a connection pool would retry.
const AT_ONCE: Duration = Duration::from_secs(10);

fn ledger(harness: &Harness) -> PathBuf {
    harness.state.path().join("ledger.db")
}

/// The command, started by a shell that sets limits first.
fn limited(harness: &Harness, limits: &str, args: &[&str]) -> Run {
    let command = harness.command(args);
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{limits}; exec \"$0\" \"$@\""))
        .arg(BINARY)
        .args(args)
        .env_clear()
        .env("INFRAI_CONFIG", "none");
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    shell.current_dir(harness.directory.path()).output().unwrap().into()
}

#[track_caller]
fn assert_reported(harness: &Harness, run: &Run, reasons: &[&str]) {
    let stderr = run.failed(7);
    assert!(reasons.iter().any(|reason| stderr.contains(reason)), "{stderr}");
    assert!(!stderr.contains("timed out") && !stderr.contains("panicked"), "{stderr}");
    assert!(!stderr.contains("INFRAI_STATE_DIR") && !stderr.contains("--ledger none"), "{stderr}");
    assert!(stderr.contains("then: infrai-video generate"), "{stderr}");
    assert_eq!(harness.calls(Operation::Generate), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_a_ledger_is_named_and_left_unchanged() {
    let harness = Harness::instant().await;
    let foreign = Connection::open(harness.path("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(foreign);
    for bytes in [
        b"notes\n".to_vec(),
        vec![0; 8192],
        b"SQLite".to_vec(),
        fs::read(harness.path("foreign.db")).unwrap(),
    ] {
        fs::write(ledger(&harness), &bytes).unwrap();
        fs::set_permissions(ledger(&harness), fs::Permissions::from_mode(0o644)).unwrap();
        let begun = Instant::now();
        assert_reported(
            &harness,
            &harness.run(SMALL),
            &["it is not a SQLite database", "it contains tables of another program"],
        );
        assert!(begun.elapsed() < AT_ONCE);
        assert_eq!(fs::read(ledger(&harness)).unwrap(), bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_special_file_is_no_ledger_and_is_left_unchanged() {
    let harness = Harness::instant().await;
    let _socket = std::os::unix::net::UnixListener::bind(ledger(&harness)).unwrap();
    fs::set_permissions(ledger(&harness), fs::Permissions::from_mode(0o666)).unwrap();
    let directory = ledger(&harness).parent().unwrap().to_owned();
    let names =
        || fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect::<HashSet<_>>();
    let before = names();
    assert_reported(&harness, &harness.run(SMALL), &["it is not a regular file"]);
    assert_eq!(fs::metadata(ledger(&harness)).unwrap().permissions().mode() & 0o777, 0o666);
    assert_eq!(names(), before);

    fs::remove_file(ledger(&harness)).unwrap();
    assert!(Command::new("mkfifo").args(["-m", "666"]).arg(ledger(&harness)).status().unwrap().success());
    let begun = Instant::now();
    assert_reported(&harness, &harness.run(SMALL), &["it is not a regular file"]);
    assert!(begun.elapsed() < AT_ONCE);
    assert_eq!(fs::metadata(ledger(&harness)).unwrap().permissions().mode() & 0o777, 0o666);
    assert_eq!(names(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_ledger_is_damaged_and_not_replaced() {
    let harness = Harness::instant().await;
    assert!(harness.run(["batch", "status"]).stderr.contains("has no batch"));
    // Moves the log into the file.
    let db = Connection::open(ledger(&harness)).unwrap();
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(db);
    let whole = fs::read(ledger(&harness)).unwrap();
    for length in [0, 50, 100, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(ledger(&harness), &whole[..length]).unwrap();
        assert_reported(&harness, &harness.run(SMALL), &["it is damaged"]);
    }
    // A damaged page of the right length where the tables are listed.
    let mut broken = whole.clone();
    broken[100..4096].fill(0xff);
    fs::write(ledger(&harness), &broken).unwrap();
    assert_reported(&harness, &harness.run(SMALL), &["it is damaged"]);
    fs::write(ledger(&harness), &whole).unwrap();
    let run = harness.run(SMALL);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

/// File systems of macOS reject such names.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_utf_8_is_supported() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let harness = Harness::instant().await;
    let directory = harness.state.path().join(OsStr::from_bytes(b"st\xffate 100%"));
    let file = directory.join(OsStr::from_bytes(b"l\xfe.db"));
    let run = |args: &[&str], name: &str, value: &OsStr| -> Run {
        let mut command = harness.command(args);
        command.env_remove("INFRAI_STATE_DIR").env("HOME", harness.path("home")).env(name, value);
        command.output().unwrap().into()
    };
    let args = [&SMALL[..], &["--no-wait", "-q"]].concat();
    for (name, value, there) in [
        ("INFRAI_STATE_DIR", &directory, directory.join("ledger.db")),
        ("INFRAI_LEDGER", &file, file.clone()),
        ("XDG_STATE_HOME", &directory, directory.join("infrai-video/ledger.db")),
    ] {
        let made = run(&args, name, value.as_os_str());
        assert_eq!(made.code, Some(0), "{name}: {}", made.stderr);
        assert!(there.metadata().unwrap().len() > 0, "{name}");
        let resumed = run(&["resume", made.text().trim()], name, value.as_os_str());
        assert_eq!(resumed.code, Some(0), "{name}: {}", resumed.stderr);
    }
    assert!(!harness.path("home").exists(), "nothing is written to the default place");
}

/// SQLite would read it as a URI.
#[tokio::test(flavor = "multi_thread")]
async fn a_relative_path_can_begin_like_a_uri() {
    let harness = Harness::instant().await;
    let run = harness.run(SMALL.iter().chain(&["--no-wait", "--ledger", "file:l.db?mode=memory"]));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(harness.path("file:l.db?mode=memory").metadata().unwrap().len() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_and_size_limits_of_the_system_are_named() {
    let harness = Harness::instant().await;
    assert!(harness.run(["batch", "status"]).stderr.contains("has no batch"));
    let args = [&SMALL[..], &["--no-check"]].concat();
    for files in 11..=18 {
        let run = limited(&harness, &format!("ulimit -n {files}"), &args);
        if run.code == Some(0) {
            break;
        }
        assert!(run.stderr.contains("Too many open files"), "{files}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked") && !run.stderr.contains("timed out"), "{}", run.stderr);
    }
    // In blocks of 512 bytes, or of 1024 in some shells: less than the log of a write.
    let before = harness.calls(Operation::Generate);
    let run = limited(&harness, "ulimit -f 4", &args);
    let stderr = run.failed(7);
    assert!(stderr.contains("File too large") || stderr.contains("the disk is full"), "{stderr}");
    assert_eq!(harness.calls(Operation::Generate), before, "nothing is sent that cannot be written down");
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_postgres_is_reported_at_once() {
    let harness = Harness::instant().await;
    // Bound, so that no other test gets the port, but nothing listens on it.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = taken.local_addr().unwrap();
    for (ledger, reason) in [
        (format!("postgres://{address}/clips"), "refused"),
        ("postgres:///clips?host=/nowhere".to_owned(), "No such file"),
    ] {
        let begun = Instant::now();
        let mut command = harness.command(SMALL);
        let run = Run::from(command.env("INFRAI_LEDGER", ledger).output().unwrap());
        assert_reported(&harness, &run, &[reason]);
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_ledger_is_reported_while_it_is_waited_for() {
    let harness = Harness::instant().await;
    assert!(harness.run(["batch", "status"]).stderr.contains("has no batch"));
    let db = Connection::open(ledger(&harness)).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut child = harness.command(SMALL).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let waiting = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("waiting ")));
    let waiting = waiting.expect("the command exited").unwrap();
    let expected = format!("for another process that keeps the ledger {} locked", ledger(&harness).display());
    assert!(waiting.ends_with(&expected), "{waiting}");
    assert_eq!(harness.calls(Operation::Generate), 0);
    db.execute_batch("ROLLBACK").unwrap();
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:?}");
    assert_eq!(harness.calls(Operation::Generate), 1);
}

#[test]
fn only_the_directory_of_the_default_ledger_is_created() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let harness = runtime.block_on(Harness::instant());
    let directory = harness.path("no where");
    for command in [&SMALL[..], &["batch", "status"], &["usage"]] {
        let ledger = directory.join("deeper/ledger.db");
        let run = harness
            .run(command.iter().map(std::ffi::OsStr::new).chain(["--ledger".as_ref(), ledger.as_os_str()]));
        let next = format!("next       mkdir -p '{}'\n", directory.join("deeper").display());
        assert!(run.failed(7).contains(&next), "{run:?}");
    }
    assert_eq!((harness.files().len(), harness.calls(Operation::Generate)), (0, 0));
    let mut default = harness.command(SMALL);
    default.env("INFRAI_STATE_DIR", directory.join("state"));
    let default = Run::from(default.output().unwrap());
    assert_eq!(default.code, Some(0), "{default:?}");
    assert!(directory.join("state/ledger.db").is_file());
}
