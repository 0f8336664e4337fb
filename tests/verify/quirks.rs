//! Each quirk of the sandbox is noticed, and the SDK makes the clip in spite of it.

use std::fmt::Write as _;

use contract_tests::{KEY, client_of};
use infrai_video::transport::TowerTransport;
use infrai_video::{AspectRatio, Client, Error};
use infrai_video_sandbox::{Quirk, Sandbox};
use verify::{Findings, Server as _, Verdict};

use crate::local::{Local, run, spending};

const PAGE: &str = "docs/verification.md";
const BEGIN: &str = "<!-- Start of the table of quirks that the test `quirks` checks. -->\n";
const END: &str = "<!-- End of the table of quirks that the test `quirks` checks. -->";

/// A sandbox with a quirk. The account has so many jobs that a limit of 50 is noticed.
fn with(quirk: Quirk) -> Local {
    let mut server = Local::new(Sandbox::builder().starting_balance(100.0).quirk(quirk));
    for number in 0..if matches!(quirk, Quirk::LimitCapped) { 60 } else { 0 } {
        let body = serde_json::json!({"prompt": format!("a cube ({number})"), "duration_seconds": 1});
        server.send(&verify::Request::post("/v1/video/generate").with_json(&body)).unwrap();
    }
    server
}

/// The statements that a run contradicts, or what else it notices that it does not notice without the quirk.
fn noticed(plain: &Findings, findings: &Findings) -> String {
    let contradicted: Vec<_> = findings.with_verdict(Verdict::Contradicted).collect();
    if !contradicted.is_empty() {
        return contradicted.join(", ");
    }
    let mut others: Vec<_> =
        findings.observed.iter().filter(|(what, seen)| plain.observed.get(*what) != Some(seen)).collect();
    match others.pop() {
        Some((what, seen)) => {
            format!("none: the contract leaves it open, and the report says: {what}, {seen}")
        }
        None if findings.undeclared.is_empty() => String::new(),
        None => "none: the contract allows it, and the report lists it".to_owned(),
    }
}

/// Makes a clip with the SDK, and compares it with that of the sandbox.
fn deliver(server: &Local, shape: Option<AspectRatio>) -> Result<(), Error> {
    let clock = server.sandbox.clone();
    let client: Client = client_of(server.sandbox.base_url())
        .with_transport(TowerTransport::new(server.sandbox.clone()))
        .with_wall_clock(move || clock.clock().now())
        .build()?;
    let charges = server.sandbox.ledger().charges().count();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("clip.mp4");
    server.runtime.block_on(async {
        let mut clip =
            client.generate("a red cube turns on a white table").duration_seconds(1).resolution("720p");
        if let Some(shape) = shape {
            clip = clip.aspect_ratio(shape);
        }
        let job = clip.submit().await?;
        job.wait().await?.download().to_path(&path).await?;
        Ok::<_, Error>(())
    })?;
    let id = server.sandbox.jobs().last().unwrap().job_id.clone();
    let expected = server.runtime.block_on(server.sandbox.clip_bytes(&id)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), expected);
    assert_eq!(server.sandbox.ledger().charges().count(), charges + 1);
    Ok(())
}

fn delivery(quirk: Quirk) -> String {
    let result = deliver(&with(quirk), Some(AspectRatio::Portrait));
    match result {
        Ok(()) => "yes".to_owned(),
        Err(error) if deliver(&with(quirk), None).is_ok() => {
            format!("yes, without an aspect ratio; with one: {error}")
        }
        Err(error) => format!("no: {error}"),
    }
}

#[test]
fn each_quirk_is_noticed_and_the_table_says_how() {
    let mut table = String::from(
        "\n| quirk | the server | statements that `verify` contradicts | the SDK delivers |\n|---|---|---|---|\n",
    );
    let mut unnoticed = Vec::new();
    let plain = run(&mut Local::plain(), spending(10.0)).findings;
    for quirk in Quirk::ALL.iter().copied() {
        let noticed = noticed(&plain, &run(&mut with(quirk), spending(10.0)).findings);
        if noticed.is_empty() {
            unnoticed.push(quirk.name());
        }
        let delivered = delivery(quirk).replace(KEY, "KEY").replace('|', "\\|");
        let _ = writeln!(table, "| `{quirk}` | {} | {noticed} | {delivered} |", quirk.summary());
    }
    table.push('\n');
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
    let path = contract_tests::root().join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    // As with snapshots.
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert!(
            shown == table,
            "the table in {PAGE} is not current: run this test with INSTA_UPDATE=always, and review:\n{table}"
        );
    }
}
