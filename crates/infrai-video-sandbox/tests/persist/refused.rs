use std::fs;
use std::path::PathBuf;

use infrai_video_sandbox::{PersistError, StartError};
use rusqlite::Connection;

use crate::common::{Bench, generate};

/// Where the header of an SQLite file has these two, in four bytes each.
const USER_VERSION: usize = 60;
const APPLICATION_ID: usize = 68;

/// Changes the file of a stopped sandbox with three jobs, and checks that a start on it is refused, that the message
/// says what to do, and that every file is as it was.
async fn is_refused(change: impl AsyncFnOnce(PathBuf), message: &str) -> PersistError {
    let bench = Bench::new();
    let sandbox = bench.start().await;
    for n in 0..3 {
        generate(&sandbox, &format!("k{n}"), &"a lighthouse in a storm ".repeat(100)).await;
    }
    drop(sandbox);
    change(bench.path().join("sandbox.db")).await;
    let before = files(&bench);
    let error = bench.builder().start().await.expect_err("it is refused");
    assert!(files(&bench) == before, "a file was changed");
    let text = error.to_string();
    assert!(text.contains("sandbox.db") && text.contains(message) && !text.contains('\n'), "{text}");
    assert!(text.contains("choose another"), "{text}");
    match error {
        StartError::Persist(error) => error,
        other => panic!("{other:?}"),
    }
}

fn files(bench: &Bench) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(bench.path()).expect("it can be read").map(|entry| entry.expect("an entry"));
    let mut files: Vec<_> = entries
        .filter(|entry| entry.file_type().expect("a type").is_file())
        .map(|entry| (entry.path(), fs::read(entry.path()).expect("it can be read")))
        .collect();
    files.sort();
    files
}

async fn patch(file: PathBuf, place: usize, value: u32) {
    let mut bytes = fs::read(&file).expect("it can be read");
    bytes[place..place + 4].copy_from_slice(&value.to_be_bytes());
    fs::write(file, bytes).expect("it can be written");
}

fn sql(file: PathBuf, statement: &str) {
    let db = Connection::open(file).expect("a database");
    db.execute_batch(statement).expect("a statement");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_rejected() {
    let error = is_refused(async |file| patch(file, USER_VERSION, 4).await, "has format 4").await;
    assert!(matches!(error, PersistError::Newer { found: 4, known: 3, .. }), "{error:?}");
}

#[tokio::test]
async fn a_database_of_another_program_is_rejected() {
    let error =
        is_refused(async |file| patch(file, APPLICATION_ID, 77).await, "not the state of a sandbox").await;
    assert!(matches!(error, PersistError::Foreign { .. }), "{error:?}");
    let never_filled = async |file| patch(file, USER_VERSION, 0).await;
    is_refused(never_filled, "not the state of a sandbox").await;
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_rejected() {
    let garbage =
        async |file| fs::write(file, b"no database at all ".repeat(500)).expect("it can be written");
    let error = is_refused(garbage, "cannot be read").await;
    assert!(matches!(error, PersistError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn a_truncated_file_is_rejected_at_every_length() {
    for part in [0.0, 0.001, 0.2, 0.5, 0.9] {
        let cut = async |file: PathBuf| {
            let bytes = fs::read(&file).expect("it can be read");
            let length = (bytes.len() as f64 * part) as usize;
            fs::write(&file, &bytes[..length]).expect("it can be written");
        };
        is_refused(cut, "").await;
    }
}

#[tokio::test]
async fn a_damaged_page_is_noticed() {
    let damage = async |file: PathBuf| {
        let mut bytes = fs::read(&file).expect("it can be read");
        // Every page but the first one loses its header.
        bytes.chunks_mut(4096).skip(1).for_each(|page| page[..8].fill(0xff));
        fs::write(&file, bytes).expect("it can be written");
    };
    let error = is_refused(damage, "cannot be read").await;
    assert!(matches!(error, PersistError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn a_value_that_makes_no_sense_is_named() {
    for (statement, named) in [
        ("UPDATE changes SET changes_json = '[{' WHERE number = 2", "column changes_json holds \"[{\""),
        ("UPDATE changes SET changes_json = replace(changes_json, '\"charge\"', '\"gift\"')", "`gift`"),
        ("UPDATE changes SET changes_json = replace(changes_json, '720p', '8k')", "there is no such size"),
        ("UPDATE meta SET seed = '-1'", "column seed holds \"-1\""),
        ("DELETE FROM meta", "no rows"),
        ("DROP TABLE changes", "no such table: changes"),
    ] {
        is_refused(async |file| sql(file, statement), named).await;
    }
}

#[tokio::test]
async fn a_second_sandbox_on_the_same_directory_is_rejected() {
    let bench = Bench::new();
    let first = bench.start().await;
    let error = bench.builder().start().await.expect_err("it is in use");
    assert!(matches!(error, StartError::Persist(PersistError::InUse { .. })), "{error:?}");
    let expected = format!(
        "{} is in use by another sandbox: stop that one, or choose another directory",
        bench.path().display()
    );
    assert_eq!(error.to_string(), expected);
    generate(&first, "k1", "a lighthouse").await;
    drop(first);
    assert_eq!(bench.start().await.jobs().len(), 1);
}

#[tokio::test]
async fn a_taken_port_leaves_the_directory_free() {
    let bench = Bench::new();
    let other = Bench::new().start().await;
    let port = other.api_address().port();
    let error = bench.builder().port(port).start().await.expect_err("the port is taken");
    assert!(matches!(error, StartError::Listen { .. }), "{error:?}");
    bench.start().await;
}

#[tokio::test]
async fn a_path_that_is_not_a_directory_is_rejected() {
    let bench = Bench::new();
    let file = bench.path().join("file");
    fs::write(&file, "").expect("it can be written");
    let error = bench.builder().persist(&file).start().await.expect_err("no directory");
    assert!(error.to_string().ends_with("make it writable, or choose another directory"), "{error}");
}

#[tokio::test]
async fn a_start_that_was_cut_off_while_it_made_the_file_is_made_up_for() {
    let bench = Bench::new();
    for name in ["sandbox.db.new", "sandbox.db.new-journal"] {
        fs::write(bench.path().join(name), "half").expect("it can be written");
    }
    generate(&bench.start().await, "k1", "a lighthouse").await;
    assert_eq!(bench.start().await.jobs().len(), 1);
}
