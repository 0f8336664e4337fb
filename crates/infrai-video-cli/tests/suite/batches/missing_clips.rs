//! Saved clips are at the path in the ledger, or are downloaded again, or reported as missing. None is charged twice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;

use infrai_video_sandbox::Operation;

use crate::common::{Harness, Run, SMALL};

const PLAN: &str = r#"{"prompt": "a city at dusk", "duration_seconds": 0.5, "name": "city"}
{"prompt": "a river", "duration_seconds": 0.5, "name": "river"}
"#;

async fn saved_batch() -> Harness {
    let harness = Harness::instant().await;
    fs::write(harness.path("clips.jsonl"), PLAN).unwrap();
    assert_eq!(harness.run(["batch", "run", "clips.jsonl"]).code, Some(0));
    harness
}

fn job(harness: &Harness, prompt: &str) -> String {
    let jobs = harness.sandbox.jobs();
    jobs.iter().find(|job| job.prompt == prompt).unwrap().job_id.clone()
}

async fn clip(harness: &Harness, prompt: &str) -> Vec<u8> {
    harness.sandbox.clip_bytes(&job(harness, prompt)).await.unwrap().to_vec()
}

fn charges(harness: &Harness) -> usize {
    assert_eq!(harness.sandbox.ledger().double_charges(), 0);
    harness.sandbox.ledger().charges().count()
}

fn names(harness: &Harness, directory: &str) -> Vec<String> {
    let entries = harness.path(directory).read_dir().unwrap().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_or_damaged_clips_are_downloaded_again_at_no_charge() {
    let harness = saved_batch().await;
    let (city, river) = (harness.path("clips/city.mp4"), harness.path("clips/river.mp4"));
    let whole = clip(&harness, "a river").await;
    for damaged in [&[][..], &whole[..100], &whole[..whole.len() - 1]] {
        fs::remove_file(&city).unwrap();
        fs::write(&river, damaged).unwrap();
        let run = harness.run(["batch", "run", "clips.jsonl"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.text().matches("\tsaved\t").count(), 2, "{}", run.text());
        assert_eq!(fs::read(&city).unwrap(), clip(&harness, "a city at dusk").await);
        assert_eq!(fs::read(&river).unwrap(), whole);
        assert_eq!(
            names(&harness, "clips"),
            ["city.mp4", "river.mp4"],
            "a clip that was cut off is not kept"
        );
    }
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (2, 2));
    let requests = harness.sandbox.journal().len();
    assert_eq!(harness.run(["batch", "run", "clips.jsonl", "--verify"]).code, Some(0));
    assert_eq!(harness.sandbox.journal().len(), requests, "what is there is not fetched again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_place_of_a_clip_is_renamed() {
    let harness = saved_batch().await;
    let river = harness.path("clips/river.mp4");
    let mut other = clip(&harness, "a river").await;
    for (number, name) in ["river.mp4.old", "river.mp4.old2"].into_iter().enumerate() {
        // Of the same size, as after a bad copy; and longer, as after an edit.
        other[200] ^= 1;
        other.extend(vec![7; number]);
        fs::write(&river, &other).unwrap();
        let run = harness.run(["batch", "run", "clips.jsonl"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains(name), "{}", run.stderr);
        assert_eq!(fs::read(&river).unwrap(), clip(&harness, "a river").await);
        assert_eq!(fs::read(harness.path(format!("clips/{name}"))).unwrap(), other);
    }
    fs::write(&river, "another").unwrap();
    assert_eq!(harness.run(["batch", "run", "clips.jsonl", "--force"]).code, Some(0));
    assert_eq!(names(&harness, "clips"), ["city.mp4", "river.mp4", "river.mp4.old", "river.mp4.old2"]);
    assert_eq!(charges(&harness), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_whose_job_is_gone_is_missing_until_it_is_requested_again() {
    let harness = saved_batch().await;
    assert_eq!(harness.run(["delete", &job(&harness, "a city at dusk"), "--yes"]).code, Some(0));
    assert_eq!(harness.run(["batch", "run", "clips.jsonl"]).code, Some(0), "its clip is here");
    fs::remove_file(harness.path("clips/city.mp4")).unwrap();

    for command in [&["batch", "run", "clips.jsonl"][..], &["batch", "retry", "clips", "--failed"]] {
        let run = harness.run(command);
        assert_eq!(run.code, Some(13), "{}", run.stderr);
        assert!(run.text().starts_with("city\tmissing\t"), "{}", run.text());
        assert!(
            run.stderr.contains("next       infrai-video batch retry clips --missing  ("),
            "{}",
            run.stderr
        );
    }
    let json = harness.run(["batch", "status", "clips", "--json"]);
    assert_eq!((json.code, &json.json()["counts"]["missing"]), (Some(13), &1.into()), "{}", json.stderr);
    assert_eq!((json.json()["items"][0]["state"].clone(), charges(&harness)), ("missing".into(), 2));

    let retry = harness.run(["batch", "retry", "clips", "--missing"]);
    assert_eq!((retry.code, charges(&harness)), (Some(0), 3), "{}", retry.stderr);
    assert_eq!(fs::read(harness.path("clips/city.mp4")).unwrap(), clip(&harness, "a city at dusk").await);
    assert_eq!(harness.run(["batch", "status", "clips"]).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_missing_clips_downloads_those_whose_jobs_exist_at_no_charge() {
    let harness = saved_batch().await;
    fs::remove_file(harness.path("clips/city.mp4")).unwrap();
    let retry = harness.run(["batch", "retry", "clips", "--missing"]);
    assert_eq!((retry.code, charges(&harness)), (Some(0), 2), "{}", retry.stderr);
    let id = job(&harness, "a river");
    fs::remove_file(harness.path("clips/river.mp4")).unwrap();
    let resumed = harness.run(["resume", &id, "--again"]);
    assert_eq!((resumed.code, charges(&harness)), (Some(0), 2), "{}", resumed.stderr);
    assert_eq!(names(&harness, "clips"), ["city.mp4", "river.mp4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_reports_missing_clips_and_downloads_nothing() {
    let harness = saved_batch().await;
    fs::remove_file(harness.path("clips/city.mp4")).unwrap();
    let requests = harness.sandbox.journal().len();
    let all = harness.run(["batch", "status"]);
    assert_eq!((all.code, all.text()), (Some(13), "clips\t2\t1\t0\t0\t1\n"), "{}", all.stderr);
    let one = harness.run(["batch", "status", "clips"]);
    assert_eq!(one.code, Some(13), "{}", one.stderr);
    assert!(one.text().starts_with("city\tmissing\t"), "{}", one.text());
    assert!(one.text().contains("city.mp4 no longer exists\nriver\tsaved\t"), "{}", one.text());
    assert!(one.stderr.contains("\nnext       infrai-video batch run PLAN  ("), "{}", one.stderr);
    assert_eq!(harness.sandbox.journal().len(), requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_in_place_of_a_clip_stays_and_the_clip_is_missing() {
    let harness = saved_batch().await;
    fs::remove_file(harness.path("clips/city.mp4")).unwrap();
    fs::create_dir(harness.path("clips/city.mp4")).unwrap();
    let run = harness.run(["batch", "run", "clips.jsonl"]);
    assert_eq!(run.code, Some(13), "{}", run.stderr);
    assert!(run.text().starts_with("city\tmissing\t"), "{}", run.text());
    assert!(run.stderr.contains("is a directory"), "{}", run.stderr);
    assert!(names(&harness, "clips/city.mp4").is_empty());
    fs::remove_dir(harness.path("clips/city.mp4")).unwrap();
    assert_eq!(harness.run(["batch", "run", "clips.jsonl"]).code, Some(0));
    assert_eq!(charges(&harness), 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_symbolic_link_to_a_clip_counts_and_a_broken_one_does_not() {
    let harness = saved_batch().await;
    let (city, away) = (harness.path("clips/city.mp4"), harness.path("away.mp4"));
    fs::rename(&city, &away).unwrap();
    std::os::unix::fs::symlink(&away, &city).unwrap();
    let requests = harness.sandbox.journal().len();
    assert_eq!(harness.run(["batch", "run", "clips.jsonl"]).code, Some(0));
    assert_eq!(harness.sandbox.journal().len(), requests);
    fs::remove_file(&away).unwrap();
    let run = harness.run(["batch", "run", "clips.jsonl"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(city.symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read(&city).unwrap(), clip(&harness, "a city at dusk").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_directory_of_clips_is_recognized() {
    let harness = saved_batch().await;
    fs::rename(harness.path("clips"), harness.path("archive")).unwrap();
    let requests = harness.sandbox.journal().len();
    let run = harness.run(["batch", "run", "clips.jsonl", "--output", "archive", "-q"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let archive = harness.path("archive");
    assert_eq!(run.text(), format!("{0}/city.mp4\n{0}/river.mp4\n", archive.display()));
    assert_eq!(harness.sandbox.journal().len(), requests, "nothing is fetched again");
    let status = harness.run(["batch", "status", "clips"]);
    assert_eq!((status.code, status.text().matches("/archive/").count()), (Some(0), 2), "{}", status.stderr);
}

/// Each run saves clips in its own directory, and each request is charged once.
#[tokio::test(flavor = "multi_thread")]
async fn two_plans_with_the_same_file_name_get_shared_clips_for_one_charge() {
    let harness = Harness::instant().await;
    for (client, more) in [("a", "a field"), ("b", "a forest")] {
        fs::create_dir(harness.path(client)).unwrap();
        let line = format!("{{\"prompt\": \"{more}\", \"duration_seconds\": 0.5, \"name\": \"own\"}}\n");
        let shared = PLAN.replace("city", if client == "a" { "city" } else { "town" });
        let shared = shared.replace("a town", "a city");
        fs::write(harness.path(format!("{client}/clips.jsonl")), format!("{line}{shared}")).unwrap();
    }
    let run = |client: &str, args: &[&str]| {
        let mut command = harness.command(["batch", "run", "clips.jsonl"].iter().chain(args));
        Run::from(command.current_dir(harness.path(client)).output().unwrap())
    };
    for (client, first) in [("a", "city"), ("b", "town"), ("a", "city")] {
        let run = run(client, &[]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let directory = harness.path(client).join("clips");
        let line = |name: &str| format!("{name}\tsaved\t{}/{name}.mp4\n", directory.display());
        assert_eq!(run.text(), [line("own"), line(first), line("river")].concat());
        assert_eq!(fs::read(directory.join("river.mp4")).unwrap(), clip(&harness, "a river").await);
    }
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (4, 4));
    // If the other run has lost its clip, it is downloaded from the job.
    fs::remove_dir_all(harness.path("a/clips")).unwrap();
    fs::remove_file(harness.path("b/clips/river.mp4")).unwrap();
    assert_eq!(run("b", &[]).code, Some(0));
    assert_eq!(run("a", &["--output", "elsewhere"]).code, Some(0));
    assert_eq!(names(&harness, "a/elsewhere"), ["city.mp4", "own.mp4", "river.mp4"]);
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_file_at_the_path_of_a_paid_clip_is_reported_and_kept() {
    let harness = saved_batch().await;
    fs::create_dir(harness.path("mine")).unwrap();
    fs::write(harness.path("mine/city.mp4"), "mine").unwrap();
    let run = harness.run(["batch", "run", "clips.jsonl", "--output", "mine"]);
    assert!(run.failed(7).contains("city.mp4 already exists"), "{}", run.stderr);
    assert_eq!(names(&harness, "mine"), ["city.mp4"]);
    assert_eq!(harness.run(["batch", "run", "clips.jsonl", "--output", "mine", "--force"]).code, Some(0));
    assert_eq!(fs::read(harness.path("mine/city.mp4")).unwrap(), clip(&harness, "a city at dusk").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_clip_of_generate_is_downloaded_again_when_it_is_named() {
    let harness = Harness::instant().await;
    assert_eq!(harness.run(SMALL.iter().chain(&["-o", "a.mp4"])).code, Some(0));
    let (id, path) = (harness.sandbox.jobs()[0].job_id.clone(), harness.path("a.mp4"));
    let bytes = harness.sandbox.clip_bytes(&id).await.unwrap();
    for lose in [|path| fs::remove_file(path), |path| fs::write(path, "cut")] {
        lose(&path).unwrap();
        let run = harness.run(["resume", &id]);
        assert_eq!((run.code, run.text()), (Some(0), &*format!("{}\n", path.display())), "{}", run.stderr);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    let copy = harness.run(["resume", &id, "-o", "b.mp4"]);
    assert_eq!(copy.text(), format!("{}\n", harness.path("b.mp4").display()), "{}", copy.stderr);
    assert_eq!(fs::read(harness.path("b.mp4")).unwrap(), bytes);

    assert_eq!(harness.run(["delete", &id, "--yes"]).code, Some(0));
    fs::remove_file(harness.path("b.mp4")).unwrap();
    let gone = harness.run(["resume", &id]);
    let next = format!("next       infrai-video resume {id} --again  (");
    assert!(gone.failed(13).contains(&next), "{}", gone.stderr);
    assert_eq!((harness.calls(Operation::Generate), charges(&harness)), (1, 1));
}
