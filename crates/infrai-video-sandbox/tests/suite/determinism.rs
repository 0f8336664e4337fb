//! The same seed and requests give the same responses, journal and ledger, to the byte.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use infrai_video_sandbox::{
    Action, ClipFiles, Clock, Fault, Operation, RetryAfter, Sandbox, SandboxBuilder, SandboxRouter, When,
};
use serde_json::{Value, json};

use crate::common::{Call, builder, call};

/// A sandbox in which much goes wrong.
/// 2026-01-01T00:00:00Z, since the epoch.
const NEW_YEAR: Duration = Duration::from_secs(1_767_225_600);

fn troubled(seed: u64) -> SandboxBuilder {
    let often = |operation, action| Fault::on(operation, action).with_probability(0.15);
    let rare = |action| Fault::anywhere(action).with_probability(0.02);
    let limited =
        Action::Status { status: 429, retry_after: Some(RetryAfter::DateIn(3)), when: When::BeforeAccepting };
    let fail = Action::FailJob { code: "VENDOR_ERROR".to_owned(), message: "no luck".to_owned() };
    Sandbox::builder()
        .seed(seed)
        .starting_balance(1.0)
        .latency(Duration::from_millis(7))
        .link_lifetime(Duration::from_secs(20))
        .clip_source(|request| ClipFiles {
            mp4: request.prompt.repeat(50).into_bytes(),
            thumbnail_jpeg: request.prompt.clone().into_bytes(),
        })
        .faults([
            often(Operation::Generate, Action::AcceptThenDrop),
            often(Operation::Generate, fail),
            often(Operation::Status, limited),
            often(Operation::Status, Action::Stuck),
            often(Operation::Status, Action::slow_headers(Duration::from_millis(300))),
            often(Operation::List, Action::CursorLoop),
            often(Operation::List, Action::RepeatItem),
            often(Operation::DownloadUrl, Action::ExpireAtOnce),
            often(Operation::Clip, Action::ExpireMidway { after: 40 }),
            often(Operation::Clip, Action::ChangeEtag),
            often(Operation::Clip, Action::SlowBytes { chunk: 64, pause: Duration::from_millis(20) }),
            rare(Action::DropBefore),
            rare(Action::CutJson),
            rare(Action::accept_then_status(503)),
            Fault::on(Operation::Status, Action::status(500)).sooner_than(Duration::from_millis(50)),
        ])
}

/// What a client was shown of its jobs.
#[derive(Default)]
struct Known {
    ids: Vec<String>,
    links: Vec<String>,
    cursor: Option<String>,
}

/// A client that does one thing after another by chance, and writes down every byte that it is answered.
async fn client(number: u64, sandbox: SandboxRouter) -> String {
    let mut chance = fastrand::Rng::with_seed(number);
    let (mut known, mut log) = (Known::default(), String::new());
    for step in 0..150 {
        let action = chance.u64(..10);
        let request = choose(action, number, step, &known, &mut chance);
        match request.parts(&sandbox).await {
            Ok((status, headers, body)) => {
                let body = body.map_err(|error| error.to_string());
                writeln!(log, "{step} {status} {headers:?} {body:?}").expect("a text takes all");
                remember(&mut known, body.unwrap_or_default());
            }
            Err(lost) => writeln!(log, "{step} {lost}").expect("a text takes all"),
        }
        let now = sandbox.clock().now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        match now.as_secs() % 2 {
            0 => tokio::time::sleep(Duration::from_millis(chance.u64(..400))).await,
            _ => sandbox.clock().advance(Duration::from_millis(chance.u64(..400))),
        }
    }
    log
}

fn choose(action: u64, number: u64, step: u64, known: &Known, chance: &mut fastrand::Rng) -> Call {
    let key = format!("ifr_pk_proj_{}", number % 2);
    let mut pick = |from: &[String]| match from.is_empty() {
        true => "vj_none".to_owned(),
        false => from[chance.usize(..from.len())].clone(),
    };
    let id = pick(&known.ids);
    let get = |path: String| call("GET", &path).key(&key);
    let post = |path: String, body: Value| {
        call("POST", &path).key(&key).header("idempotency-key", &format!("{number}-{}", step / 2)).json(body)
    };
    match action {
        0 | 1 => post(
            "/v1/video/generate".to_owned(),
            json!({"prompt": format!("scene {step}"), "duration_seconds": 1}),
        ),
        2 | 3 => get(format!("/v1/video/status/{id}")),
        4 => get(format!("/v1/video/download_url/{id}")),
        5 => match &known.cursor {
            Some(cursor) => get(format!("/v1/video/list?limit=3&cursor={cursor}")),
            None => get("/v1/video/list?limit=3".to_owned()),
        },
        6 => post(format!("/v1/video/cancel/{id}"), json!({})),
        7 => post(format!("/v1/video/set_retention/{id}"), json!({"days": 1 + step % 90})),
        8 if step.is_multiple_of(5) => call("DELETE", &format!("/v1/video/delete/{id}")).key(&key),
        _ => match known.links.is_empty() {
            true => get("/v1/video/capabilities".to_owned()),
            false => call("GET", &pick(&known.links)).header("range", "bytes=5-"),
        },
    }
}

fn remember(known: &mut Known, body: Vec<u8>) {
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let data = &json["data"];
    known.ids.extend(data["job_id"].as_str().map(str::to_owned));
    known.links.extend(data["url"].as_str().map(str::to_owned));
    known.cursor = data["next_cursor"].as_str().map(str::to_owned).or(known.cursor.take());
}

/// Everything that can be seen of a run of four clients at once.
async fn run(builder: SandboxBuilder) -> String {
    let sandbox = builder.router();
    let clients: Vec<_> = (0..4).map(|number| tokio::spawn(client(number, sandbox.clone()))).collect();
    let mut seen = String::new();
    for client in clients {
        seen += &client.await.expect("a client that ends");
    }
    let inside = json!({
        "journal": sandbox.journal(),
        "jobs": sandbox.jobs(),
        "ledger": sandbox.ledger(),
        "faults": sandbox.faults(),
        "now": sandbox.clock().now(),
    });
    seen + &inside.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_troubled_run_on_a_paused_clock_can_be_repeated_to_the_byte() {
    let first = run(troubled(7)).await;
    let acted =
        ["accept_then_drop", "fail_job", "stuck", "cursor_loop", "expire_midway", "slow_bytes", "cut_json"];
    for fault in acted {
        assert!(first.contains(&format!("\"fault\":\"{fault}\"")), "{fault} took part");
    }
    assert!(first == run(troubled(7)).await, "the second run differs");
    assert!(first != run(troubled(8)).await, "another seed makes no difference");
}

#[tokio::test(start_paused = true)]
async fn a_run_with_faults_on_a_manual_clock_is_reproducible_to_the_byte() {
    let first = run(troubled(7).clock(Clock::manual())).await;
    assert!(first == run(troubled(7).clock(Clock::manual())).await, "the second run differs");
}

#[tokio::test]
async fn without_sockets_the_systems_time_is_not_looked_at() {
    let sandbox = builder().clock(Clock::real()).router();
    let passed = sandbox.clock().now().duration_since(SystemTime::UNIX_EPOCH + NEW_YEAR).expect("not before");
    assert!(passed < Duration::from_secs(600), "{passed:?}");
}
