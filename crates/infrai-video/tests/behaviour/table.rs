//! The README's table of faults and their outcomes.

use std::fmt::Write as _;
use std::future::IntoFuture as _;

use infrai_video::Error;
use infrai_video::retry::RetryPolicy;
use infrai_video_sandbox::{Action, Fault, Host, Length, Operation, Sandbox};
use tokio::time::Duration;

use crate::support::harness::Harness;

/// Submits, waits and downloads with these faults.
async fn whole_way(faults: impl IntoIterator<Item = Fault>) -> (Harness, Result<(), Error>) {
    let harness = Harness::with(faults);
    let outcome = async {
        let job = harness.client.generate("a city at dusk").duration_seconds(0.2).submit().await?;
        job.wait().await?.download().to_path(harness.path()).await?;
        harness.assert_whole_clip(&job).await;
        Ok(())
    };
    let outcome = outcome.await;
    (harness, outcome)
}

fn row(table: &mut String, what: &str, harness: &Harness, outcome: &str) {
    let (jobs, charges, double) = harness.money();
    assert_eq!(double, 0, "{what}");
    writeln!(table, "| {what} | {} | {jobs} | {charges} | {outcome} |", harness.posts()).unwrap();
}

fn clip_or_error(outcome: &Result<(), Error>) -> &'static str {
    match outcome {
        Ok(()) => "the whole clip",
        Err(error) if error.is_outcome_unknown() => "an error that says: send the same again",
        Err(_) => "an error",
    }
}

#[tokio::test(start_paused = true)]
async fn faults_and_their_outcomes() {
    let on = Fault::on;
    let mut table =
        "| what happens | POSTs, one key and body | jobs | charges | outcome |\n|---|---|---|---|---|\n"
            .to_owned();

    for (what, action) in [
        ("the connection is lost after the job was accepted, each time", Action::AcceptThenDrop),
        ("503 after the job was accepted, each time", Action::accept_then_status(503)),
        ("no response after the job was accepted, each time", Action::accept_then_hang()),
    ] {
        let (harness, outcome) = whole_way([on(Operation::Generate, action)]).await;
        assert_eq!(harness.money(), (1, 1, 0));
        assert!(harness.posts() as u32 <= RetryPolicy::default().max_attempts());
        row(&mut table, what, &harness, clip_or_error(&outcome));
    }
    let (harness, outcome) = whole_way([on(Operation::Generate, Action::AcceptThenDrop).nth(1)]).await;
    row(
        &mut table,
        "the connection is lost after the job was accepted, once",
        &harness,
        clip_or_error(&outcome),
    );

    let (harness, outcome) = whole_way([on(Operation::Status, Action::status(503)).times(2)]).await;
    assert_eq!(harness.posts(), 1);
    row(&mut table, "two polls get 503", &harness, clip_or_error(&outcome));

    let bad_polls = [
        on(Operation::Status, Action::status(503)).times(5),
        on(Operation::Status, Action::DropBefore).times(6),
        on(Operation::Status, Action::status(404)).times(1),
    ];
    let (harness, outcome) = whole_way(bad_polls).await;
    row(&mut table, "5 x 503, 6 dropped polls and a 404 while waiting", &harness, clip_or_error(&outcome));

    let (harness, outcome) = whole_way([on(Operation::Status, Action::unknown_state()).times(3)]).await;
    row(&mut table, "a state that nobody knows", &harness, clip_or_error(&outcome));

    let harness = Harness::with([]);
    let job = harness.job().await;
    job.cancel().await.unwrap();
    let error = job.wait().await.unwrap_err();
    assert!(error.last_job().is_some());
    row(&mut table, "the service says cancelled", &harness, "an error with the job in it");

    for (what, faults) in [
        ("the body is cut short, with a length", vec![on(Operation::Clip, Action::cut(3000)).times(3)]),
        (
            "the body is cut short, without a length",
            vec![on(Operation::Clip, Action::Cut { after: 3000, length: Length::Hidden }).times(1)],
        ),
        (
            "the link is expired before its first use",
            vec![on(Operation::DownloadUrl, Action::ExpiredLink).times(1)],
        ),
        (
            "the link runs out midway",
            vec![on(Operation::Clip, Action::ExpireMidway { after: 3000 }).times(1)],
        ),
        (
            "the server ignores Range",
            vec![on(Operation::Clip, Action::cut(3000)).nth(1), on(Operation::Clip, Action::IgnoreRange)],
        ),
        (
            "the file changes midway",
            vec![
                on(Operation::Clip, Action::cut(3000)).nth(1),
                on(Operation::Clip, Action::ChangeEtag).times(1),
            ],
        ),
    ] {
        let (harness, outcome) = whole_way(faults).await;
        let to_files: Vec<_> =
            harness.sandbox.journal().into_iter().filter(|seen| seen.host == Host::Files).collect();
        assert!(!to_files.is_empty() && to_files.iter().all(|seen| !seen.authorization));
        row(&mut table, what, &harness, clip_or_error(&outcome));
    }

    let harness = Harness::with([on(Operation::Generate, Action::AcceptThenDrop)]);
    let submission = harness.client.generate("a city at dusk").prepare().unwrap();
    let killed =
        tokio::time::timeout(Duration::from_millis(1), harness.client.submit(&submission).into_future());
    killed.await.unwrap_err();
    harness.sandbox.set_faults([]);
    harness.client.submit(&submission).await.unwrap();
    row(
        &mut table,
        "the program is killed while it submits, and submits again what it stored",
        &harness,
        "the job",
    );

    let harness = Harness::of(Sandbox::builder().starting_balance(0.12), |client| client);
    let submissions: Vec<_> =
        (0..4).map(|n| harness.client.generate(format!("scene {n}")).prepare().unwrap()).collect();
    let mut accepted = 0;
    for submission in &submissions {
        match harness.client.submit(submission).await {
            Ok(_) => accepted += 1,
            Err(error) => assert!(error.is_insufficient_credit() && error.attempts() == 1),
        }
    }
    assert!(accepted > 0 && accepted < submissions.len());
    let (jobs, charges, _) = harness.money();
    assert_eq!((jobs, charges), (accepted, accepted));
    writeln!(
        table,
        "| the credit runs out in the middle of {} jobs | 1 each | {jobs} | {charges} | a typed error for the rest |",
        submissions.len()
    )
    .unwrap();

    insta::assert_snapshot!(table);
}
