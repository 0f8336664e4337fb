//! What `list`, `status` and `get` show: facts of the service, and facts of the ledger beside them.

use std::path::Path;

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};
use serde_json::Value;

use crate::common::{Harness, Run};

fn rows(run: &Run) -> Vec<Vec<&str>> {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run.text().lines().map(|line| line.split('\t').collect()).collect()
}

/// Generates a clip. Returns the id of its job.
fn generated(harness: &Harness, args: &[&str]) -> String {
    let run = harness.run(["generate"].iter().chain(args).chain(&["--json"]));
    run.json()["job"]["job_id"].as_str().expect("there is a job").to_owned()
}

/// Whether a text is a moment of these years in UTC.
fn is_moment(text: &str) -> bool {
    text.len() == "2026-11-29T12:00:00Z".len() && text.starts_with("20") && text.ends_with('Z')
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_has_what_the_service_and_the_ledger_know_in_a_fixed_order() {
    let harness = Harness::instant().await;
    let args = ["a lighthouse", "--duration=0.5", "--resolution=1080p", "-o", "a.mp4"];
    let id = generated(&harness, &args);
    let run = harness.run(["list"]);
    let path = harness.path("a.mp4").canonicalize().expect("it is saved").display().to_string();
    let [row] = &rows(&run)[..] else { panic!("one line: {run:?}") };
    assert!(is_moment(row[3]), "{row:?}");
    let cost = row[6].parse::<f64>().expect("a number");
    let charged = harness.sandbox.ledger().charges().map(|charge| -charge.amount_usd).sum::<f64>();
    assert!((cost - charged).abs() < 1e-9, "{cost} {charged}");
    assert_eq!((&row[..3], &row[4..6]), (&[&*id, "succeeded", ""][..], &["0.5", "1080p"][..]));
    assert_eq!(row[7..], [&*path, "a lighthouse"]);
    // What is not known is empty, and columns stay in their places.
    let run = harness.run(["generate", "two\n\tlines \u{1b}[2J", "--no-wait", "-q"]);
    let other = run.text().trim_end();
    let run = harness.run(["list", "--limit=1"]);
    let row = rows(&run).remove(0);
    assert_eq!((row[0], row[4], row[5], row[7]), (other, "", "", ""));
    assert_eq!(row[8..], ["two\\n\\tlines \\u{1b}[2J"]);
    // A ledger that does not know a job says nothing of it.
    let run = harness.run(["list", "--ledger", "other.db"]);
    let empty = "\t".repeat(7);
    assert_eq!(run.text(), format!("{other}\tsucceeded{empty}\n{id}\tsucceeded{empty}\n"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_is_gone_has_no_path_and_a_failed_job_no_cost() {
    let harness = Harness::instant().await;
    generated(&harness, &["a lighthouse", "--duration=0.5", "-o", "a.mp4"]);
    std::fs::remove_file(harness.path("a.mp4")).expect("it is saved");
    assert_eq!(rows(&harness.run(["list"]))[0][7], "");
    let action = Action::FailJob { code: "REFUSED".to_owned(), message: "no".to_owned() };
    harness.sandbox.set_faults([Fault::on(Operation::Generate, action)]);
    generated(&harness, &["a harbour", "--duration=0.5"]);
    let run = harness.run(["list", "--limit=1"]);
    let row = rows(&run).remove(0);
    assert_eq!((row[1], row[2], row[6], row[8]), ("failed", "no (REFUSED)", "0", "a harbour"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_ledger_is_not_created_and_an_unusable_one_is_a_note() {
    let harness = Harness::instant().await;
    let id = generated(&harness, &["a lighthouse", "--duration=0.5"]);
    let without = |args: &[&str]| {
        let mut command = harness.command(args);
        Run::from(command.env("INFRAI_STATE_DIR", harness.path("empty")).output().expect("it starts"))
    };
    for args in [&["list"][..], &["list", "--json"], &["status", &id], &["get", &id]] {
        let run = without(args);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{args:?}");
        assert!(!Path::new(&harness.path("empty")).exists(), "{args:?}");
    }
    std::fs::write(harness.path("notes.txt"), "not a ledger").expect("there is room");
    for args in [&["list"][..], &["status", &id], &["get", &id]] {
        let run = harness.run(args.iter().chain(&["--ledger", "notes.txt"]));
        assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
        assert!(run.text().contains(&id) && !run.text().contains("a lighthouse"), "{}", run.text());
        let notes: Vec<&str> = run.stderr.lines().collect();
        let [note] = notes[..] else { panic!("one note: {notes:?}") };
        assert!(note.starts_with("note ") && note.contains("notes.txt"), "{note}");
        assert!(note.ends_with("only what the service knows is shown"), "{note}");
    }
    // Ids need no ledger.
    assert_eq!(harness.run(["list", "-q", "--ledger", "notes.txt"]).stderr, "");
    assert_eq!(std::fs::read(harness.path("notes.txt")).expect("it is there"), b"not a ledger");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_keeps_the_page_of_the_service_and_adds_the_item_of_the_ledger() {
    let harness = Harness::instant().await;
    let id = generated(&harness, &["a lighthouse", "--duration=0.5", "--idempotency-key=k1", "-o", "a.mp4"]);
    let plain = harness.run(["list", "--json", "--ledger=none"]).json();
    assert!(plain["items"][0].get("ledger").is_none(), "{plain}");
    let mut page = harness.run(["list", "--json"]).json();
    let item = page["items"][0].as_object_mut().expect("a job").remove("ledger").expect("it is known");
    // Links are signed anew for each response.
    for page in [&mut page, &mut plain.clone()] {
        let job = page["items"][0].as_object_mut().expect("a job");
        assert!(job.remove("video_url").is_some() && job.remove("thumbnail_url").is_some(), "{job:?}");
        assert_eq!(Value::Object(job.clone()), serde_json::json!({"job_id": id, "state": "succeeded"}));
    }
    assert_eq!((&item["idempotency_key"], &item["state"]), (&Value::from("k1"), &Value::from("saved")));
    assert_eq!(item["request"], serde_json::json!({"prompt": "a lighthouse", "duration_seconds": 0.5}));
    for moment in ["created_at", "submitted_at"] {
        assert!(is_moment(item[moment].as_str().expect("a moment")), "{item}");
    }
    for command in ["status", "get"] {
        assert_eq!(harness.run([command, &id, "--json"]).json()["ledger"], item);
        assert!(harness.run([command, &id, "--json", "--ledger=none"]).json().get("ledger").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_get_name_the_request_the_cost_the_file_and_the_batch() {
    let harness = Harness::with(Sandbox::builder().instant_jobs()).await;
    std::fs::write(
        harness.path("plan.jsonl"),
        r#"{"prompt": "a city", "duration_seconds": 0.5, "name": "city"}"#,
    )
    .expect("there is room");
    assert_eq!(harness.run(["batch", "run", "plan.jsonl"]).code, Some(0));
    let list = harness.run(["list"]);
    let row = rows(&list).remove(0);
    for command in ["status", "get"] {
        let run = harness.run([command, row[0]]);
        let fields: Vec<(&str, &str)> = run.text().lines().filter_map(|line| line.split_once('\t')).collect();
        let field = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        assert_eq!(field("requested"), Some(row[3]), "{fields:?}");
        assert_eq!((field("prompt"), field("file")), (Some("a city"), Some(row[7])), "{fields:?}");
        assert_eq!(field("cost"), Some(&*format!("{} USD", row[6])), "{fields:?}");
        assert_eq!((field("batch"), field("name")), (Some("plan"), Some("city")), "{fields:?}");
        assert!(field("idempotency key").is_some_and(|key| !key.is_empty()), "{fields:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_a_long_list_are_looked_up() {
    let harness = Harness::instant().await;
    for prompt in ["one", "two", "three"] {
        let run = harness.run(["generate", prompt, "--duration=0.5", "--no-wait"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    let run = harness.run(["list", "--all"]);
    let prompts: Vec<&str> = rows(&run).iter().map(|row| row[8]).collect();
    assert_eq!(prompts, ["three", "two", "one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_ids_records_final_states_too() {
    let harness = Harness::still().await;
    let run = harness.run(["generate", "a harbour", "--duration=0.5", "--no-wait", "-q"]);
    harness.sandbox.clock().advance(std::time::Duration::from_secs(3600));
    assert_eq!(harness.run(["list", "-q"]).text(), run.text());
    let usage = harness.run(["usage", "--by=state"]);
    assert!(usage.text().contains("succeeded") && !usage.text().contains("queued"), "{}", usage.text());
}
