//! What `--json` prints follows the published schema, line by line and on both streams.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};
use serde_json::{Value, json};

use crate::common::{BINARY, Bench, Run, SMALL};

/// The schemas that the contract has: servers may add members to those.
const CONTRACT: &str = include_str!("../../src/schema/contract.json");

/// Commands that print something else than JSON, whatever they are told.
const WITHOUT_JSON: [&str; 3] = ["completions", "man", "schema"];

fn printed(args: &[&str]) -> String {
    let mut command = std::process::Command::new(BINARY);
    let run = Run::from(command.args(args).env_clear().output().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{args:?}");
    run.text().to_owned()
}

/// The schema of what is printed under that name, with the command's own structures closed to members that it does not name.
fn schema(name: &str) -> Value {
    let contract: Value = serde_json::from_str(CONTRACT).unwrap();
    let mut schema: Value = serde_json::from_str(&printed(&["schema", name])).unwrap();
    for (name, definition) in schema["$defs"].as_object_mut().unwrap() {
        if definition["type"] == "object" && contract.get(name).is_none() {
            definition["additionalProperties"] = json!(false);
        }
    }
    schema
}

#[track_caller]
fn judge(name: &str, line: &str) {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
    let validator =
        jsonschema::draft202012::options().should_validate_formats(true).build(&schema(name)).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("at {}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{name}: {problems:#?} in {line}");
}

/// Runs a command with `--json` and judges each of its lines. Answers its lines on stdout.
#[track_caller]
fn judged(bench: &Bench, name: &str, args: &[&str], code: i32, failures: usize) -> Vec<Value> {
    let run = bench.run([name].iter().chain(args).chain(&["--json"]));
    assert_eq!(run.code, Some(code), "{name} {args:?}: {}", run.stderr);
    run.text().lines().for_each(|line| judge(name, line));
    let told: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!(told.len(), failures, "{name} {args:?}: {}", run.stderr);
    for line in told {
        judge("failure", line);
    }
    assert!(!run.stderr.lines().any(|line| line.starts_with("error ") || line.starts_with("next ")));
    run.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The failure that a run told, and nothing else.
#[track_caller]
fn failure(run: &Run) -> Value {
    let told: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with('{')).collect();
    let [line] = told[..] else { panic!("one failure is expected: {}", run.stderr) };
    judge("failure", line);
    let error = serde_json::from_str::<Value>(line).unwrap()["error"].take();
    assert_eq!(error["exit"].as_i64(), run.code.map(i64::from));
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_every_command_follows_its_schema() {
    let bench = Bench::instant().await;
    let mut tried = BTreeSet::from(["failure".to_owned()]);
    let mut good = |name: &str, args: &[&str], lines: usize| -> Vec<Value> {
        let printed = judged(&bench, name, args, 0, 0);
        assert_eq!(printed.len(), lines, "{name} {args:?}");
        tried.insert(name.to_owned());
        printed
    };
    good("generate", &["a lighthouse", "--duration=0.5", "-o", "a.mp4"], 1);
    good(
        "generate",
        &["a lighthouse", "--dry-run", "--duration=5", "--resolution=1080p", "--prefer=cheapest"],
        1,
    );
    let accepted = good("generate", &["a harbour", "--duration=0.5", "--no-wait"], 1);
    let id = accepted[0]["job"]["job_id"].as_str().unwrap().to_owned();
    let other = bench.job();
    good("wait", &[&id, &other], 2);
    good("status", &[&id], 1);
    good("get", &[&id], 1);
    good("list", &["--all", "--limit=2"], 2);
    good("download", &[&id, &other], 2);
    good("download-url", &[&id], 1);
    good("set-retention", &[&id, "--days=7"], 1);
    good("capabilities", &[], 1);
    good("resume", &[], 0);
    good("resume", &[&id], 1);
    std::fs::write(bench.path("plan.jsonl"), "{\"prompt\": \"a city\", \"duration_seconds\": 0.5}").unwrap();
    good("batch", &["run", "plan.jsonl", "--dry-run"], 1);
    good("batch", &["run", "plan.jsonl"], 1);
    good("batch", &["status"], 1);
    good("batch", &["status", "plan"], 1);
    good("delete", &[&id, &other, "--yes"], 2);
    good("delete-all", &["--yes"], 1);

    let still = Bench::still().await;
    let id = still.job();
    assert_eq!(judged(&still, "cancel", &[&id], 0, 0)[0]["state"], "cancelled");
    tried.insert("cancel".to_owned());

    tried.extend(WITHOUT_JSON.map(str::to_owned));
    // It runs until it is stopped, and has a test of its own.
    tried.extend(cfg!(feature = "sandbox").then(|| "sandbox".to_owned()));
    let command = infrai_video_cli::command();
    let mut all: BTreeSet<String> =
        command.get_subcommands().map(|known| known.get_name().to_owned()).collect();
    all.insert("failure".to_owned());
    assert_eq!(tried, all, "every command is tried here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_the_schema_does_not_name_is_noticed() {
    let mut line = json!({"error": {"exit": 1, "message": "a", "next": ["b"]}});
    judge("failure", &line.to_string());
    line["error"]["colour"] = json!("red");
    let noticed = std::panic::catch_unwind(|| judge("failure", &line.to_string()));
    assert!(noticed.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_with_its_facts() {
    let bench = Bench::with(Sandbox::builder().instant_jobs().starting_balance(0.0)).await;
    let poor = failure(&bench.run(SMALL.iter().chain(&["--json", "--idempotency-key", "k1"])));
    assert_eq!((&poor["exit"], &poor["status"]), (&json!(6), &json!(402)));
    assert_eq!((&poor["code"], &poor["idempotency_key"]), (&json!("INSUFFICIENT_CREDIT"), &json!("k1")));
    assert!(poor["request_id"].is_string() && poor["job_id"].is_null(), "{poor}");
    assert!(poor["next"][0].as_str().unwrap().starts_with("curl -X POST "), "{poor}");

    let unknown = failure(&bench.run(["status", "vj_nowhere", "--json"]));
    assert_eq!((&unknown["job_id"], &unknown["status"]), (&json!("vj_nowhere"), &json!(404)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_and_a_failed_job_say_what_was_asked_and_made() {
    let lost = Fault::on(Operation::Generate, Action::accept_then_status(501));
    let bench = Bench::with(Sandbox::builder().instant_jobs().fault(lost)).await;
    let run = bench.run(SMALL.iter().chain(&["--json", "--idempotency-key", "k1"]));
    let lost = failure(&run);
    assert_eq!((&lost["exit"], &lost["idempotency_key"]), (&json!(11), &json!("k1")));
    assert_eq!(lost["status"], 501);

    let fail = Action::FailJob { code: "REJECTED".to_owned(), message: "no".to_owned() };
    bench.sandbox.set_faults([Fault::on(Operation::Generate, fail)]);
    let run = bench.run(SMALL.iter().chain(&["--json"]));
    let failed = failure(&run);
    let id = &run.json()["job"]["job_id"];
    judge("generate", run.text().trim_end());
    assert_eq!((&failed["exit"], &failed["job_id"]), (&json!(3), id));
    assert_eq!(failed["idempotency_key"], run.json()["idempotency_key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_several_failures_has_a_line() {
    let bench = Bench::instant().await;
    let id = bench.job();
    let printed = judged(&bench, "download", &["vj_1", &id, "vj_2"], 5, 2);
    assert_eq!(printed.len(), 1);
    judged(&bench, "wait", &["vj_1", &id, "vj_2"], 5, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_cannot_be_read_is_told_as_json_too() {
    let bench = Bench::instant().await;
    let wrong = failure(&bench.run(["list", "--explode", "--json"]));
    assert_eq!((&wrong["exit"], &wrong["next"]), (&json!(2), &json!(["infrai-video list --help"])));
    assert!(wrong["message"].as_str().unwrap().contains("--explode"), "{wrong}");
    let both = failure(&bench.run(["generate", "a", "-o", "-", "--json"]));
    assert_eq!((&both["exit"], &both["next"]), (&json!(2), &json!(["infrai-video generate --help"])));
    let plain = bench.run(["list", "--explode"]);
    assert!(plain.code == Some(2) && plain.stderr.starts_with("error: "), "{}", plain.stderr);
}

/// `cargo xtask regen` keeps the contract's definitions in the published file current, and this test those of the command.
#[cfg(feature = "sandbox")]
#[test]
fn the_published_schema_is_what_the_command_says() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/infrai-video.schema.json");
    let said = printed(&["schema"]);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &said).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        said == published,
        "docs/infrai-video.schema.json is not what `infrai-video schema` prints: run `cargo xtask regen`, then \
         `INSTA_UPDATE=always cargo test -p infrai-video-cli --test suite published`, and review the difference"
    );
}

#[test]
fn the_whole_document_holds_each_of_its_parts() {
    let whole: Value = serde_json::from_str(&printed(&["schema"])).unwrap();
    let entries: Vec<&str> =
        whole["anyOf"].as_array().unwrap().iter().filter_map(|entry| entry["$ref"].as_str()).collect();
    assert!(entries.len() > 10);
    for entry in entries {
        let name = entry.strip_prefix("#/$defs/").unwrap();
        let part: Value = serde_json::from_str(&printed(&["schema", name])).unwrap();
        for (name, definition) in part["$defs"].as_object().unwrap() {
            assert_eq!(&whole["$defs"][name], definition, "{name}");
        }
    }
}

#[cfg(all(unix, feature = "sandbox"))]
#[test]
fn a_sandbox_says_where_it_listens_as_its_schema_says() {
    use std::io::{BufRead as _, BufReader};

    let mut command = std::process::Command::new(BINARY);
    command.args(["sandbox", "--port", "0", "--json"]).env_clear();
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut server = command.spawn().unwrap();
    let mut line = String::new();
    let read = BufReader::new(server.stdout.take().unwrap()).read_line(&mut line);
    server.kill().unwrap();
    server.wait().unwrap();
    read.unwrap();
    judge("sandbox", &line);
}
