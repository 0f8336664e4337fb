//! The tables of the README have every kind of error, and the defaults of the code.

use infrai_video::Client;
use infrai_video::retry::RetryPolicy;
use infrai_video::wait::PollBackoff;

const README: &str = include_str!("../../README.md");

/// The variants of a public enum in this source text.
fn variants<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let (_, body) = source.split_once(&format!("pub enum {name} {{")).expect("the enum is in this file");
    let (body, _) = body.split_once("\n}").expect("the enum ends");
    let lines = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    lines.filter_map(|line| line.strip_suffix(',')).collect()
}

fn section(title: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n## {title}\n")).expect("the README has the section");
    rest.split("\n## ").next().unwrap_or(rest)
}

#[test]
fn every_kind_of_error_is_in_a_table() {
    let errors = variants(include_str!("../../src/error/kind.rs"), "ErrorKind");
    let waits = variants(include_str!("../../src/wait/error.rs"), "WaitErrorKind");
    assert!(errors.len() > 20 && waits.len() > 4);
    let (first, second) = section("Errors").split_once("`wait_error.kind()`").expect("there are two tables");
    for (table, kinds) in [(first, errors), (second, waits)] {
        let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| `")).collect();
        for kind in kinds {
            let mut cells = rows.iter().filter_map(|row| row.split('|').nth(1));
            assert!(cells.any(|cell| cell.contains(&format!("`{kind}`"))), "{kind} has no row");
        }
    }
}

#[test]
fn the_table_of_timeouts_has_the_defaults() {
    let settings = format!(
        "{:?} {:?} {:?} {:?}",
        Client::builder("ifr_pk_proj_x"),
        RetryPolicy::default(),
        PollBackoff::default(),
        PollBackoff::local()
    );
    let table = section("Timeouts and retries");
    for (row, setting) in [
        ("establishing a connection | 10 s", "connect: 10s"),
        ("a pause in a response | 30 s", "read: 30s"),
        ("one attempt of a call | 60 s", "attempt: 60s"),
        ("attempts of a call | 5 ", "max_attempts: 5"),
        ("a call with all its attempts | 2 min", "max_elapsed: 120s"),
        ("random, up to 0.5 s, doubled for each attempt, up to 20 s", "base_delay: 500ms, max_delay: 20s"),
        ("`Retry-After` | at most 1 min", "max_retry_after: 60s"),
        ("a wait | 30 min", "max_wait: Some(1800s)"),
        ("after 8 s, then every 5 s; every 15 s at most", "first: 8s, min: 5s, max: 15s"),
        ("a tenth of the elapsed time, from 0.2 to 2 s", "min: 200ms, max: 2s, share: 0.1"),
    ] {
        assert!(table.contains(row), "the table has no {row:?}");
        assert!(settings.contains(setting), "{setting} is not a default: {settings}");
    }
}
