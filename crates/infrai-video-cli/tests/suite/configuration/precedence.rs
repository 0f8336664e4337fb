//! Which value counts: option, environment, profile, all profiles, default.

use infrai_video_sandbox::Operation;
use serde_json::{Value, json};

use super::{configured, run};
use crate::common::{Harness, KEY, SMALL};

const FILE: &str = "\
default_profile = 'work'
resolution = '720p'
duration = 3
aspect_ratio = '1:1'

[profile.work]
duration = 4.5
ledger = 'work/ledger.db'
base_url = 'https://work.example'

[profile.other]
resolution = '4k'
base_url = 'https://other.example'
";

/// The value and the source of a setting.
fn shown(report: &Value, name: &str) -> (Value, String) {
    let values = report["values"].as_array().expect("a list");
    let found = values.iter().find(|value| value["name"] == name).expect("every setting is shown");
    (found["value"].clone(), found["source"].as_str().expect("it has a source").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_is_shown_with_its_source() {
    let harness = Harness::instant().await;
    let show = |args: &[&str], environment: &[(&str, &str)]| {
        let mut command =
            configured(&harness, FILE, ["config", "show", "--json"].iter().chain(args).copied());
        command.env_remove("INFRAI_BASE_URL").env_remove("INFRAI_STATE_DIR").env_remove("INFRAI_API_KEY");
        command.env("HOME", harness.directory.path()).envs(environment.iter().copied());
        let run = run(command);
        assert_eq!(run.code, Some(0), "{run:?}");
        run.json()
    };
    let path = super::write(&harness, FILE).display().to_string();
    let ledger = harness.state.path().join("work/ledger.db").display().to_string();

    let of_default = show(&[], &[]);
    assert_eq!((&of_default["profile"], &of_default["file"]), (&json!("work"), &json!(path)));
    assert_eq!(shown(&of_default, "duration"), (json!("4.5"), format!("{path}:7")));
    assert_eq!(shown(&of_default, "resolution"), (json!("720p"), format!("{path}:2")));
    assert_eq!(shown(&of_default, "base_url"), (json!("https://work.example"), format!("{path}:9")));
    assert_eq!(shown(&of_default, "ledger"), (json!(ledger), format!("{path}:8")));
    assert_eq!(shown(&of_default, "prefer"), (json!(null), "default".to_owned()));
    assert_eq!(shown(&of_default, "ask_above_usd"), (json!("5"), "default".to_owned()));
    assert_eq!(shown(&of_default, "api_key"), (json!(null), "default".to_owned()));

    let variables = [
        ("INFRAI_PROFILE", "other"),
        ("INFRAI_BASE_URL", "https://variable.example"),
        ("INFRAI_LEDGER", "v.db"),
        ("INFRAI_API_KEY", KEY),
    ];
    let of_variables = show(&[], &variables);
    assert_eq!(of_variables["profile"], "other");
    assert_eq!(shown(&of_variables, "resolution"), (json!("4k"), format!("{path}:12")));
    assert_eq!(shown(&of_variables, "duration"), (json!("3"), format!("{path}:3")));
    let (url, source) = shown(&of_variables, "base_url");
    assert_eq!((url, source.as_str()), (json!("https://variable.example"), "INFRAI_BASE_URL"));
    assert_eq!(shown(&of_variables, "ledger"), (json!("v.db"), "INFRAI_LEDGER".to_owned()));
    assert_eq!(shown(&of_variables, "api_key").1, "INFRAI_API_KEY");
    assert!(!of_variables.to_string().contains(KEY));

    let options = ["--profile=work", "--base-url=https://option.example", "--ledger=o.db"];
    let of_options = show(&options, &variables);
    assert_eq!(of_options["profile"], "work");
    let (url, source) = shown(&of_options, "base_url");
    assert_eq!((url, source.as_str()), (json!("https://option.example"), "--base-url"));
    assert_eq!(shown(&of_options, "ledger"), (json!("o.db"), "--ledger".to_owned()));

    let without = harness.run(["config", "show", "--json"]).json();
    assert_eq!((&without["profile"], &without["file"]), (&json!(null), &json!(null)));
    assert_eq!(shown(&without, "base_url").1, "INFRAI_BASE_URL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_gets_the_values_that_its_options_leave_out() {
    let harness = Harness::instant().await;
    let request = |args: &[&str]| {
        let all = ["generate", "a city", "--dry-run", "-q", "--no-check"].iter().chain(args).copied();
        let run = run(configured(&harness, FILE, all));
        assert_eq!(run.code, Some(0), "{run:?}");
        let mut request = run.json();
        request.as_object_mut().expect("a request").remove("idempotency_key");
        request
    };
    let expected = json!({"prompt": "a city", "duration_seconds": 4.5, "resolution": "720p", "aspect_ratio": "1:1", "aspect": "1:1"});
    let without_alias = |mut request: Value| {
        request.as_object_mut().expect("a request").remove("aspect");
        request
    };
    assert_eq!(without_alias(request(&[])), without_alias(expected));
    let options = request(&["--profile=other", "--duration=2", "--resolution=1080p", "--aspect-ratio=9:16"]);
    let expected =
        json!({"prompt": "a city", "duration_seconds": 2.0, "resolution": "1080p", "aspect_ratio": "9:16"});
    assert_eq!(without_alias(options), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_does_not_depend_on_the_configuration() {
    let harness = Harness::instant().await;
    std::fs::write(harness.path("plan.jsonl"), "{\"prompt\": \"a city\"}").expect("there is room");
    let planned = |text: &str| {
        let run = run(configured(&harness, text, ["batch", "run", "plan.jsonl", "--dry-run", "--json"]));
        assert_eq!(run.code, Some(0), "{run:?}");
        run.json()
    };
    assert_eq!(planned(""), planned("resolution = '4k'\nduration = 4\noutput = 'a.mp4'"));
}

#[cfg(feature = "sandbox")]
#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_ignores_base_url_ledger_and_key_of_the_profile_and_keeps_the_rest() {
    let harness = Harness::instant().await;
    let text = "duration = 0.5\n[profile.work]\nbase_url = 'https://work.invalid'\nkey_command = 'exit 1'\nledger = '/'\n";
    let mut command = configured(
        &harness,
        text,
        ["--sandbox", "--profile=work", "generate", "a lighthouse", "-o", "a.mp4", "--json"],
    );
    command.env_remove("INFRAI_BASE_URL").env_remove("INFRAI_API_KEY");
    let run = run(command);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["cost_usd"].as_f64().map(|cost| cost > 0.0), Some(true), "{run:?}");
    assert!(harness.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_goes_where_the_profile_says_if_a_clip_is_requested() {
    let harness = Harness::instant().await;
    let text = "output = 'clips/'\nduration = 0.5\n";
    std::fs::create_dir(harness.path("clips")).expect("there is room");
    let clip = run(configured(&harness, text, ["generate", "a lighthouse", "-q"]));
    assert_eq!(clip.code, Some(0), "{clip:?}");
    assert!(clip.text().starts_with("clips/vj_"), "{clip:?}");
    let named = run(configured(&harness, text, ["generate", "a lighthouse", "-q", "-o", "b.mp4"]));
    assert_eq!(named.text(), "b.mp4\n", "{named:?}");
    let job = run(configured(&harness, text, ["generate", "a lighthouse", "-q", "--no-wait"]));
    assert!(job.text().starts_with("vj_"), "{job:?}");
    assert_eq!(run(configured(&harness, text, ["resume", "-q"])).text(), "", "only the job was requested");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_of_the_profile_counts_like_the_option() {
    let harness = Harness::instant().await;
    assert_eq!(harness.run(SMALL).code, Some(0), "now the cost of such clips is known");
    let (text, calls) = ("max_usd = 0.000001\nask_above_usd = 0", harness.calls(Operation::Generate));
    let stopped = run(configured(&harness, text, SMALL));
    assert!(stopped.failed(7).contains("would cost"), "{stopped:?}");
    std::fs::write(harness.path("plan.jsonl"), "{\"prompt\": \"a city\", \"duration_seconds\": 0.5}")
        .expect("there is room");
    let batch = run(configured(&harness, text, ["batch", "run", "plan.jsonl"]));
    assert_ne!(batch.code, Some(0), "{batch:?}");
    assert_eq!(harness.calls(Operation::Generate), calls, "nothing was charged");
    let allowed = run(configured(&harness, text, SMALL.iter().chain(&["--max-usd=5"]).copied()));
    assert_eq!(allowed.code, Some(0), "{allowed:?}");
    assert!(allowed.stderr.contains("nothing is asked without a terminal"), "{allowed:?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_home_directory_with_braces_is_part_of_the_path() {
    let harness = Harness::instant().await;
    for (index, home) in ["{slug}", "a}b{", "{{x}}"].into_iter().enumerate() {
        std::fs::create_dir_all(harness.path(home).join("clips")).expect("there is room");
        let text = format!("output = '~/clips/{{{{{index}}}}}-{{resolution}}.mp4'\nduration = 0.5\n");
        let mut command = configured(&harness, &text, ["generate", "a lighthouse", "-q"]);
        command.env("HOME", harness.path(home));
        let run = run(command);
        assert_eq!(run.code, Some(0), "{home}: {run:?}");
        let clip = harness.path(home).join("clips").join(format!("{{{index}}}-auto.mp4"));
        assert!(clip.is_file(), "{home}: {run:?}");
    }
}
