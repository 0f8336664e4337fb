//! A ledger that cannot be used is told at once, with its cause. Nothing is sent, and no other ledger is advised.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use infrai_video_sandbox::Operation;

use crate::common::{BINARY, Bench, Run, SMALL};

/// Far less than the half minute that a pool of connections would try for.
const AT_ONCE: Duration = Duration::from_secs(10);

fn ledger(bench: &Bench) -> PathBuf {
    bench.state.path().join("ledger.db")
}

/// The same command, started by a shell that sets limits first.
fn limited(bench: &Bench, limits: &str, args: &[&str]) -> Run {
    let command = bench.command(args);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{limits}; exec \"$0\" \"$@\"")).arg(BINARY).args(args).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    shell.current_dir(bench.directory.path()).output().unwrap().into()
}

#[track_caller]
fn told(bench: &Bench, run: &Run, reasons: &[&str]) {
    let stderr = run.failed(7);
    assert!(reasons.iter().any(|reason| stderr.contains(reason)), "{stderr}");
    assert!(!stderr.contains("timed out") && !stderr.contains("panicked"), "{stderr}");
    assert!(!stderr.contains("INFRAI_STATE_DIR") && !stderr.contains("--ledger none"), "{stderr}");
    assert!(stderr.contains("then: infrai-video generate"), "{stderr}");
    assert_eq!(bench.calls(Operation::Generate), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_ledger_is_named_and_left_as_it_is() {
    let bench = Bench::instant().await;
    let mut foreign = sqlx::sqlite::SqliteConnectOptions::new().filename(bench.path("foreign.db"));
    foreign = foreign.create_if_missing(true);
    let mut db = sqlx::ConnectOptions::connect(&foreign).await.unwrap();
    sqlx::query("CREATE TABLE bookmarks (url TEXT)").execute(&mut db).await.unwrap();
    sqlx::Connection::close(db).await.unwrap();
    for bytes in
        [b"notes\n".to_vec(), vec![0; 8192], b"SQLite".to_vec(), fs::read(bench.path("foreign.db")).unwrap()]
    {
        fs::write(ledger(&bench), &bytes).unwrap();
        fs::set_permissions(ledger(&bench), fs::Permissions::from_mode(0o644)).unwrap();
        let begun = Instant::now();
        told(&bench, &bench.run(SMALL), &["it is no ledger"]);
        assert!(begun.elapsed() < AT_ONCE);
        assert_eq!(fs::read(ledger(&bench)).unwrap(), bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_was_cut_off_is_damaged_and_not_begun_anew() {
    let bench = Bench::instant().await;
    assert!(bench.run(["batch", "status"]).stderr.contains("has no batch"));
    // The log goes into the file.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(ledger(&bench));
    let mut db = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut db).await.unwrap();
    sqlx::Connection::close(db).await.unwrap();
    let whole = fs::read(ledger(&bench)).unwrap();
    for length in [0, 50, 100, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(ledger(&bench), &whole[..length]).unwrap();
        told(&bench, &bench.run(SMALL), &["it is damaged"]);
    }
    // Of the right length, with a page of zeros where the tables are listed.
    let mut broken = whole.clone();
    broken[100..4096].fill(0xff);
    fs::write(ledger(&bench), &broken).unwrap();
    told(&bench, &bench.run(SMALL), &["it is damaged"]);
    fs::write(ledger(&bench), &whole).unwrap();
    let run = bench.run(SMALL);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

/// File systems of macOS take no such names.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_utf_8_is_used_as_it_is() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let bench = Bench::instant().await;
    let directory = bench.state.path().join(OsStr::from_bytes(b"st\xffate 100%"));
    let file = directory.join(OsStr::from_bytes(b"l\xfe.db"));
    let run = |args: &[&str], name: &str, value: &OsStr| -> Run {
        let mut command = bench.command(args);
        command.env_remove("INFRAI_STATE_DIR").env("HOME", bench.path("home")).env(name, value);
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
    assert!(!bench.path("home").exists(), "nothing is written to the default place");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_files_and_sizes_are_told_by_their_names() {
    let bench = Bench::instant().await;
    assert!(bench.run(["batch", "status"]).stderr.contains("has no batch"));
    let args = [&SMALL[..], &["--no-check"]].concat();
    for files in 11..=18 {
        let run = limited(&bench, &format!("ulimit -n {files}"), &args);
        if run.code == Some(0) {
            break;
        }
        assert!(run.stderr.contains("Too many open files"), "{files}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked") && !run.stderr.contains("timed out"), "{}", run.stderr);
    }
    // In blocks of 512 bytes, or of 1024 in some shells: less than the log of a write.
    let before = bench.calls(Operation::Generate);
    let run = limited(&bench, "ulimit -f 4", &args);
    let stderr = run.failed(7);
    assert!(stderr.contains("File too large") || stderr.contains("the disk is full"), "{stderr}");
    assert_eq!(bench.calls(Operation::Generate), before, "nothing is sent that cannot be written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_cannot_be_reached_is_told_at_once() {
    let bench = Bench::instant().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (ledger, reason) in [
        (format!("postgres://127.0.0.1:{free}/clips"), "refused"),
        ("postgres:///clips?host=/nowhere".to_owned(), "No such file"),
    ] {
        let begun = Instant::now();
        let mut command = bench.command(SMALL);
        let run = Run::from(command.env("INFRAI_LEDGER", ledger).output().unwrap());
        told(&bench, &run, &[reason]);
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    }
}
