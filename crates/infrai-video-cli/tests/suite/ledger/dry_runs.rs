//! `resume --dry-run` predicts what `resume` does.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use infrai_video_sandbox::{Action, Fault, Operation};

use crate::common::{Harness, KEY, Run, SMALL};

/// The prediction for the only item. Checks that nothing was sent and no item changed.
#[track_caller]
fn to_do(harness: &Harness, args: &[&str]) -> String {
    let requests = harness.sandbox.journal().len();
    let shown = harness.run([&["resume", "--dry-run"], args].concat());
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let row = shown.text().trim_end().to_owned();
    assert_eq!(harness.run([&["resume", "--dry-run"], args].concat()).text().trim_end(), row);
    let json = harness.run([&["resume", "--dry-run", "--json"], args].concat()).json();
    assert_eq!(harness.sandbox.journal().len(), requests);
    let cells: Vec<&str> = row.split('\t').collect();
    assert_eq!(
        (cells.len(), cells[1], cells[2]),
        (4, json["state"].as_str().unwrap(), json["to_do"].as_str().unwrap())
    );
    format!("{}: {}", cells[1], cells[2])
}

/// A request whose response was lost. Returns the key.
fn lost(harness: &Harness) -> String {
    harness.sandbox.set_faults([Fault::on(Operation::Generate, Action::accept_then_status(501))]);
    let run = harness.run(SMALL.iter().chain(&["-o", "a.mp4"]));
    harness.sandbox.set_faults([]);
    let (_, key) = run.failed(11).trim_end().rsplit_once("infrai-video resume ").unwrap();
    key.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_resume_predicts_what_happens_to_a_lost_request() {
    let harness = Harness::instant().await;
    let key = lost(&harness);
    assert_eq!(to_do(&harness, &[]), "sent: send again under its key");
    let again = "sent: send under a new key; may be charged again";
    assert_eq!(to_do(&harness, &[&key, "--again"]), again);
    assert_eq!(to_do(&harness, &[&key, "--drop"]), "sent: forget it");
    let other = |args: &[&str]| -> Run {
        let mut command = harness.command(args);
        command.env("INFRAI_API_KEY", "ifr_pk_proj_another").output().unwrap().into()
    };
    let shown = other(&["resume", "--dry-run"]);
    assert!(
        shown.text().contains(
            "\tnothing until you choose --again or --drop: it may have been sent with another API key\t"
        ),
        "{shown:?}"
    );
    assert_eq!(other(&["resume"]).code, Some(11), "and so it does");
    assert_eq!((harness.calls(Operation::Generate), harness.run(["resume"]).code), (1, Some(0)));
    assert_eq!(to_do(&harness, &[&key]), "saved: nothing: its clip is saved");
    std::fs::remove_file(harness.path("a.mp4")).unwrap();
    assert_eq!(to_do(&harness, &[&key]), "missing: download again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_resume_predicts_what_happens_to_a_job() {
    let harness = Harness::still().await;
    let mut child = harness.command(SMALL).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().starts_with("queued ")), "the command ended by itself");
    assert!(to_do(&harness, &[]).contains(": nothing: another process is working on it"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(to_do(&harness, &[]), "accepted: wait, download");
    let id = harness.sandbox.jobs()[0].job_id.clone();
    std::fs::write(harness.path(format!("{id}.mp4")), "mine").unwrap();
    let there = harness.path(format!("{id}.mp4"));
    assert_eq!(to_do(&harness, &[]), format!("accepted: wait, download; {} already exists", there.display()));
    assert_eq!(to_do(&harness, &["--force"]), "accepted: wait, download");
    assert_eq!(harness.run(["cancel", &id]).code, Some(0));
    assert_eq!(to_do(&harness, &[&id]), "cancelled: nothing: finished; --again sends a new request");
    assert_eq!(to_do(&harness, &[&id, "--again"]), "cancelled: send under a new key; is charged");
    let nothing = harness.run(["resume", "--dry-run"]);
    assert!(nothing.text().is_empty() && !nothing.stderr.contains(KEY), "{nothing:?}");
}
