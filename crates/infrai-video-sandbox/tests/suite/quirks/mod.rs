//! Each quirk on the wire: what a response has without it, and with it.

mod effects;

use std::collections::HashSet;

use infrai_video_sandbox::{Quirk, SandboxRouter};
use serde_json::{Value, json};

use self::Place::{At, Charges, Header, Status};
use crate::common::{Call, KEY, Response, builder, call, get, post};

/// The id of the queued job.
const QUEUED: &str = "vj_01kdvdq4k0nnxw195n48b390nc";

/// A job that has finished and one that is queued, with ids as paths have them, and a link to the clip of the first.
struct Jobs {
    done: String,
    queued: String,
    link: String,
}

/// Where the last response differs.
enum Place {
    Status,
    Header(&'static str),
    /// A JSON pointer. What is missing is null, and so is everything in a body that is not JSON.
    At(&'static str),
    /// The number of charges.
    Charges,
}

struct Row {
    quirk: Quirk,
    requests: fn(&Jobs) -> Vec<Call>,
    place: Place,
    plain: Value,
    quirky: Value,
}

fn row(
    quirk: Quirk,
    requests: fn(&Jobs) -> Vec<Call>,
    place: Place,
    plain: impl Into<Value>,
    quirky: impl Into<Value>,
) -> Row {
    Row { quirk, requests, place, plain: plain.into(), quirky: quirky.into() }
}

fn order() -> Value {
    json!({"prompt": "a lighthouse", "prefer": "cheapest", "duration_seconds": 1})
}

fn generate(members: Value) -> Call {
    let mut body = order();
    body.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
    post("/v1/video/generate", body)
}

fn status(id: &str) -> Call {
    get(&format!("/v1/video/status/{id}"))
}

fn unknown(_: &Jobs) -> Vec<Call> {
    vec![status("vj_0")]
}

fn new_job(_: &Jobs) -> Vec<Call> {
    vec![generate(json!({}))]
}

fn delete(jobs: &Jobs) -> Vec<Call> {
    vec![call("DELETE", &format!("/v1/video/delete/{}", jobs.done)).key(KEY)]
}

fn cancel_done(jobs: &Jobs) -> Vec<Call> {
    vec![post(&format!("/v1/video/cancel/{}", jobs.done), json!({}))]
}

fn cancel_queued(jobs: &Jobs) -> Vec<Call> {
    vec![post(&format!("/v1/video/cancel/{}", jobs.queued), json!({}))]
}

fn done(jobs: &Jobs) -> Vec<Call> {
    vec![status(&jobs.done)]
}

fn queued(jobs: &Jobs) -> Vec<Call> {
    vec![status(&jobs.queued)]
}

fn detail(jobs: &Jobs) -> Vec<Call> {
    vec![get(&format!("/v1/video/get/{}", jobs.done))]
}

fn link(jobs: &Jobs) -> Vec<Call> {
    vec![get(&format!("/v1/video/download_url/{}", jobs.done))]
}

fn list(_: &Jobs) -> Vec<Call> {
    vec![get("/v1/video/list?limit=1")]
}

fn retention(jobs: &Jobs, days: u32) -> Call {
    post(&format!("/v1/video/set_retention/{}", jobs.done), json!({"days": days}))
}

fn download(jobs: &Jobs) -> Call {
    call("GET", &jobs.link)
}

fn part(jobs: &Jobs) -> Vec<Call> {
    vec![download(jobs).header("range", "bytes=0-3")]
}

fn capabilities(_: &Jobs) -> Vec<Call> {
    vec![get("/v1/video/capabilities")]
}

fn without_key(_: &Jobs) -> Vec<Call> {
    vec![call("GET", "/v1/video/list")]
}

fn with_header(members: Value) -> Call {
    generate(members).header("idempotency-key", "k1")
}

/// The same request twice under the key of the header.
fn twice(_: &Jobs) -> Vec<Call> {
    vec![with_header(json!({})), with_header(json!({}))]
}

/// The same request twice under the key in the body.
fn twice_in_body(_: &Jobs) -> Vec<Call> {
    let once = || generate(json!({"idempotency_key": "k1"}));
    vec![once(), once()]
}

fn another_body(_: &Jobs) -> Vec<Call> {
    vec![with_header(json!({})), with_header(json!({"prompt": "a harbour"}))]
}

/// A page of more than 50 jobs.
fn long_page(_: &Jobs) -> Vec<Call> {
    let jobs = (0..50).map(|_| generate(json!({})));
    jobs.chain([get("/v1/video/list?limit=100")]).collect()
}

fn envelopes() -> Vec<Row> {
    vec![
        row(Quirk::BareResults, queued, At("/data/state"), "queued", Value::Null),
        row(Quirk::BareResults, queued, At("/state"), Value::Null, "queued"),
        row(Quirk::BareResults, unknown, At("/error/code"), "NOT_FOUND", "NOT_FOUND"),
        row(Quirk::NoOk, queued, At("/ok"), true, Value::Null),
        row(Quirk::NoOk, unknown, At("/ok"), false, Value::Null),
        row(Quirk::StringErrors, unknown, At("/error"), error(), "this account has no job vj_0"),
        row(Quirk::BareErrors, unknown, At("/error/code"), "NOT_FOUND", Value::Null),
        row(Quirk::BareErrors, unknown, At("/code"), Value::Null, "NOT_FOUND"),
        row(Quirk::NoMetadata, queued, At("/metadata/cache_hit"), false, Value::Null),
        row(Quirk::CamelCaseMetadata, queued, At("/metadata/cache_hit"), false, Value::Null),
        row(Quirk::CamelCaseMetadata, queued, At("/metadata/cacheHit"), Value::Null, false),
        row(Quirk::StringCosts, new_job, At("/metadata/cost_usd"), 0.01, "0.01"),
        row(Quirk::Created, new_job, Status, 200, 201),
        row(Quirk::Accepted, new_job, Status, 200, 202),
        row(Quirk::NoContent, delete, Status, 200, 204),
        row(Quirk::NoContent, cancel_queued, At("/ok"), true, Value::Null),
        row(Quirk::NullResults, delete, At("/data/ok"), true, Value::Null),
        row(Quirk::NullResults, cancel_queued, At("/data/ok"), true, Value::Null),
    ]
}

/// The error of an unknown job.
fn error() -> Value {
    json!({
        "code": "NOT_FOUND",
        "message": "this account has no job vj_0",
        "hint": "check the id, and that the key is the one that made the job; GET /v1/video/list shows the jobs there are",
        "retryable": false,
    })
}

fn errors() -> Vec<Row> {
    vec![
        row(Quirk::ErrorsWith200, unknown, Status, 404, 200),
        row(Quirk::ErrorsWith200, unknown, At("/error"), error(), error()),
        row(Quirk::HtmlErrors, unknown, Status, 404, 404),
        row(
            Quirk::HtmlErrors,
            unknown,
            Header("content-type"),
            "application/json",
            "text/html; charset=utf-8",
        ),
        row(
            Quirk::ProblemJson,
            unknown,
            Header("content-type"),
            "application/json",
            "application/problem+json",
        ),
        row(Quirk::ProblemJson, queued, Header("content-type"), "application/json", "application/json"),
        row(Quirk::LowerCaseCodes, unknown, At("/error/code"), "NOT_FOUND", "not_found"),
        row(Quirk::NumericCodes, unknown, At("/error/code"), "NOT_FOUND", 404),
        row(Quirk::GoneJobs, unknown, Status, 404, 410),
        row(Quirk::ForbiddenJobs, unknown, Status, 404, 403),
        row(Quirk::ForbiddenKeys, without_key, Status, 401, 403),
        row(Quirk::NoWwwAuthenticate, without_key, Header("www-authenticate"), "Bearer", Value::Null),
        row(Quirk::NoWwwAuthenticate, without_key, Status, 401, 401),
        row(Quirk::Validation400, |jobs| vec![retention(jobs, 0)], Status, 422, 400),
        row(Quirk::NoRetryAfter, capabilities, Status, 200, 429),
        row(Quirk::NoRetryAfter, capabilities, Header("retry-after"), Value::Null, Value::Null),
        row(
            Quirk::NoRetryAfter,
            |jobs| [capabilities(jobs), capabilities(jobs)].into_iter().flatten().collect(),
            Status,
            200,
            200,
        ),
    ]
}

fn job_members() -> Vec<Row> {
    vec![
        row(Quirk::StateSynonyms, done, At("/data/state"), "succeeded", "completed"),
        row(Quirk::StateSynonyms, list, At("/data/items/0/state"), "queued", "pending"),
        row(Quirk::StateCapitals, done, At("/data/state"), "succeeded", "SUCCEEDED"),
        row(Quirk::OtherStates, queued, At("/data/state"), "queued", "waiting"),
        row(Quirk::OtherStates, done, At("/data/state"), "succeeded", "succeeded"),
        row(Quirk::OtherFinalStates, done, At("/data/state"), "succeeded", "ready"),
        row(Quirk::IntegerIds, new_job, At("/data/job_id"), "vj_01kdvdq4k07deqy9pm3fnhn1sd", 3),
        row(Quirk::IntegerIds, queued, At("/data/job_id"), QUEUED, 2),
        row(
            Quirk::IntegerIds,
            |jobs| vec![post(&format!("/v1/video/cancel/{}", jobs.queued), json!({"job_id": 2}))],
            Status,
            422,
            200,
        ),
        row(Quirk::EscapedIds, queued, At("/data/job_id"), QUEUED, format!("jobs/{QUEUED}")),
        row(Quirk::IdMember, queued, At("/data/job_id"), QUEUED, Value::Null),
        row(Quirk::IdMember, list, At("/data/items/0/id"), Value::Null, QUEUED),
        row(Quirk::JobInJob, queued, At("/data/job/state"), Value::Null, "queued"),
        row(Quirk::EpochTimes, link, At("/data/expires_at"), "2026-01-01T00:16:00Z", 1_767_226_560),
        row(Quirk::LocalTimes, link, At("/data/expires_at"), "2026-01-01T00:16:00Z", "2026-01-01 00:16:00"),
        row(Quirk::StringNumbers, detail, At("/data/duration_seconds"), 1, "1"),
        row(Quirk::StringNumbers, capabilities, At("/data/vendors/0/max_duration_seconds"), 10, "10"),
        row(Quirk::PixelResolutions, detail, At("/data/resolution"), "720p", "1280x720"),
        row(Quirk::VendorsByName, capabilities, At("/data/vendors/0/vendor"), "sandbox-swift", Value::Null),
        row(
            Quirk::VendorsByName,
            capabilities,
            At("/data/vendors/sandbox-swift/max_duration_seconds"),
            Value::Null,
            10,
        ),
        row(Quirk::UnknownMembers, queued, At("/data/x_unknown"), Value::Null, true),
        row(Quirk::UnknownMembers, unknown, At("/error/x_unknown"), Value::Null, true),
        row(Quirk::UndeclaredHeaders, queued, Header("x-ratelimit-remaining"), Value::Null, "59"),
    ]
}

fn requests() -> Vec<Row> {
    vec![
        row(Quirk::ReplayConflict, twice, Status, 200, 409),
        row(Quirk::ReplayConflict, twice, Charges, 3, 3),
        row(Quirk::ReplayOtherBody, another_body, Status, 409, 200),
        row(Quirk::ReplayOtherBody, another_body, Charges, 3, 3),
        row(Quirk::HeaderKeyIgnored, twice, Charges, 3, 4),
        row(Quirk::HeaderKeyIgnored, twice_in_body, Charges, 3, 3),
        row(Quirk::BodyKeyIgnored, twice, Charges, 3, 3),
        row(Quirk::BodyKeyIgnored, twice_in_body, Charges, 3, 4),
        row(Quirk::KeysIgnored, twice, Charges, 3, 4),
        row(Quirk::KeysIgnored, twice_in_body, Charges, 3, 4),
        row(Quirk::AspectUnknown, |_| vec![generate(json!({"aspect": "1:1"}))], Status, 200, 422),
        row(Quirk::AspectUnknown, |_| vec![generate(json!({"aspect_ratio": "1:1"}))], Status, 200, 200),
        row(Quirk::AspectRatioUnknown, |_| vec![generate(json!({"aspect_ratio": "1:1"}))], Status, 200, 422),
        row(Quirk::AspectRatioUnknown, |_| vec![generate(json!({"aspect": "1:1"}))], Status, 200, 200),
        // Different values are rejected only where both count.
        row(
            Quirk::AspectRatioIgnored,
            |_| vec![generate(json!({"aspect": "1:1", "aspect_ratio": "9:16"}))],
            Status,
            422,
            200,
        ),
        row(Quirk::LongRetention, |jobs| vec![retention(jobs, 365)], Status, 422, 200),
        row(Quirk::LongRetention, |jobs| vec![retention(jobs, 366)], Status, 422, 422),
        row(Quirk::CancelFinal, cancel_done, Status, 409, 200),
        row(Quirk::CancelFinal, cancel_done, At("/data/ok"), Value::Null, true),
        row(Quirk::CancelNotOk, cancel_done, At("/data/ok"), Value::Null, false),
    ]
}

fn lists() -> Vec<Row> {
    vec![
        row(Quirk::OldestFirst, list, At("/data/items/0/state"), "queued", "succeeded"),
        row(Quirk::LimitCapped, long_page, At("/data/items/50/state"), "queued", Value::Null),
        row(Quirk::LimitCapped, long_page, At("/data/items/49/state"), "queued", "queued"),
        row(Quirk::LimitRejected, |_| vec![get("/v1/video/list?limit=51")], Status, 200, 400),
        row(Quirk::LimitRejected, |_| vec![get("/v1/video/list?limit=50")], Status, 200, 200),
        row(Quirk::LenientList, |_| vec![get("/v1/video/list?limit=0&cursor=no")], Status, 400, 200),
        row(Quirk::NumericCursors, |_| vec![get("/v1/video/list?limit=1&cursor=2")], Status, 400, 200),
        row(
            Quirk::NumericCursors,
            |_| vec![get("/v1/video/list?limit=1&cursor=2")],
            At("/data/items/0/state"),
            Value::Null,
            "succeeded",
        ),
        row(Quirk::ItemsNamedJobs, list, At("/data/jobs/0/state"), Value::Null, "queued"),
        row(Quirk::ListIsArray, list, At("/data/0/state"), Value::Null, "queued"),
    ]
}

fn files() -> Vec<Row> {
    vec![
        row(Quirk::NoRanges, part, Status, 206, 200),
        row(Quirk::NoRanges, part, Header("accept-ranges"), "bytes", Value::Null),
        row(Quirk::NoValidators, part, Status, 206, 206),
        row(Quirk::NoValidators, part, Header("last-modified"), "Thu, 01 Jan 2026 00:00:02 GMT", Value::Null),
        row(Quirk::LinksNeedKey, |jobs| vec![download(jobs)], Status, 200, 401),
        row(Quirk::LinksNeedKey, |jobs| vec![download(jobs).key("ifr_pk_other")], Status, 200, 401),
        row(Quirk::LinksNeedKey, |jobs| vec![download(jobs).key(KEY)], Status, 200, 200),
        row(Quirk::ShortLinks, link, At("/data/expires_at"), "2026-01-01T00:16:00Z", "2026-01-01T00:01:01Z"),
        row(Quirk::RelativeLinks, |jobs| vec![download(jobs)], Status, 200, 200),
        row(
            Quirk::RelativeLinks,
            |_| vec![get("/clips/vj_0.mp4")],
            Header("content-type"),
            "application/json",
            "text/plain; charset=utf-8",
        ),
    ]
}

fn with(quirk: Option<Quirk>) -> SandboxRouter {
    quirk.into_iter().fold(builder().starting_balance(100.0), |builder, quirk| builder.quirk(quirk)).router()
}

/// Makes the two jobs.
async fn prepared(sandbox: &SandboxRouter, quirk: Option<Quirk>) -> Jobs {
    for count in 1..=2 {
        while sandbox.jobs().len() < count {
            generate(json!({})).send(sandbox).await;
        }
        sandbox.clock().advance(std::time::Duration::from_secs(if count == 1 { 60 } else { 0 }));
    }
    let records = sandbox.jobs();
    let shown = |place: usize| match quirk {
        Some(Quirk::IntegerIds) => records[place].number.to_string(),
        Some(Quirk::EscapedIds) => format!("jobs%2F{}", records[place].job_id),
        _ => records[place].job_id.clone(),
    };
    let mut jobs = Jobs { done: shown(0), queued: shown(1), link: String::new() };
    for call in link(&jobs) {
        let response = call.send(sandbox).await;
        let json: Value = serde_json::from_slice(&response.bytes).unwrap_or_default();
        json["data"]["url"].as_str().unwrap_or_default().clone_into(&mut jobs.link);
    }
    jobs
}

fn observed(place: &Place, response: &Response, sandbox: &SandboxRouter) -> Value {
    let body: Value = serde_json::from_slice(&response.bytes).unwrap_or_default();
    match place {
        Status => json!(response.status.as_u16()),
        Header(name) => json!(response.header(name)),
        At(pointer) => body.pointer(pointer).cloned().unwrap_or_default(),
        Charges => json!(sandbox.ledger().charges().count()),
    }
}

async fn observe(row: &Row, quirk: Option<Quirk>) -> Value {
    let sandbox = with(quirk);
    let jobs = prepared(&sandbox, quirk).await;
    let mut last = None;
    for call in (row.requests)(&jobs) {
        last = Some(call.send(&sandbox).await);
    }
    observed(&row.place, &last.expect("a request"), &sandbox)
}

async fn check(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        for (quirk, expected) in [(None, &row.plain), (Some(row.quirk), &row.quirky)] {
            let found = observe(row, quirk).await;
            if found != *expected {
                wrong.push(format!("row {place}, {quirk:?}: {found}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn quirks_of_envelopes() {
    check(envelopes()).await;
}

#[tokio::test]
async fn quirks_of_errors() {
    check(errors()).await;
}

#[tokio::test]
async fn quirks_of_members() {
    check(job_members()).await;
}

#[tokio::test]
async fn quirks_of_requests() {
    check(requests()).await;
}

#[tokio::test]
async fn quirks_of_lists() {
    check(lists()).await;
}

#[tokio::test]
async fn quirks_of_files() {
    check(files()).await;
}

#[test]
fn every_quirk_has_a_row_in_which_it_differs() {
    let rows = [envelopes(), errors(), job_members(), requests(), lists(), files()];
    let seen: HashSet<Quirk> =
        rows.iter().flatten().filter(|row| row.plain != row.quirky).map(|row| row.quirk).collect();
    let missing: Vec<_> = Quirk::ALL.iter().filter(|quirk| !seen.contains(quirk)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
