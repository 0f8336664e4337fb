//! Each line that `--json` prints follows the published schema, on both streams.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;

use infrai_video_sandbox::{Action, Fault, Operation, Sandbox};
use serde_json::{Value, json};

use crate::common::{BINARY, Harness, Run, SMALL};

/// The schemas of the contract. Servers may add members to them.
const CONTRACT: &str = include_str!("../../../src/schema/contract.json");

/// Commands that never print JSON lines.
const WITHOUT_JSON: [&str; 3] = ["completions", "man", "schema"];

fn printed(args: &[&str]) -> String {
    let mut command = std::process::Command::new(BINARY);
    let run = Run::from(command.args(args).env_clear().env("INFRAI_CONFIG", "none").output().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{args:?}");
    run.text().to_owned()
}

/// The schema of a command, in which the command's own types allow no unknown members.
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

/// Runs a command with `--json` and validates each line. Returns the lines of stdout.
#[track_caller]
fn judged(harness: &Harness, name: &str, args: &[&str], code: i32, failures: usize) -> Vec<Value> {
    let run = harness.run([name].iter().chain(args).chain(&["--json"]));
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

/// The only failure of a run.
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
    let harness = Harness::instant().await;
    let mut tried = BTreeSet::from(["failure".to_owned()]);
    let mut good = |name: &str, args: &[&str], lines: usize| -> Vec<Value> {
        let printed = judged(&harness, name, args, 0, 0);
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
    let other = harness.job();
    good("wait", &[&id, &other], 2);
    good("status", &[&id], 1);
    good("get", &[&id], 1);
    good("list", &["--all"], 1);
    good("download", &[&id, &other], 2);
    good("download-url", &[&id], 1);
    good("set-retention", &[&id, "--days=7"], 1);
    good("capabilities", &[], 1);
    good("config", &["show"], 1);

    good("resume", &[], 0);
    good("resume", &[&id], 1);
    std::fs::write(harness.path("plan.jsonl"), "{\"prompt\": \"a city\", \"duration_seconds\": 0.5}")
        .unwrap();
    good("batch", &["run", "plan.jsonl", "--dry-run"], 1);
    good("batch", &["run", "plan.jsonl"], 1);
    good("batch", &["status"], 1);
    good("batch", &["status", "plan"], 1);
    good("usage", &[], 1);
    good("usage", &["--by=vendor", "--since=1d"], 1);
    good("delete", &[&id, &other, "--yes"], 2);
    good("delete-all", &["--yes"], 1);

    let still = Harness::still().await;
    let id = still.job();
    assert_eq!(judged(&still, "cancel", &[&id], 0, 0)[0]["state"], "cancelled");
    tried.insert("cancel".to_owned());

    tried.extend(WITHOUT_JSON.map(str::to_owned));
    // It runs until it is stopped, and has a separate test.
    tried.extend(cfg!(feature = "sandbox").then(|| "sandbox".to_owned()));
    let command = infrai_video_cli::command();
    let mut all: BTreeSet<String> =
        command.get_subcommands().map(|known| known.get_name().to_owned()).collect();
    all.insert("failure".to_owned());
    assert_eq!(tried, all, "every command is tried here");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_member_is_rejected() {
    let mut line = json!({"error": {"exit": 1, "message": "a", "next": ["b"]}});
    judge("failure", &line.to_string());
    line["error"]["colour"] = json!("red");
    let noticed = std::panic::catch_unwind(|| judge("failure", &line.to_string()));
    assert!(noticed.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_has_its_details() {
    let harness = Harness::with(Sandbox::builder().instant_jobs().starting_balance(0.0)).await;
    let poor = failure(&harness.run(SMALL.iter().chain(&["--json", "--idempotency-key", "k1"])));
    assert_eq!((&poor["exit"], &poor["status"]), (&json!(6), &json!(402)));
    assert_eq!((&poor["code"], &poor["idempotency_key"]), (&json!("INSUFFICIENT_CREDIT"), &json!("k1")));
    assert!(poor["request_id"].is_string() && poor["job_id"].is_null(), "{poor}");
    assert!(poor["next"][0].as_str().unwrap().starts_with("curl -X POST "), "{poor}");

    let unknown = failure(&harness.run(["status", "vj_nowhere", "--json"]));
    assert_eq!((&unknown["job_id"], &unknown["status"]), (&json!("vj_nowhere"), &json!(404)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_and_a_failed_job_name_the_key_and_the_job() {
    let lost = Fault::on(Operation::Generate, Action::accept_then_status(501));
    let harness = Harness::with(Sandbox::builder().instant_jobs().fault(lost)).await;
    let run = harness.run(SMALL.iter().chain(&["--json", "--idempotency-key", "k1"]));
    let lost = failure(&run);
    assert_eq!((&lost["exit"], &lost["idempotency_key"]), (&json!(11), &json!("k1")));
    assert_eq!(lost["status"], 501);

    let fail = Action::FailJob { code: "REJECTED".to_owned(), message: "no".to_owned() };
    harness.sandbox.set_faults([Fault::on(Operation::Generate, fail)]);
    let run = harness.run(SMALL.iter().chain(&["--json"]));
    let failed = failure(&run);
    let id = &run.json()["job"]["job_id"];
    judge("generate", run.text().trim_end());
    assert_eq!((&failed["exit"], &failed["job_id"]), (&json!(3), id));
    assert_eq!(failed["idempotency_key"], run.json()["idempotency_key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_several_failures_has_a_line() {
    let harness = Harness::instant().await;
    let id = harness.job();
    let printed = judged(&harness, "download", &["vj_1", &id, "vj_2"], 5, 2);
    assert_eq!(printed.len(), 1);
    judged(&harness, "wait", &["vj_1", &id, "vj_2"], 5, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_usage_error_is_json_too_and_2() {
    let harness = Harness::instant().await;
    let wrong = failure(&harness.run(["list", "--explode", "--json"]));
    assert_eq!((&wrong["exit"], &wrong["next"]), (&json!(2), &json!(["infrai-video list --help"])));
    assert!(wrong["message"].as_str().unwrap().contains("--explode"), "{wrong}");
    let both = failure(&harness.run(["generate", "a", "-o", "-", "--json"]));
    assert_eq!((&both["exit"], &both["next"]), (&json!(2), &json!(["infrai-video generate --help"])));
    let plain = harness.run(["list", "--explode"]);
    assert!(
        plain.code == Some(2) && plain.stderr.starts_with("error      unknown option --explode\nnext       "),
        "{}",
        plain.stderr
    );
}

/// `cargo xtask regen` updates the contract's definitions in the published file, this test those of the command.
#[cfg(feature = "sandbox")]
#[test]
fn the_published_schema_equals_the_output_of_the_command() {
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
fn the_whole_schema_contains_each_part() {
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
fn the_line_of_a_listening_sandbox_follows_its_schema() {
    use std::io::{BufRead as _, BufReader};

    let mut command = std::process::Command::new(BINARY);
    command.args(["sandbox", "--port", "0", "--json"]).env_clear().env("INFRAI_CONFIG", "none");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut server = command.spawn().unwrap();
    let mut line = String::new();
    let read = BufReader::new(server.stdout.take().unwrap()).read_line(&mut line);
    server.kill().unwrap();
    server.wait().unwrap();
    read.unwrap();
    judge("sandbox", &line);
}
