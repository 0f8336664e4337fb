//! The routes beside the API, for tools in any language.

use http::StatusCode;
use infrai_video_sandbox::{SandboxRouter, Scenario, VendorState};
use serde_json::json;

use crate::common::{KEY, builder, call, cheap_job, generate, get, post, sandbox, state};

#[tokio::test]
async fn admin_routes_show_the_inside_and_stay_out_of_the_journal() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    let jobs = get("/__sandbox/jobs").send(&sandbox).await.json();
    assert_eq!((&jobs["jobs"][0]["job_id"], &jobs["jobs"][0]["state"]), (&json!(id), &json!("queued")));
    let clock = post("/__sandbox/clock", json!({"advance_seconds": 3600})).send(&sandbox).await.json();
    assert_eq!(clock["now"], "2026-01-01T01:00:00Z");
    assert_eq!(post("/__sandbox/clock", json!({"advance_seconds": -1})).send(&sandbox).await.status, 422);
    assert_eq!(get("/__sandbox/jobs").send(&sandbox).await.json()["jobs"][0]["state"], "succeeded");
    assert_eq!(get("/__sandbox/ledger").send(&sandbox).await.json()["double_charges"], 0);
    let journal = get("/__sandbox/journal").send(&sandbox).await.json();
    assert_eq!(journal["requests"].as_array().map(Vec::len), Some(1));
    assert_eq!(get("/healthz").send(&sandbox).await.json()["status"], "ok");
    post("/__sandbox/reset", json!({})).send(&sandbox).await;
    assert!(sandbox.jobs().is_empty() && sandbox.journal().is_empty() && sandbox.ledger().entries.is_empty());
}

#[tokio::test]
async fn rules_can_be_set_while_the_sandbox_runs() {
    let sandbox = builder().router();
    let put = |rules: &str| call("PUT", "/__sandbox/faults").bytes(rules);
    let response = put("[[fault]]\naction = 'status'\nstatus = 500").send(&sandbox).await;
    let shown = json!({"action": "status", "status": 500, "matched": 0, "acted": 0});
    assert_eq!(response.json(), json!({"faults": [shown]}));
    assert_eq!(get("/v1/video/list").send(&sandbox).await.refusal(), (500, "INTERNAL".to_owned()));
    let wrong = put("[[fault]]\naction = 'explode'").send(&sandbox).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(get("/v1/video/list").send(&sandbox).await.status, 500, "the rules are still there");
    let shown = get("/__sandbox/faults").send(&sandbox).await.json();
    assert_eq!((&shown["faults"][0]["matched"], &shown["faults"][0]["acted"]), (&json!(2), &json!(2)));
    assert_eq!(put("").send(&sandbox).await.json(), json!({"faults": []}));
    assert_eq!(get("/v1/video/list").send(&sandbox).await.status, 200);
}

#[tokio::test]
async fn the_content_type_selects_json_or_toml() {
    let sandbox = sandbox();
    let toml = "[[fault]]\naction = 'status'\nstatus = 500";
    let json = r#"{"fault": [{"action": "status", "status": 500}]}"#;
    let shown = json!({"faults": [{"action": "status", "status": 500, "matched": 0, "acted": 0}]});
    let put = |kind: Option<&str>, body: &str| {
        let call = call("PUT", "/__sandbox/faults").bytes(body);
        match kind {
            Some(kind) => call.header("content-type", kind),
            None => call,
        }
    };
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
        assert_eq!(put(Some(kind), json).send(&sandbox).await.json(), shown, "{kind}");
        assert_eq!(put(Some(kind), toml).send(&sandbox).await.status, 422, "{kind}");
    }
    for kind in ["application/toml", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"] {
        assert_eq!(put(Some(kind), toml).send(&sandbox).await.json(), shown, "{kind}");
    }
    assert_eq!(put(None, toml).send(&sandbox).await.json(), shown);
    let other = put(Some("application/yaml"), toml).send(&sandbox).await;
    assert_eq!(other.status, 415);
    let error = other.json()["error"].to_string();
    for part in ["application/yaml", "application/json", "application/toml"] {
        assert!(error.contains(part), "{error}");
    }

    let vendors = |kind: &str, body: &'static str| {
        call("PUT", "/__sandbox/vendors").header("content-type", kind).bytes(body)
    };
    let toml = "[vendors]\nsandbox-swift = 'down'";
    assert_eq!(vendors("application/toml", toml).send(&sandbox).await.status, 200);
    assert_eq!(sandbox.vendors()["sandbox-swift"], VendorState::Down);
    let json = r#"{"vendors": {"sandbox-swift": "up"}}"#;
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        assert_eq!(vendors(kind, json).send(&sandbox).await.status, 200, "{kind}");
    }
    assert_eq!(sandbox.vendors()["sandbox-swift"], VendorState::Up);
    let clock = call("POST", "/__sandbox/clock").header("content-type", "application/toml");
    assert_eq!(clock.bytes("advance_seconds = 1.5").send(&sandbox).await.status, 200);
}

#[tokio::test]
async fn an_invalid_body_is_rejected_with_what_would_be_valid() {
    let sandbox = sandbox();
    let error = async |method: &str, path: &str, kind: &str, body: &[u8]| {
        let response = call(method, &format!("/__sandbox/{path}")).header("content-type", kind).bytes(body);
        let response = response.send(&sandbox).await;
        assert_eq!(response.status, 422, "{}", response.text());
        response.json()["error"].as_str().expect("an error").to_owned()
    };
    const JSON: &str = "application/json";
    for (method, path, kind, body, expected) in [
        ("POST", "faults", "", "", "the body is empty: send fault rules in TOML or JSON"),
        ("PUT", "faults", JSON, "", "the fault rules: the text is empty, and must be JSON"),
        ("PUT", "scenario", JSON, "{\"name\": 5}", "field name: expected text, found the number 5"),
        (
            "PUT",
            "scenario/poll-strom",
            "",
            "",
            "the scenario `poll-strom` does not exist: did you mean `poll-storm`? Use one of ",
        ),
        (
            "PUT",
            "vendors",
            JSON,
            "{\"vendors\": {\"sandbox-swfit\": \"up\"}}",
            "the vendor `sandbox-swfit` does not exist: did you mean `sandbox-swift`? ",
        ),
        (
            "PUT",
            "vendors",
            JSON,
            "{\"vendors\": {\"sandbox-swift\": \"dwn\"}}",
            "vendors, field sandbox-swift: `dwn` does not exist: did you mean `down`? Use one of up, down. An example: ",
        ),
        (
            "POST",
            "clock",
            JSON,
            "{\"advance_seconds\": -1}",
            "field advance_seconds: -1 must be a number of seconds from 0 to 10000000000. An example: ",
        ),
        ("POST", "clock", JSON, "{\"advance_seconds\": 1e999}", "the body (line 1, column "),
        ("POST", "clock", "", "", "the body: the text is empty, and must be JSON. An example: "),
    ] {
        let error = error(method, path, kind, body.as_bytes()).await;
        assert!(error.starts_with(expected), "{path} {body}: {error}");
    }
    let error = error("PUT", "faults", "", b"a = '\xff'").await;
    assert_eq!(error, "the body is not text in UTF-8: byte 6 is invalid");
}

#[tokio::test]
async fn vendors_can_go_down_and_come_up_again() {
    let sandbox = sandbox();
    let put = |state: &str| {
        call("PUT", "/__sandbox/vendors").bytes(json!({"vendors": {"sandbox-swift": state}}).to_string())
    };
    let shown = |swift: &str| json!({"vendors": {"sandbox-swift": swift, "sandbox-studio": "up", "sandbox-cinema": "up"}});
    assert_eq!(get("/__sandbox/vendors").send(&sandbox).await.json(), shown("up"));
    assert_eq!(put("down").send(&sandbox).await.json(), shown("down"));
    cheap_job(&sandbox).await;
    assert_eq!(get("/__sandbox/vendors").send(&sandbox).await.json(), shown("down"));
    put("up").send(&sandbox).await;
    cheap_job(&sandbox).await;
    sandbox.set_vendor("sandbox-swift", VendorState::Down).expect("a vendor");
    cheap_job(&sandbox).await;
    let vendors: Vec<_> = sandbox.jobs().into_iter().map(|job| job.vendor).collect();
    assert_eq!(vendors, ["sandbox-studio", "sandbox-swift", "sandbox-studio"]);
}

#[tokio::test]
async fn an_unknown_vendor_or_state_changes_nothing() {
    let sandbox = sandbox();
    for wrong in [
        json!({"vendors": {"sandbox-swift": "down", "sandbox-other": "down"}}),
        json!({"vendors": {"sandbox-swift": "away"}}),
        json!({"sandbox-swift": "down"}),
        json!(null),
    ] {
        let response = call("PUT", "/__sandbox/vendors").bytes(wrong.to_string()).send(&sandbox).await;
        assert_eq!(response.status, 422, "{wrong}");
    }
    assert!(sandbox.vendors().values().all(|state| *state == VendorState::Up));
    let error = sandbox.set_vendor("sandbox-other", VendorState::Up).expect_err("unknown").to_string();
    assert!(error.contains("sandbox-other") && error.contains("sandbox-swift"), "{error}");
}

#[tokio::test]
async fn a_named_scenario_starts_the_sandbox_over() {
    let sandbox = builder().starting_balance(5.0).router();
    cheap_job(&sandbox).await;
    let shown = get("/__sandbox/scenarios").send(&sandbox).await.json();
    let names: Vec<_> = Scenario::all().map(|scenario| scenario.name().to_owned()).collect();
    assert_eq!(shown["scenarios"].as_array().map(Vec::len), Some(names.len()));
    assert_eq!(shown["scenarios"][0]["name"], json!(names[0]));

    let play = |name: &str| call("PUT", &format!("/__sandbox/scenario/{name}"));
    let response = play("credit-runs-out").send(&sandbox).await;
    assert_eq!((response.status.as_u16(), &response.json()["name"]), (200, &json!("credit-runs-out")));
    assert!(sandbox.jobs().is_empty());
    generate(&sandbox, json!({"prompt": "a lighthouse"})).await;
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(0.15));
    assert_eq!(play("no-such-thing").send(&sandbox).await.status, 422);
    assert_eq!(sandbox.jobs().len(), 1, "what is refused changes nothing");

    play("lost-response").send(&sandbox).await;
    assert_eq!(sandbox.faults().len(), Scenario::named("lost-response").expect("embedded").faults().len());
    get("/v1/video/list").send(&sandbox).await;
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(5.0), "settings of the scenario before are gone");
}

#[tokio::test]
async fn a_scenario_comes_before_the_builders_settings_and_leaves_nothing_behind() {
    let poor = Scenario::named("credit-runs-out").expect("embedded");
    let sandbox = builder().scenario(poor).starting_balance(5.0).router();
    get("/v1/video/list").send(&sandbox).await.data();
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(0.25));
    sandbox.play(&Scenario::named("cancel-race").expect("embedded"));
    get("/v1/video/list").send(&sandbox).await.data();
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(5.0));
}

#[tokio::test]
async fn a_scenario_of_ones_own_is_taken_and_an_empty_one_takes_all_away() {
    let sandbox = sandbox();
    let play = |text: &str| call("PUT", "/__sandbox/scenario").bytes(text);
    let own = "[settings]\nstarting_balance_usd = 0\nbare_results = true\n[[fault]]\naction = 'status'\nstatus = 500\ncount = 1";
    assert_eq!(play(own).send(&sandbox).await.json()["name"], "unnamed");
    assert_eq!(get("/v1/video/list").send(&sandbox).await.refusal(), (500, "INTERNAL".to_owned()));
    assert_eq!(get("/v1/video/list").send(&sandbox).await.json()["items"], json!([]), "without an envelope");
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(0.0));
    let wrong = play("[settings]\nstarting_balance_usd = -1").send(&sandbox).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("starting_balance_usd"));
    play("").send(&sandbox).await;
    get("/v1/video/list").send(&sandbox).await.data();
    assert_eq!((sandbox.ledger().balance_usd(KEY), sandbox.faults()), (Some(2.0), Vec::new()));
}

/// The status and the error of a body that is sent to the fault rules.
async fn rejected(sandbox: &SandboxRouter, kind: Option<&str>, body: &str) -> String {
    let call = call("PUT", "/__sandbox/faults").bytes(body);
    let call = kind.into_iter().fold(call, |call, kind| call.header("content-type", kind));
    let response = call.send(sandbox).await;
    assert_eq!(response.status, 422, "{body}");
    assert_eq!(sandbox.faults(), []);
    let error = response.json()["error"].as_str().expect("a text").to_owned();
    assert!(error.len() < 1500 && !error.contains(char::is_control), "{error}");
    error
}

#[tokio::test]
async fn json_is_recognized_without_a_content_type() {
    let sandbox = sandbox();
    for body in [
        r#"{"fault": [{"action": "stuck"}]}"#,
        r#" [ {"action": "stuck"} ]"#,
        "\u{feff}[{\"action\": \"stuck\"}]",
    ] {
        for kind in [None, Some("application/x-www-form-urlencoded"), Some("application/json")] {
            let call = call("PUT", "/__sandbox/faults").bytes(body);
            let call = kind.into_iter().fold(call, |call, kind| call.header("content-type", kind));
            assert_eq!(call.send(&sandbox).await.json()["faults"][0]["action"], "stuck", "{body} {kind:?}");
            sandbox.set_faults([]);
        }
    }
    let toml = rejected(&sandbox, Some("application/json"), "[[fault]]\naction = 'stuck'").await;
    assert!(toml.ends_with("it looks like TOML, not JSON"), "{toml}");
    let json = rejected(&sandbox, Some("application/toml"), "[{\"action\": \"stuck\"}]").await;
    assert!(json.ends_with("it looks like JSON, not TOML"), "{json}");
}

#[tokio::test]
async fn a_rule_that_could_never_act_is_rejected() {
    let sandbox = sandbox();
    for (rule, wrong) in [
        (json!({"action": "stuck", "nth": 0}), "nth: it must be above 0"),
        (json!({"action": "stuck", "count": 0}), "count: it must be above 0"),
        (json!({"action": "stuck", "job": 0}), "n from 1 for the nth"),
        (json!({"action": "stuck", "from_seconds": 10, "until_seconds": 5}), "below until_seconds"),
        (json!({"action": "stuck", "from_seconds": 5, "until_seconds": 5}), "below until_seconds"),
        (json!({"action": "status", "status": 503, "retry_after": "a\nb"}), "text for a header"),
        (json!({"action": {"hang": {}}}), "expected text, found a table"),
        (json!({"action": {"status": {"status": 503}}}), "expected text, found a table"),
    ] {
        let error = rejected(&sandbox, Some("application/json"), &json!([rule]).to_string()).await;
        assert!(error.starts_with("fault rule 1") && error.contains(wrong), "{error}");
    }
    let scenario = json!({"fault": [{"action": "stuck", "from_seconds": 2, "until_seconds": 1}]});
    let response = call("PUT", "/__sandbox/scenario").json(scenario).send(&sandbox).await;
    assert!(response.text().contains("below until_seconds"), "{}", response.text());
}

#[tokio::test]
async fn an_error_is_one_short_line_whatever_was_sent() {
    let sandbox = sandbox();
    let long = "x".repeat(500_000);
    for rule in [
        json!({"action": "stuck", long.clone(): 1}),
        json!({"action": long.clone()}),
        json!({"action": "hang\n\u{1b}[31m"}),
        json!({"action": "stuck", "a\nb\u{1b}": 1}),
        json!({"action": "hang", "seconds": 1e300}),
        json!({"action": "stuck", "probability": -1e300}),
        json!({"action": "stuck", "operation": 1e300}),
    ] {
        rejected(&sandbox, Some("application/json"), &json!([rule]).to_string()).await;
    }
    rejected(&sandbox, Some("application/json"), &format!("[{{\"{long}\": 1, \"{long}\": 2}}]")).await;
    let response = call("PUT", "/__sandbox/scenario/x%0ay").send(&sandbox).await;
    assert!(!response.json()["error"].as_str().expect("a text").contains(char::is_control));
}

#[tokio::test]
async fn an_unknown_route_of_the_admin_api_names_the_closest_one() {
    let sandbox = sandbox();
    for (path, meant) in [
        ("/__sandbox/fault", "did you mean /__sandbox/faults?"),
        ("/__sandbox", "did you mean /__sandbox/?"),
        ("/__sandbox/something/else", "GET /__sandbox/ lists the routes"),
    ] {
        let response = call("GET", path).send(&sandbox).await;
        assert_eq!(response.status, 404);
        let error = response.json()["error"].as_str().expect("a text").to_owned();
        assert!(error.contains(meant), "{error}");
    }
    let response = call("DELETE", "/__sandbox/faults").send(&sandbox).await;
    assert_eq!((response.status.as_u16(), response.header("allow").is_some()), (405, true));
    assert!(response.json()["error"].is_string(), "{}", response.text());
    let response = call("GET", "/__sandbox/ledger?acount=ifr_pk_a").send(&sandbox).await;
    assert!(response.text().contains("did you mean `account`?"), "{}", response.text());
    let response = call("GET", "/__sandbox/ledger?account=x").send(&sandbox).await;
    assert!(response.text().contains("begins with `ifr_pk_`"), "{}", response.text());
}

#[tokio::test]
async fn a_job_of_any_account_is_cancelled_and_deleted_without_its_key() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    let cancel = || call("POST", &format!("/__sandbox/jobs/{id}/cancel")).send(&sandbox);
    assert_eq!(cancel().await.json(), json!({"ok": true}));
    assert_eq!(state(&sandbox, &id).await, "cancelled");
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(2.0), "the charge was refunded");
    let again = cancel().await;
    assert_eq!(again.status, 409);
    assert!(again.text().contains("already cancelled"), "{}", again.text());
    let delete = || call("DELETE", &format!("/__sandbox/jobs/{id}")).send(&sandbox);
    assert_eq!(delete().await.json(), json!({"ok": true}));
    assert_eq!(
        get(&format!("/v1/video/status/{id}")).send(&sandbox).await.refusal(),
        (404, "NOT_FOUND".to_owned())
    );
    assert_eq!(
        (delete().await.status, cancel().await.status),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    let sent = sandbox.journal().iter().map(|seen| seen.path.clone()).collect::<Vec<_>>();
    assert!(!sent.iter().any(|path| path.starts_with("/__sandbox/")), "{sent:?}");
}
