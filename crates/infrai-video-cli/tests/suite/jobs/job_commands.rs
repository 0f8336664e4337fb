use infrai_video_sandbox::Operation;
use serde_json::Value;

use crate::common::{Harness, Run, intercept};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_can_be_shown_downloaded_and_deleted() {
    let harness = Harness::instant().await;
    let id = &*harness.job();

    let run = harness.run(["wait", id]);
    assert_eq!((run.code, run.text()), (Some(0), format!("{id}\tsucceeded\n").as_str()), "{}", run.stderr);

    let status = harness.run(["status", id]);
    assert!(
        status.text().starts_with(&format!("job\t{id}\nstate\tsucceeded\nvideo\thttp://")),
        "{}",
        status.text()
    );
    assert!(status.stderr.is_empty());
    assert_eq!(harness.run(["status", id, "--json"]).json()["state"], "succeeded");

    let get = harness.run(["get", id, "--json"]).json();
    assert_eq!((&get["resolution"], &get["duration_seconds"]), (&Value::from("720p"), &Value::from(0.5)));

    let saved = harness.run(["download", id]);
    assert_eq!((saved.code, saved.text()), (Some(0), format!("{id}.mp4\n").as_str()), "{}", saved.stderr);
    let there = harness.run(["download", id]);
    assert!(there.failed(7).contains("already exists"));
    let again = harness.run(["download", id, "--force", "--json"]).json();
    assert_eq!((&again["job_id"], &again["path"]), (&Value::from(id), &Value::from(format!("{id}.mp4"))));

    let link = harness.run(["download-url", id]);
    assert!(link.text().starts_with(harness.sandbox.file_base_url()) && link.text().lines().count() == 1);
    assert!(link.stderr.starts_with("link       valid until "), "{}", link.stderr);

    let kept = harness.run(["set-retention", id, "--days", "7", "--json"]).json();
    assert_eq!((&kept["job_id"], &kept["retention_days"]), (&Value::from(id), &Value::from(7)));

    let finished = harness.run(["cancel", id]);
    assert!(finished.failed(1).contains(&format!("infrai-video status {id}")), "{}", finished.stderr);

    let unasked = harness.run(["delete", id]);
    assert!(unasked.failed(2).contains("--yes"));
    assert_eq!(harness.calls(Operation::Delete), 0);
    let deleted = harness.run(["delete", id, "--yes"]);
    assert_eq!((deleted.code, deleted.text()), (Some(0), format!("{id}\n").as_str()));
    assert!(harness.run(["get", id]).failed(5).contains("infrai-video list"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_one_page_or_all_pages() {
    let harness = Harness::instant().await;
    let mut ids = [harness.job(), harness.job(), harness.job()];
    ids.reverse();

    let page = harness.run(["list", "--limit", "2"]);
    let shown = |run: &Run| {
        let columns = |line: &str| line.split('\t').take(2).collect::<Vec<_>>().join(" ");
        run.text().lines().map(columns).collect::<Vec<_>>()
    };
    let succeeded = |ids: &[String]| ids.iter().map(|id| format!("{id} succeeded")).collect::<Vec<_>>();
    assert_eq!(shown(&page), succeeded(&ids[..2]), "{}", page.stderr);
    let more =
        page.stderr.trim_end().strip_prefix("more       infrai-video ").expect("the way to the next page");
    let rest = harness.run(more.split(' '));
    assert_eq!((shown(&rest), &*rest.stderr), (succeeded(&ids[2..]), ""));

    let all = harness.run(["list", "--all", "-q"]);
    assert_eq!(all.text().lines().collect::<Vec<_>>(), ids);
    // A limit is the number of jobs that are shown.
    let limited = harness.run(["list", "--all", "-n2", "-q"]);
    assert_eq!(limited.text().lines().collect::<Vec<_>>(), ids[..2]);
    let large = harness.run(["list", "--limit=250", "-q"]);
    assert_eq!(
        (large.text().lines().collect::<Vec<_>>(), &*large.stderr),
        (ids.iter().map(|id| &**id).collect(), "")
    );

    while harness.calls(infrai_video_sandbox::Operation::Generate) < 21 {
        harness.job();
    }
    let pages = harness.run(["list", "--all", "--json"]);
    let pages: Vec<Value> = pages.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(pages.iter().map(|page| page["items"].as_array().unwrap().len()).collect::<Vec<_>>(), [20, 1]);

    let none = harness.run(["list", "--state", "failed"]);
    assert_eq!((none.code, none.text()), (Some(0), ""));

    let unasked = harness.run(["delete-all"]);
    assert!(unasked.failed(2).contains("infrai-video delete-all --yes"));
    let deleted = harness.run(["delete-all", "--yes", "--json"]);
    assert_eq!(deleted.json()["deleted"], 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_a_state_reads_pages_until_the_limit_is_reached() {
    let harness = Harness::instant().await;
    let generate = |prompt: &str| {
        let run = harness.run(["generate", prompt, "--duration=0.5", "--no-wait", "-q"]);
        run.text().trim_end().to_owned()
    };
    // From the oldest to the newest. A list shows the newest first.
    let mut failed = Vec::new();
    for prompt in ["[fail]", "a", "[fail]", "[fail]", "a", "a", "[fail]", "a", "[fail]", "a"] {
        let id = generate(prompt);
        if prompt == "[fail]" {
            failed.insert(0, id);
        }
    }
    let ids = |run: &Run| run.text().lines().map(str::to_owned).collect::<Vec<_>>();

    let mut command = "list --state FAILED --limit 2".to_owned();
    for expected in [&failed[..2], &failed[2..4], &failed[4..]] {
        let run = harness.run(command.split(' '));
        let shown: Vec<&str> = run.text().lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(shown, expected, "{command}: {}", run.stderr);
        let more = run.stderr.lines().find_map(|line| line.strip_prefix("more       infrai-video "));
        assert_eq!(more.is_some(), expected.len() == 2, "{command}: {}", run.stderr);
        command = more.unwrap_or_default().to_owned();
    }

    let run = harness.run(["list", "--state", "failed", "--limit", "3", "--json"]);
    assert_eq!(run.json()["items"].as_array().unwrap().len(), 3);
    for limit in [&["--limit", "99"][..], &[]] {
        let run = harness.run(["list", "--state", "failed", "-q"].iter().chain(limit));
        assert_eq!(ids(&run), failed, "{}", run.stderr);
    }
    assert_eq!(ids(&harness.run(["list", "--state", "Done", "--limit", "1", "-q"])).len(), 1);
    assert_eq!(harness.run(["list", "--state", "canceled", "--limit", "1", "-q"]).text(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_about_one_of_several_jobs_names_the_job() {
    let harness = Harness::instant().await;
    for (command, code) in
        [(&["cancel"][..], 1), (&["wait"], 5), (&["download"], 5), (&["delete", "--yes"], 5)]
    {
        let id = harness.job();
        let run = harness.run(command.iter().copied().chain([&*id, "vj_nowhere"]));
        assert_eq!(run.code, Some(code), "{command:?}: {}", run.stderr);
        let errors: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("error ")).collect();
        assert_eq!(errors.iter().filter(|line| line.contains("vj_nowhere")).count(), 1, "{errors:?}");
        assert!(errors.iter().all(|line| line.contains("vj_")), "{errors:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_jobs_are_waited_for_and_downloaded_together() {
    let harness = Harness::instant().await;
    let (a, b) = (harness.job(), harness.job());
    let run = harness.run(["wait", &a, "vj_nowhere", &b]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    let mut lines: Vec<&str> = run.text().lines().collect();
    lines.sort_unstable();
    let mut expected = [format!("{a}\tsucceeded"), format!("{b}\tsucceeded")];
    expected.sort_unstable();
    assert_eq!(lines, expected);

    let to_a_file = harness.run(["download", &a, &b, "-o", "one.mp4"]);
    assert!(to_a_file.failed(2).contains("must be an existing directory"));
    std::fs::create_dir(harness.path("clips")).unwrap();
    let run = harness.run(["download", &a, &b, "-o", "clips"]);
    assert_eq!(run.text(), format!("clips/{a}.mp4\nclips/{b}.mp4\n"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_are_lines_with_tabs_or_json() {
    let harness = Harness::instant().await;
    let run = harness.run(["capabilities"]);
    assert_eq!(
        run.text().lines().next(),
        Some("sandbox-swift\t720p\t10\tswift-1, swift-1-mini\tno\tno"),
        "{}",
        run.stderr
    );
    assert_eq!(harness.run(["capabilities", "--json"]).json()["vendors"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_help_need_no_key() {
    let harness = Harness::instant().await;
    let mut completions = harness.command(["completions", "bash"]);
    let run = crate::common::Run::from(completions.env_remove("INFRAI_API_KEY").output().unwrap());
    assert!(run.code == Some(0) && run.text().contains("infrai-video"));
    let help = harness.run(["--help"]);
    assert!(help.code == Some(0) && help.text().contains("Exit codes:"));
    assert_eq!(harness.run(["explode"]).code, Some(2));
    assert!(harness.sandbox.journal().is_empty());
}

/// Error codes are compared without ASCII case.
#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_cursor_is_answered_with_the_command_for_the_first_page() {
    let harness = Harness::instant().await;
    for code in ["INVALID_CURSOR", "invalid_cursor", "Invalid_Cursor"] {
        let url = intercept(&harness.sandbox, move |_, _, response| {
            let (status, body) = response?;
            Some((status, body.replace("INVALID_CURSOR", code)))
        })
        .await;
        let run = harness.run(["--base-url", &url, "list", "--cursor", "invented"]);
        let next = format!("next       infrai-video --base-url {url} list  (starts at the first page)\n");
        assert!(run.failed(7).contains(&next), "{code}: {}", run.stderr);
    }
}
