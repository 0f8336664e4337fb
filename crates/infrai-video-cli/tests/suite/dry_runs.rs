//! What `resume --dry-run` says, and that it is what `resume` then does.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use infrai_video_sandbox::{Action, Fault, Operation};

use crate::common::{Bench, KEY, Run, SMALL};

/// What would be done with the one item, after checking that nothing was sent and no item changed.
#[track_caller]
fn to_do(bench: &Bench, args: &[&str]) -> String {
    let requests = bench.sandbox.journal().len();
    let shown = bench.run([&["resume", "--dry-run"], args].concat());
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let row = shown.text().trim_end().to_owned();
    assert_eq!(bench.run([&["resume", "--dry-run"], args].concat()).text().trim_end(), row);
    let json = bench.run([&["resume", "--dry-run", "--json"], args].concat()).json();
    assert_eq!(bench.sandbox.journal().len(), requests);
    let cells: Vec<&str> = row.split('\t').collect();
    assert_eq!(
        (cells.len(), cells[1], cells[2]),
        (4, json["state"].as_str().unwrap(), json["to_do"].as_str().unwrap())
    );
    format!("{}: {}", cells[1], cells[2])
}

/// A request whose response was lost. Says the key.
fn lost(bench: &Bench) -> String {
    bench.sandbox.set_faults([Fault::on(Operation::Generate, Action::accept_then_status(501))]);
    let run = bench.run(SMALL.iter().chain(&["-o", "a.mp4"]));
    bench.sandbox.set_faults([]);
    let (_, key) = run.failed(11).trim_end().rsplit_once("infrai-video resume ").unwrap();
    key.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_resume_says_what_becomes_of_a_lost_request() {
    let bench = Bench::instant().await;
    let key = lost(&bench);
    assert_eq!(to_do(&bench, &[]), "sent: send again under its key");
    let again = "sent: send under a new key, which may be charged on top";
    assert_eq!(to_do(&bench, &[&key, "--again"]), again);
    assert_eq!(to_do(&bench, &[&key, "--drop"]), "sent: forget it");
    let other = |args: &[&str]| -> Run {
        let mut command = bench.command(args);
        command.env("INFRAI_API_KEY", "ifr_pk_proj_another").output().unwrap().into()
    };
    let shown = other(&["resume", "--dry-run"]);
    assert!(
        shown.text().contains("\task for --again or --drop: it may have been sent with another API key\t"),
        "{shown:?}"
    );
    assert_eq!(other(&["resume"]).code, Some(11), "and so it does");
    assert_eq!((bench.calls(Operation::Generate), bench.run(["resume"]).code), (1, Some(0)));
    assert_eq!(to_do(&bench, &[&key]), "saved: nothing: its clip is there");
    std::fs::remove_file(bench.path("a.mp4")).unwrap();
    assert_eq!(to_do(&bench, &[&key]), "missing: download again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_resume_says_what_becomes_of_a_job() {
    let bench = Bench::still().await;
    let mut child = bench.command(SMALL).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().starts_with("queued ")), "the command ended by itself");
    assert!(to_do(&bench, &[]).contains(": nothing: another process is working on it"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(to_do(&bench, &[]), "accepted: wait, download");
    let id = bench.sandbox.jobs()[0].job_id.clone();
    std::fs::write(bench.path(format!("{id}.mp4")), "mine").unwrap();
    let there = bench.path(format!("{id}.mp4"));
    assert_eq!(to_do(&bench, &[]), format!("accepted: wait, download; {} is there already", there.display()));
    assert_eq!(to_do(&bench, &["--force"]), "accepted: wait, download");
    assert_eq!(bench.run(["cancel", &id]).code, Some(0));
    assert_eq!(to_do(&bench, &[&id]), "cancelled: nothing: it is over; --again asks for it anew");
    assert_eq!(to_do(&bench, &[&id, "--again"]), "cancelled: send under a new key, which is charged");
    let nothing = bench.run(["resume", "--dry-run"]);
    assert!(nothing.text().is_empty() && !nothing.stderr.contains(KEY), "{nothing:?}");
}
