//! Templates for the clips of a plan.

use infrai_video_sandbox::Operation;

use crate::common::Harness;

const PLAN: &str = "\
{\"prompt\": \"a city\", \"duration_seconds\": 0.5, \"resolution\": \"720p\", \"name\": \"city\"}
{\"prompt\": \"A harbour at dawn\", \"duration_seconds\": 0.5}
";

async fn harness() -> Harness {
    let harness = Harness::instant().await;
    std::fs::write(harness.path("plan.jsonl"), PLAN).expect("there is room");
    harness
}

fn run(harness: &Harness, output: &str, more: &[&str]) -> crate::common::Run {
    harness.run(["batch", "run", "plan.jsonl", "-q", "--output", output].iter().chain(more))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_gets_its_path_and_keeps_it() {
    let harness = harness().await;
    let template = "out/{batch}/{resolution}/{line}-{slug}.mp4";
    let first = run(&harness, template, &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    for path in ["out/plan/720p/1-a-city.mp4", "out/plan/auto/2-a-harbour-at-dawn.mp4"] {
        assert!(harness.path(path).is_file() && first.text().contains(path), "{path}: {first:?}");
    }
    let again = run(&harness, template, &[]);
    assert_eq!((again.code, again.text()), (Some(0), first.text()), "{again:?}");
    assert_eq!(harness.calls(Operation::Generate), 2);
    // Another template: the clips are copied, at no charge.
    assert_eq!(run(&harness, "{name}.mp4", &[]).code, Some(0));
    assert!(harness.path("city.mp4").is_file());
    assert!(
        harness.files().iter().any(|name| name.starts_with("a-harbour-at-dawn-")),
        "{:?}",
        harness.files()
    );
    assert_eq!(harness.calls(Operation::Generate), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_does_not_tell_lines_apart_is_rejected() {
    let harness = harness().await;
    let same = run(&harness, "clips/{batch}.mp4", &[]);
    let stderr = same.failed(7);
    assert!(stderr.contains("line 2: clips/plan.mp4 is the path of line 1 too"), "{stderr}");
    assert!(stderr.contains("{name} or {line}"), "{stderr}");
    for (template, why) in [
        ("{date}/{name}.mp4", "{date} is not a field of batches"),
        ("{id}.mp4", "{id} is not a field of batches"),
        ("{nmae}.mp4", "did you mean {name}?"),
    ] {
        assert!(run(&harness, template, &[]).failed(7).contains(why), "{template}");
    }
    let retry = harness.run(["batch", "retry", "plan", "--failed", "--output", "{name}.mp4"]);
    assert!(retry.stderr.contains("the ledger has no batch"), "{retry:?}");
    assert_eq!((harness.calls(Operation::Generate), harness.files()), (0, vec!["plan.jsonl".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_paths_and_creates_nothing() {
    let harness = harness().await;
    let shown = run(&harness, "out/{line}.mp4", &["--dry-run"]);
    assert!(shown.text().contains("\tout/1.mp4\n"), "{shown:?}");
    assert_eq!(harness.files(), ["plan.jsonl"]);
}
