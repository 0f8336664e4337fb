//! What is refused, and how: each refusal names what is wrong and costs nothing.

use crate::common::{Call, KEY, builder, call, cheap_job, get, post, sandbox};
use serde_json::{Value, json};

async fn refusal(call: crate::common::Call) -> (u16, String) {
    call.send(&sandbox()).await.refusal()
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_missing_or_malformed_key_is_rejected() {
    let sandbox = sandbox();
    let bare = call("GET", "/v1/video/list").send(&sandbox).await;
    assert_eq!(bare.refusal(), refused(401, "UNAUTHORIZED"));
    assert_eq!(bare.header("www-authenticate"), Some("Bearer"));
    for value in
        ["Bearer", "Bearer ", "Bearer sk_live_1", "Bearer ifr_pk_", "Basic ifr_pk_proj_x", "ifr_pk_proj_x"]
    {
        let response = call("GET", "/v1/video/list").header("authorization", value).send(&sandbox).await;
        assert_eq!(response.status, 401, "{value}");
    }
    let lower =
        call("GET", "/v1/video/list").header("authorization", "bearer ifr_pk_proj_x").send(&sandbox).await;
    assert_eq!(lower.status, 200);
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_have_the_envelope_too() {
    let sandbox = sandbox();
    for path in ["/v2", "/v1/video", "/v1/video/extend", "/v1/video/status/", "/v1/video/status/a/b"] {
        assert_eq!(get(path).send(&sandbox).await.refusal(), refused(404, "ROUTE_NOT_FOUND"), "{path}");
    }
    let response = get("/v1/video/generate").send(&sandbox).await;
    assert_eq!(response.refusal(), refused(405, "METHOD_NOT_ALLOWED"));
    assert_eq!(response.header("allow"), Some("POST"));
    let response = call("PATCH", "/v1/video/status/vj_1").key(KEY).send(&sandbox).await;
    assert_eq!((response.status.as_u16(), response.header("allow")), (405, Some("GET,HEAD")));
    let response = post("/v1/video/delete/vj_1", json!({})).send(&sandbox).await;
    assert_eq!(response.header("allow"), Some("DELETE"));
}

#[tokio::test]
async fn a_body_must_be_a_json_object_of_sane_size() {
    let send = |body: &[u8]| {
        call("POST", "/v1/video/generate")
            .key(KEY)
            .header("content-type", "application/json")
            .bytes(body.to_vec())
    };
    for wrong in [&b""[..], b"  ", b"{", b"[1]", b"\"text\"", b"null", b"{\"prompt\": \"\xff\"}"] {
        assert_eq!(refusal(send(wrong)).await, refused(400, "INVALID_REQUEST"), "{wrong:?}");
    }
    let filler = "x".repeat(1024 * 1024);
    let large = json!({"prompt": "a", "filler": filler}).to_string();
    assert_eq!(refusal(send(large.as_bytes())).await, refused(413, "PAYLOAD_TOO_LARGE"));
    let fits = json!({"prompt": "a", "filler": &filler[..1024 * 1024 - 100]}).to_string();
    assert_eq!(send(fits.as_bytes()).send(&sandbox()).await.status, 200);
}

/// A body of JSON as it stands.
fn body(path: &str, body: &str) -> Call {
    call("POST", path).key(KEY).header("content-type", "application/json").bytes(body)
}

#[tokio::test]
async fn null_means_no_body_where_the_body_may_be_left_out() {
    for text in ["null", " \t\r\nnull\n", "", " \n", "{}"] {
        let sandbox = sandbox();
        let id = cheap_job(&sandbox).await;
        let cancelled = body(&format!("/v1/video/cancel/{id}"), text).send(&sandbox).await;
        assert_eq!(cancelled.data(), json!({"ok": true}), "{text:?}");
        assert_eq!(
            body("/v1/video/delete_all", text).send(&sandbox).await.data(),
            json!({"deleted": 1}),
            "{text:?}"
        );
        let topup = body("/v1/account/topup", text).send(&sandbox).await.data();
        assert!(topup["checkout_url"].is_string(), "{text:?}");
    }
    // Without a body there is nothing whose type could be declared.
    let sandbox = sandbox();
    let bare = call("POST", "/v1/video/delete_all").key(KEY);
    assert_eq!(bare.send(&sandbox).await.data(), json!({"deleted": 0}));
}

#[tokio::test]
async fn null_and_no_body_are_the_same_request_under_a_key() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    let cancel = |text: &str| body(&format!("/v1/video/cancel/{id}"), text).header("idempotency-key", "k1");
    assert_eq!(cancel("null").send(&sandbox).await.json()["metadata"]["cache_hit"], false);
    for text in ["", "{}", "null "] {
        assert_eq!(cancel(text).send(&sandbox).await.json()["metadata"]["cache_hit"], true, "{text:?}");
    }
}

#[tokio::test]
async fn an_invalid_body_is_rejected_with_the_hint_of_its_operation() {
    let sandbox = sandbox();
    let id = cheap_job(&sandbox).await;
    let retention = format!("/v1/video/set_retention/{id}");
    let cancel = format!("/v1/video/cancel/{id}");
    for (path, texts, hint) in [
        ("/v1/video/generate", &["null", "", " null ", "[]", "{"][..], "{\"prompt\": "),
        (&retention, &["null", "", " ", "7", "nul"], "{\"days\": "),
        (&cancel, &["[null]", "\"null\"", "nul", "NULL", "null null"], "such as {} "),
        ("/v1/video/delete_all", &["[]", "true", "None"], "or no body"),
        ("/v1/account/topup", &["10"], "{\"amount_usd\": "),
    ] {
        for text in texts {
            let response = body(path, text).send(&sandbox).await;
            assert_eq!(response.refusal(), refused(400, "INVALID_REQUEST"), "{path} {text:?}");
            let said = response.error()["hint"].as_str().expect("a hint").to_owned();
            assert!(said.contains(hint), "{path} {text:?}: {said}");
            assert_eq!(said.contains("prompt"), path == "/v1/video/generate", "{path} {text:?}: {said}");
        }
    }
    assert_eq!(sandbox.jobs().len(), 1, "nothing was made");
    // Null is no value of a member, as the contract says.
    let response = body(&cancel, "{\"job_id\": null}").send(&sandbox).await;
    assert_eq!(response.refusal(), refused(422, "VALIDATION_FAILED"));
}

#[tokio::test]
async fn the_hint_for_a_body_that_is_too_large_is_about_its_operation() {
    for (path, speaks_of_prompts) in [("/v1/video/generate", true), ("/v1/video/delete_all", false)] {
        let response = body(path, &" ".repeat(1024 * 1024 + 1)).send(&sandbox()).await;
        assert_eq!(response.refusal(), refused(413, "PAYLOAD_TOO_LARGE"), "{path}");
        let hint = response.error()["hint"].as_str().expect("a hint").to_owned();
        assert_eq!(hint.contains("prompt"), speaks_of_prompts, "{path}: {hint}");
    }
}

#[tokio::test]
async fn a_body_must_be_declared_as_json() {
    let body = json!({"prompt": "a"}).to_string();
    for kind in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")]
    {
        let mut request = call("POST", "/v1/video/generate").key(KEY).bytes(body.clone());
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        assert_eq!(refusal(request).await, refused(415, "UNSUPPORTED_MEDIA_TYPE"), "{kind:?}");
    }
    let request =
        call("POST", "/v1/video/generate").key(KEY).header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(request.bytes(body).send(&sandbox()).await.status, 200);
}

#[tokio::test]
async fn a_rejected_generate_names_its_field_and_costs_nothing() {
    let sandbox = sandbox();
    for (body, code, field) in [
        (json!({}), "VALIDATION_FAILED", "prompt"),
        (json!({"prompt": 1}), "VALIDATION_FAILED", "prompt"),
        (
            json!({"prompt": "a", "reference_image_url": "nowhere"}),
            "VALIDATION_FAILED",
            "reference_image_url",
        ),
        (json!({"prompt": "a", "duration_seconds": 0}), "VALIDATION_FAILED", "duration_seconds"),
        (json!({"prompt": "a", "duration_seconds": 3601}), "VALIDATION_FAILED", "duration_seconds"),
        (json!({"prompt": "a", "duration_seconds": 61}), "UNSUPPORTED_REQUEST", "duration_seconds"),
        (json!({"prompt": "a", "aspect": "4:3"}), "VALIDATION_FAILED", "aspect"),
        (
            json!({"prompt": "a", "aspect": "1:1", "aspect_ratio": "16:9"}),
            "VALIDATION_FAILED",
            "aspect_ratio",
        ),
        (json!({"prompt": "a", "resolution": ""}), "VALIDATION_FAILED", "resolution"),
        (json!({"prompt": "a", "resolution": "8k"}), "UNSUPPORTED_REQUEST", "resolution"),
        (json!({"prompt": "a", "prefer": "fastest"}), "VALIDATION_FAILED", "prefer"),
        (json!({"prompt": "a", "idempotency_key": "a b"}), "VALIDATION_FAILED", "idempotency_key"),
    ] {
        let response = post("/v1/video/generate", body.clone()).send(&sandbox).await;
        assert_eq!(response.refusal(), refused(422, code), "{body}");
        let message = response.error()["message"].as_str().expect("a message").to_owned();
        assert!(message.starts_with(&format!("`{field}` ")), "{message}");
    }
    assert_eq!(sandbox.ledger().balance_usd(KEY), Some(2.0));
    assert!(sandbox.jobs().is_empty());
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_null_is_rejected() {
    let body = json!({"prompt": "a", "style": "noir", "mood": null});
    assert_eq!(post("/v1/video/generate", body).send(&sandbox()).await.status, 200);
    let body = json!({"prompt": "a", "idempotency_key": null});
    assert_eq!(refusal(post("/v1/video/generate", body)).await, refused(422, "VALIDATION_FAILED"));
}

#[tokio::test]
async fn ids_in_paths_must_follow_their_pattern() {
    for path in [".a", "a%20b", "a%2Fb", "%ff", &"a".repeat(257)] {
        let response = refusal(get(&format!("/v1/video/status/{path}"))).await;
        assert_eq!(response, refused(400, "INVALID_REQUEST"), "{path}");
    }
    assert_eq!(refusal(get("/v1/video/status/ID")).await, refused(404, "NOT_FOUND"));
}

#[tokio::test]
async fn the_idempotency_header_must_be_a_key() {
    for wrong in ["", "a b", &"a".repeat(256)] {
        let request = post("/v1/video/generate", json!({"prompt": "a"})).header("idempotency-key", wrong);
        assert_eq!(refusal(request).await, refused(400, "INVALID_REQUEST"), "{wrong:?}");
    }
    let both = post("/v1/video/generate", json!({"prompt": "a", "idempotency_key": "k1"}));
    assert_eq!(refusal(both.header("idempotency-key", "k2")).await, refused(422, "VALIDATION_FAILED"));
}

#[tokio::test]
async fn bare_results_come_without_an_envelope_and_errors_with_it() {
    let sandbox = builder().bare_results(true).router();
    let bare = post("/v1/video/generate", json!({"prompt": "a"})).send(&sandbox).await.json();
    assert_eq!(bare["state"], "queued");
    assert_eq!(bare.get("ok"), None::<&Value>);
    assert_eq!(get("/v1/video/status/vj_1").send(&sandbox).await.refusal(), refused(404, "NOT_FOUND"));
}

#[tokio::test]
async fn the_journal_holds_each_request_without_its_secrets() {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    let url = crate::common::download_url(&sandbox, &id).await;
    call("GET", &url).send(&sandbox).await;
    get("/nowhere").send(&sandbox).await;
    let journal = sandbox.journal();
    let lines: Vec<_> = journal
        .iter()
        .map(|seen| (seen.sequence, seen.operation.map(|op| op.as_str()), seen.status, seen.authorization))
        .collect();
    assert_eq!(
        lines,
        [
            (1, Some("generate"), Some(200), true),
            (2, Some("download_url"), Some(200), true),
            (3, Some("clip"), Some(200), false),
            (4, None, Some(404), true),
        ]
    );
    assert_eq!(journal[0].json().expect("a body")["prompt"], "a lighthouse");
    assert_eq!(journal[2].job_id.as_deref(), Some(id.as_str()));
    let text = format!("{journal:?}");
    let signature = url.rsplit_once('.').expect("a signature").1;
    assert!(!text.contains(KEY) && !text.contains(signature), "{text}");
}

#[tokio::test]
async fn the_journal_holds_responses_without_their_secrets_and_of_files_only_the_size() {
    let sandbox = builder().instant_jobs().router();
    let id = cheap_job(&sandbox).await;
    let url = crate::common::download_url(&sandbox, &id).await;
    let clip = call("GET", &url).header("range", "bytes=0-9").send(&sandbox).await;
    post("/v1/video/generate", json!({"prompt": "a secret like ifr_pk_other"})).send(&sandbox).await;
    get("/nowhere").send(&sandbox).await;
    let journal = sandbox.journal();
    let body = |place: usize| journal[place].response_body.clone().expect("a body");
    assert!(body(0).contains(&id), "{}", body(0));
    let signature = url.rsplit_once('.').expect("a signature").1;
    assert!(body(1).contains(".redacted\"") && !body(1).contains(signature), "{}", body(1));
    assert_eq!(
        (&journal[2].response_body, journal[2].response_bytes),
        (&None, Some(clip.bytes.len() as u64))
    );
    assert_eq!(clip.bytes.len(), 10);
    let header = |name: &str| {
        let found = journal[2].response_headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    for name in ["content-range", "content-type", "etag", "date"] {
        assert_eq!(header(name).as_deref(), clip.header(name), "{name}");
    }
    assert!(body(4).contains("\"ok\":false"), "{}", body(4));
    assert!(journal.iter().all(|seen| seen.duration.is_some()));
    assert!(!format!("{journal:?}").contains("ifr_pk_other"));
}

#[tokio::test]
async fn the_journal_holds_what_a_fault_rule_made_of_a_response() {
    let sandbox = builder().instant_jobs().router();
    for (rule, status, body) in [
        ("action = \"accept_then_drop\"", None, None),
        ("action = \"html\"\nstatus = 502", Some(502), Some("<!doctype html>")),
        ("action = \"malformed_json\"", Some(200), Some("{\"ok\": true, \"data\": {\"job_id\": vj_")),
        ("action = \"cut\"\nafter_bytes = 4", Some(200), Some("{\"ok")),
        ("action = \"slow_bytes\"\nchunk_bytes = 100000\nseconds = 0", Some(200), Some("{\"ok\":true")),
    ] {
        let rules = format!("[[fault]]\noperation = \"list\"\n{rule}\n");
        call("PUT", "/__sandbox/faults").bytes(rules).send(&sandbox).await;
        // The response itself may be lost or broken.
        drop(get("/v1/video/list").parts(&sandbox).await);
        let seen = sandbox.journal().pop().expect("a request");
        assert_eq!(seen.status, status, "{rule}");
        let start = seen.response_body.as_ref().map(|kept| &kept[..body.map_or(0, str::len)]);
        assert_eq!(start, body, "{rule}");
        assert!(seen.duration.is_some() && seen.response_headers.is_empty() == status.is_none(), "{rule}");
    }
}

#[tokio::test]
async fn one_request_is_found_by_its_request_id() {
    let sandbox = sandbox();
    let response = get("/v1/video/list").send(&sandbox).await.json();
    let id = response["metadata"]["request_id"].as_str().expect("an id");
    let shown = get(&format!("/__sandbox/journal/{id}")).send(&sandbox).await.json();
    assert_eq!(shown, get("/__sandbox/journal").send(&sandbox).await.json()["requests"][0]);
    assert_eq!(
        shown["response_body"].as_str().map(str::len),
        shown["response_bytes"].as_u64().map(|size| size as usize)
    );
    let missing = get("/__sandbox/journal/req_none").send(&sandbox).await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("there is no request req_none in the journal"), "{}", missing.text());
}
