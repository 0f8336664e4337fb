//! Clips that were saved before are where the ledger says, or they are fetched again, or named as missing. None is paid twice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;

use infrai_video_sandbox::Operation;

use crate::common::{Bench, Run, SMALL};

const PLAN: &str = r#"{"prompt": "a city at dusk", "duration_seconds": 0.5, "name": "city"}
{"prompt": "a river", "duration_seconds": 0.5, "name": "river"}
"#;

async fn saved_batch() -> Bench {
    let bench = Bench::instant().await;
    fs::write(bench.path("clips.jsonl"), PLAN).unwrap();
    assert_eq!(bench.run(["batch", "run", "clips.jsonl"]).code, Some(0));
    bench
}

fn job(bench: &Bench, prompt: &str) -> String {
    let jobs = bench.sandbox.jobs();
    jobs.iter().find(|job| job.prompt == prompt).unwrap().job_id.clone()
}

async fn clip(bench: &Bench, prompt: &str) -> Vec<u8> {
    bench.sandbox.clip_bytes(&job(bench, prompt)).await.unwrap().to_vec()
}

fn charges(bench: &Bench) -> usize {
    assert_eq!(bench.sandbox.ledger().double_charges(), 0);
    bench.sandbox.ledger().charges().count()
}

fn names(bench: &Bench, directory: &str) -> Vec<String> {
    let entries = bench.path(directory).read_dir().unwrap().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn clips_that_are_gone_or_damaged_are_fetched_again_at_no_charge() {
    let bench = saved_batch().await;
    let (city, river) = (bench.path("clips/city.mp4"), bench.path("clips/river.mp4"));
    let whole = clip(&bench, "a river").await;
    for damaged in [&[][..], &whole[..100], &whole[..whole.len() - 1]] {
        fs::remove_file(&city).unwrap();
        fs::write(&river, damaged).unwrap();
        let run = bench.run(["batch", "run", "clips.jsonl"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.text().matches("\tsaved\t").count(), 2, "{}", run.text());
        assert_eq!(fs::read(&city).unwrap(), clip(&bench, "a city at dusk").await);
        assert_eq!(fs::read(&river).unwrap(), whole);
        assert_eq!(names(&bench, "clips"), ["city.mp4", "river.mp4"], "a clip that was cut off is not kept");
    }
    assert_eq!((bench.calls(Operation::Generate), charges(&bench)), (2, 2));
    let requests = bench.sandbox.journal().len();
    assert_eq!(bench.run(["batch", "run", "clips.jsonl", "--verify"]).code, Some(0));
    assert_eq!(bench.sandbox.journal().len(), requests, "what is there is not fetched again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_place_of_a_clip_is_kept_under_another_name() {
    let bench = saved_batch().await;
    let river = bench.path("clips/river.mp4");
    let mut other = clip(&bench, "a river").await;
    for (number, name) in ["river.mp4.old", "river.mp4.old2"].into_iter().enumerate() {
        // Of the same size, as after a bad copy; and longer, as after an edit.
        other[200] ^= 1;
        other.extend(vec![7; number]);
        fs::write(&river, &other).unwrap();
        let run = bench.run(["batch", "run", "clips.jsonl"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains(name), "{}", run.stderr);
        assert_eq!(fs::read(&river).unwrap(), clip(&bench, "a river").await);
        assert_eq!(fs::read(bench.path(format!("clips/{name}"))).unwrap(), other);
    }
    fs::write(&river, "another").unwrap();
    assert_eq!(bench.run(["batch", "run", "clips.jsonl", "--force"]).code, Some(0));
    assert_eq!(names(&bench, "clips"), ["city.mp4", "river.mp4", "river.mp4.old", "river.mp4.old2"]);
    assert_eq!(charges(&bench), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_whose_job_is_gone_too_is_missing_until_it_is_asked_for_anew() {
    let bench = saved_batch().await;
    assert_eq!(bench.run(["delete", &job(&bench, "a city at dusk"), "--yes"]).code, Some(0));
    assert_eq!(bench.run(["batch", "run", "clips.jsonl"]).code, Some(0), "its clip is here");
    fs::remove_file(bench.path("clips/city.mp4")).unwrap();

    for command in [&["batch", "run", "clips.jsonl"][..], &["batch", "retry", "clips", "--failed"]] {
        let run = bench.run(command);
        assert_eq!(run.code, Some(13), "{}", run.stderr);
        assert!(run.text().starts_with("city\tmissing\t"), "{}", run.text());
        assert!(
            run.stderr.contains("next       infrai-video batch retry clips --missing  ("),
            "{}",
            run.stderr
        );
    }
    let json = bench.run(["batch", "status", "clips", "--json"]);
    assert_eq!((json.code, &json.json()["counts"]["missing"]), (Some(13), &1.into()), "{}", json.stderr);
    assert_eq!((json.json()["items"][0]["state"].clone(), charges(&bench)), ("missing".into(), 2));

    let retry = bench.run(["batch", "retry", "clips", "--missing"]);
    assert_eq!((retry.code, charges(&bench)), (Some(0), 3), "{}", retry.stderr);
    assert_eq!(fs::read(bench.path("clips/city.mp4")).unwrap(), clip(&bench, "a city at dusk").await);
    assert_eq!(bench.run(["batch", "status", "clips"]).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_anew_for_what_is_missing_takes_what_can_be_had_at_no_charge() {
    let bench = saved_batch().await;
    fs::remove_file(bench.path("clips/city.mp4")).unwrap();
    let retry = bench.run(["batch", "retry", "clips", "--missing"]);
    assert_eq!((retry.code, charges(&bench)), (Some(0), 2), "{}", retry.stderr);
    let id = job(&bench, "a river");
    fs::remove_file(bench.path("clips/river.mp4")).unwrap();
    let resumed = bench.run(["resume", &id, "--again"]);
    assert_eq!((resumed.code, charges(&bench)), (Some(0), 2), "{}", resumed.stderr);
    assert_eq!(names(&bench, "clips"), ["city.mp4", "river.mp4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_what_is_missing_and_fetches_nothing() {
    let bench = saved_batch().await;
    fs::remove_file(bench.path("clips/city.mp4")).unwrap();
    let requests = bench.sandbox.journal().len();
    let all = bench.run(["batch", "status"]);
    assert_eq!((all.code, all.text()), (Some(13), "clips\t2\t1\t0\t0\t1\n"), "{}", all.stderr);
    let one = bench.run(["batch", "status", "clips"]);
    assert_eq!(one.code, Some(13), "{}", one.stderr);
    assert!(one.text().starts_with("city\tmissing\t"), "{}", one.text());
    assert!(one.text().contains("city.mp4 is not there any more\nriver\tsaved\t"), "{}", one.text());
    assert!(one.stderr.contains("\nnext       infrai-video batch run PLAN  ("), "{}", one.stderr);
    assert_eq!(bench.sandbox.journal().len(), requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_in_place_of_a_clip_stays_and_the_clip_is_missing() {
    let bench = saved_batch().await;
    fs::remove_file(bench.path("clips/city.mp4")).unwrap();
    fs::create_dir(bench.path("clips/city.mp4")).unwrap();
    let run = bench.run(["batch", "run", "clips.jsonl"]);
    assert_eq!(run.code, Some(13), "{}", run.stderr);
    assert!(run.text().starts_with("city\tmissing\t"), "{}", run.text());
    assert!(run.stderr.contains("is a directory"), "{}", run.stderr);
    assert!(names(&bench, "clips/city.mp4").is_empty());
    fs::remove_dir(bench.path("clips/city.mp4")).unwrap();
    assert_eq!(bench.run(["batch", "run", "clips.jsonl"]).code, Some(0));
    assert_eq!(charges(&bench), 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_clip_counts_and_one_to_nothing_does_not() {
    let bench = saved_batch().await;
    let (city, away) = (bench.path("clips/city.mp4"), bench.path("away.mp4"));
    fs::rename(&city, &away).unwrap();
    std::os::unix::fs::symlink(&away, &city).unwrap();
    let requests = bench.sandbox.journal().len();
    assert_eq!(bench.run(["batch", "run", "clips.jsonl"]).code, Some(0));
    assert_eq!(bench.sandbox.journal().len(), requests);
    fs::remove_file(&away).unwrap();
    let run = bench.run(["batch", "run", "clips.jsonl"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(city.symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read(&city).unwrap(), clip(&bench, "a city at dusk").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_clips_that_was_moved_is_found_by_its_new_name() {
    let bench = saved_batch().await;
    fs::rename(bench.path("clips"), bench.path("archive")).unwrap();
    let requests = bench.sandbox.journal().len();
    let run = bench.run(["batch", "run", "clips.jsonl", "--output", "archive", "-q"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let archive = bench.path("archive");
    assert_eq!(run.text(), format!("{0}/city.mp4\n{0}/river.mp4\n", archive.display()));
    assert_eq!(bench.sandbox.journal().len(), requests, "nothing is fetched again");
    let status = bench.run(["batch", "status", "clips"]);
    assert_eq!((status.code, status.text().matches("/archive/").count()), (Some(0), 2), "{}", status.stderr);
}

/// Each run delivers to its own directory, and one request is paid once.
#[tokio::test(flavor = "multi_thread")]
async fn two_plans_with_one_file_name_both_get_their_clips_for_one_charge() {
    let bench = Bench::instant().await;
    for (client, more) in [("a", "a field"), ("b", "a forest")] {
        fs::create_dir(bench.path(client)).unwrap();
        let line = format!("{{\"prompt\": \"{more}\", \"duration_seconds\": 0.5, \"name\": \"own\"}}\n");
        let shared = PLAN.replace("city", if client == "a" { "city" } else { "town" });
        let shared = shared.replace("a town", "a city");
        fs::write(bench.path(format!("{client}/clips.jsonl")), format!("{line}{shared}")).unwrap();
    }
    let run = |client: &str, args: &[&str]| {
        let mut command = bench.command(["batch", "run", "clips.jsonl"].iter().chain(args));
        Run::from(command.current_dir(bench.path(client)).output().unwrap())
    };
    for (client, first) in [("a", "city"), ("b", "town"), ("a", "city")] {
        let run = run(client, &[]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let directory = bench.path(client).join("clips");
        let line = |name: &str| format!("{name}\tsaved\t{}/{name}.mp4\n", directory.display());
        assert_eq!(run.text(), [line("own"), line(first), line("river")].concat());
        assert_eq!(fs::read(directory.join("river.mp4")).unwrap(), clip(&bench, "a river").await);
    }
    assert_eq!((bench.calls(Operation::Generate), charges(&bench)), (4, 4));
    // Where the other has lost its clip, it comes from the job.
    fs::remove_dir_all(bench.path("a/clips")).unwrap();
    fs::remove_file(bench.path("b/clips/river.mp4")).unwrap();
    assert_eq!(run("b", &[]).code, Some(0));
    assert_eq!(run("a", &["--output", "elsewhere"]).code, Some(0));
    assert_eq!(names(&bench, "a/elsewhere"), ["city.mp4", "own.mp4", "river.mp4"]);
    assert_eq!((bench.calls(Operation::Generate), charges(&bench)), (4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_way_of_a_clip_that_was_paid_is_told_and_kept() {
    let bench = saved_batch().await;
    fs::create_dir(bench.path("mine")).unwrap();
    fs::write(bench.path("mine/city.mp4"), "mine").unwrap();
    let run = bench.run(["batch", "run", "clips.jsonl", "--output", "mine"]);
    assert!(run.failed(7).contains("city.mp4 is there already"), "{}", run.stderr);
    assert_eq!(names(&bench, "mine"), ["city.mp4"]);
    assert_eq!(bench.run(["batch", "run", "clips.jsonl", "--output", "mine", "--force"]).code, Some(0));
    assert_eq!(fs::read(bench.path("mine/city.mp4")).unwrap(), clip(&bench, "a city at dusk").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_of_generate_is_fetched_again_when_it_is_named() {
    let bench = Bench::instant().await;
    assert_eq!(bench.run(SMALL.iter().chain(&["-o", "a.mp4"])).code, Some(0));
    let (id, path) = (bench.sandbox.jobs()[0].job_id.clone(), bench.path("a.mp4"));
    let bytes = bench.sandbox.clip_bytes(&id).await.unwrap();
    for lose in [|path| fs::remove_file(path), |path| fs::write(path, "cut")] {
        lose(&path).unwrap();
        let run = bench.run(["resume", &id]);
        assert_eq!((run.code, run.text()), (Some(0), &*format!("{}\n", path.display())), "{}", run.stderr);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    let copy = bench.run(["resume", &id, "-o", "b.mp4"]);
    assert_eq!(copy.text(), format!("{}\n", bench.path("b.mp4").display()), "{}", copy.stderr);
    assert_eq!(fs::read(bench.path("b.mp4")).unwrap(), bytes);

    assert_eq!(bench.run(["delete", &id, "--yes"]).code, Some(0));
    fs::remove_file(bench.path("b.mp4")).unwrap();
    let gone = bench.run(["resume", &id]);
    let next = format!("next       infrai-video resume {id} --again  (");
    assert!(gone.failed(13).contains(&next), "{}", gone.stderr);
    assert_eq!((bench.calls(Operation::Generate), charges(&bench)), (1, 1));
}
