use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};

use crate::common::{BINARY, Harness, KEY, Run, SMALL};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_3_and_its_reason_cannot_control_the_terminal() {
    let message = "no\u{1b}[2J \u{202e}gnp.exe".to_owned();
    let fail = Fault::on(Operation::Generate, Action::FailJob { code: "REJECTED".to_owned(), message });
    let harness = Harness::with(Sandbox::builder().instant_jobs().fault(fail)).await;
    let run = harness.run(SMALL);
    let stderr = run.failed(3);
    assert!(stderr.contains("failed: no [2J gnp.exe (REJECTED)"), "{stderr}");
    assert!(!stderr.contains(['\u{1b}', '\u{202e}']));
    assert!(harness.files().is_empty());

    let id = &harness.sandbox.jobs()[0].job_id;
    let wait = harness.run(["wait", id, "--json"]);
    assert_eq!((wait.code, &wait.json()["state"]), (Some(3), &"failed".into()));
    assert!(!wait.text().contains('\u{202e}'));
    assert_eq!(wait.json()["error"]["message"], "no\u{1b}[2J \u{202e}gnp.exe");
    assert_eq!(harness.run(["download", id]).code, Some(3));
}

/// Reports every job as succeeded. A failed one then has an error and no link, as if a filter had withheld the clip.
fn filtered() -> [Fault; 3] {
    [Operation::Generate, Operation::Status, Operation::List]
        .map(|operation| Fault::on(operation, Action::UnknownState { state: "SUCCEEDED".to_owned() }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_succeeded_without_a_clip_is_3_and_is_not_resumed() {
    let harness = Harness::with(Sandbox::builder().instant_jobs().faults(filtered())).await;
    let is_told = |run: &Run| {
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(run.stderr.contains(" succeeded without a clip: "), "{}", run.stderr);
        assert!(run.stderr.contains("(CONTENT_REJECTED)"), "{}", run.stderr);
    };
    let nothing_is_left = || {
        let run = harness.run(["resume"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains("nothing is unfinished"), "{}", run.stderr);
    };
    is_told(&harness.run(["generate", "a city [fail]", "-o", "a.mp4"]));
    let id = harness.sandbox.jobs()[0].job_id.clone();
    is_told(&harness.run(["wait", &id]));
    is_told(&harness.run(["download", &id]));
    nothing_is_left();
    assert_eq!(harness.calls(Operation::DownloadUrl), 0);

    // Begun while the job was running, and resumed when it was finished.
    harness.sandbox.set_faults([Fault::anywhere(Action::Stuck)]);
    let late = harness.run(["generate", "a river [fail]", "--timeout", "0", "-o", "b.mp4"]);
    assert_eq!(late.code, Some(8), "{}", late.stderr);
    harness.sandbox.set_faults(filtered());
    is_told(&harness.run(["resume"]));
    nothing_is_left();

    let plan = "{\"prompt\":\"a [fail]\"}\n{\"prompt\":\"b [fail]\"}\n";
    std::fs::write(harness.path("plan.jsonl"), plan).unwrap();
    for _ in 0..2 {
        let run = harness.run(["batch", "run", "plan.jsonl", "--json"]);
        assert_eq!(run.code, Some(13), "{}", run.stderr);
        let report = run.json();
        assert_eq!(report["counts"]["failed"], 2);
        assert_eq!(report["items"][0]["error_code"], "CONTENT_REJECTED");
    }
    assert_eq!(harness.calls(Operation::Generate), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_capabilities_are_a_note() {
    for broken in [403, 404, 405, 500].map(Action::status).into_iter().chain([Action::html()]) {
        let fault = Fault::on(Operation::Capabilities, broken.clone());
        let harness = Harness::with(Sandbox::builder().instant_jobs().fault(fault)).await;
        let run = harness.run(SMALL.iter().chain(&["-o", "a.mp4"]));
        assert_eq!((run.code, run.text()), (Some(0), "a.mp4\n"), "{broken:?}: {}", run.stderr);
        let note = "note       not checked: the vendors' capabilities could not be read: ";
        assert_eq!(run.stderr.matches(note).count(), 1, "{broken:?}: {}", run.stderr);
        assert!(!run.stderr.contains("checked    "), "{}", run.stderr);
        std::fs::write(harness.path("plan.jsonl"), "{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n").unwrap();
        let run = harness.run(["batch", "run", "plan.jsonl"]);
        assert_eq!(run.code, Some(0), "{broken:?}: {}", run.stderr);
        assert_eq!(run.stderr.matches(note).count(), 1, "{broken:?}: {}", run.stderr);
        assert_eq!(harness.sandbox.ledger().charges().count(), 3);
    }
    for (status, code) in [(401, 4), (402, 6)] {
        let fault = Fault::on(Operation::Capabilities, Action::status(status));
        let harness = Harness::with(Sandbox::builder().instant_jobs().fault(fault)).await;
        harness.run(SMALL).failed(code);
        assert_eq!(harness.calls(Operation::Generate), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_bounds_a_request_in_progress() {
    let hang = |operation| Fault::on(operation, Action::hang());
    let harness = Harness::with(Sandbox::builder().instant_jobs().fault(hang(Operation::Status))).await;
    let id = harness.job();
    let waited = harness.run(["wait", &id, "--timeout", "0"]);
    assert!(waited.failed(8).contains(&format!("infrai-video wait {id}")), "{}", waited.stderr);
    harness.sandbox.set_faults([hang(Operation::DownloadUrl)]);
    let run = harness.run(SMALL.iter().chain(&["--timeout", "0", "-o", "a.mp4"]));
    assert!(run.failed(12).contains("infrai-video resume "), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_wrong_key_is_4() {
    let harness = Harness::instant().await;
    for key in [None, Some(""), Some("two words"), Some("sk-somebody-elses")] {
        let mut command = harness.command(["list"]);
        match key {
            Some(key) => command.env("INFRAI_API_KEY", key),
            None => command.env_remove("INFRAI_API_KEY"),
        };
        let run = Run::from(command.output().unwrap());
        assert!(run.failed(4).contains("export INFRAI_API_KEY="), "{}", run.stderr);
        assert!(!run.stderr.contains("somebody"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_job_is_5_and_reported_at_once() {
    let harness = Harness::instant().await;
    for command in [&["status"][..], &["wait"], &["download"], &["cancel"], &["delete", "--yes"]] {
        let run = harness.run(command.iter().chain(&["vj_nowhere"]));
        assert!(run.failed(5).contains("infrai-video list"), "{}", run.stderr);
    }
    assert!(harness.files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn insufficient_credit_is_6_with_the_top_up_command() {
    let harness = Harness::with(Sandbox::builder().instant_jobs().starting_balance(0.0)).await;
    let run = harness.run(SMALL);
    let stderr = run.failed(6);
    let topup = format!(
        "curl -X POST {}/v1/account/topup -H \"Authorization: Bearer $INFRAI_API_KEY\"",
        harness.sandbox.base_url()
    );
    assert!(stderr.contains(&topup), "{stderr}");
    let again =
        stderr.trim_end().lines().last().unwrap().trim().strip_prefix("infrai-video resume ").unwrap();
    assert_eq!(harness.run(["resume", again]).code, Some(6), "there is still too little");
    assert_eq!(
        harness.run(["resume"]).code,
        Some(0),
        "what was refused for certain is not sent again by itself"
    );
    assert_eq!(harness.calls(Operation::Generate), 2);
    assert_eq!(harness.sandbox.ledger().charges().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_longer_is_8_and_can_be_cancelled() {
    let harness = Harness::still().await;
    let run = harness.run(SMALL.iter().chain(&["--timeout", "0"]));
    let id = harness.sandbox.jobs()[0].job_id.clone();
    assert!(run.failed(8).contains(&format!("next       infrai-video resume {id}\n")), "{}", run.stderr);

    assert_eq!(harness.run(["wait", &id, "--timeout", "0s"]).code, Some(8));
    let download = harness.run(["download", &id]);
    assert!(
        download.failed(8).contains(&format!("infrai-video wait {id} && infrai-video download {id}")),
        "{}",
        download.stderr
    );

    let cancelled = harness.run(["cancel", &id]);
    assert_eq!((cancelled.code, cancelled.text()), (Some(0), format!("{id}\tcancelled\n").as_str()));
    assert_eq!(harness.run(["wait", &id, "-q"]).failed(9).lines().count(), 2);
    assert_eq!(harness.run(["download", &id]).code, Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_host_is_10() {
    let harness = Harness::instant().await;
    // Bound, so that no other test gets the port, but nothing listens on it.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", taken.local_addr().unwrap());
    let run = harness.run(["--base-url", &url, "list"]);
    assert!(
        run.failed(10)
            .contains(&format!("check the network and {url}, then: infrai-video --base-url {url} list"))
    );
    assert!(harness.sandbox.journal().is_empty());
}

/// Runs the printed command in a shell.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_11_and_the_printed_command_is_charged_once() {
    let lost = Fault::on(Operation::Generate, Action::accept_then_status(501));
    let harness = Harness::with(Sandbox::builder().instant_jobs().fault(lost)).await;
    let run = harness.run(["generate", "it's a $lighthouse", "--duration=0.5", "-o", "a b.mp4"]);
    let stderr = run.failed(11);
    let (_, command) = stderr.trim_end().rsplit_once("next       ").unwrap();
    let key = command.strip_prefix("infrai-video resume ").unwrap();
    assert!(stderr.contains(&format!("the job may exist, under the idempotency key {key}")), "{stderr}");

    harness.sandbox.set_faults([]);
    let directory = std::path::Path::new(BINARY).parent().unwrap();
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .env_clear()
        .env("INFRAI_CONFIG", "none")
        .env("PATH", directory)
        .current_dir(harness.directory.path());
    shell.env("INFRAI_API_KEY", KEY).env("INFRAI_BASE_URL", harness.sandbox.base_url());
    shell.env("INFRAI_STATE_DIR", harness.state.path());
    let again = Run::from(shell.output().unwrap());
    let path = harness.path("a b.mp4");
    assert_eq!(
        (again.code, again.text()),
        (Some(0), format!("{}\n", path.display()).as_str()),
        "{}",
        again.stderr
    );
    assert!(path.exists());
    let ledger = harness.sandbox.ledger();
    assert_eq!((ledger.charges().count(), ledger.double_charges()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_download_is_12_and_nothing_is_generated_again() {
    let corrupt = Fault::on(Operation::Clip, Action::CorruptFile);
    let harness = Harness::with(Sandbox::builder().instant_jobs().fault(corrupt)).await;
    let run = harness.run(SMALL.iter().chain(&["-o", "a.mp4"]));
    let id = harness.sandbox.jobs()[0].job_id.clone();
    assert!(run.failed(12).contains(&format!("next       infrai-video resume {id}\n")), "{}", run.stderr);
    assert!(!harness.path("a.mp4").exists());
    assert_eq!(harness.run(["download", &id, "-o", "a.mp4"]).code, Some(12));

    harness.sandbox.set_faults([]);
    assert_eq!(harness.run(["download", &id, "-o", "a.mp4"]).text(), "a.mp4\n");
    assert_eq!(harness.calls(Operation::Generate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limiting_is_75() {
    let limited = Fault::on(Operation::Capabilities, Action::status(429));
    let harness = Harness::with(Sandbox::builder().instant_jobs().fault(limited)).await;
    let run = harness.run(["capabilities"]);
    assert!(run.failed(75).contains("5 attempts"), "{}", run.stderr);
}
