//! The comparison of a request with the vendors' capabilities.

use infrai_video::transport::Transport;
use infrai_video::{Client, ErrorKind, Resolution};
use infrai_video_sandbox::{Action, Fault, Operation};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::support::client_of;
use crate::support::harness::Harness;
use crate::support::script::Script;

fn on_capabilities(action: Action) -> Fault {
    Fault::on(Operation::Capabilities, action)
}

fn client(transport: impl Transport) -> Client {
    client_of("https://api.infrai.cc").with_transport(transport).build().unwrap()
}

/// A client of a service with these vendors.
fn client_with(vendors: &Value) -> Client {
    client(Script::of([(200, json!({"ok": true, "data": {"vendors": vendors}}).to_string())]))
}

#[tokio::test(start_paused = true)]
async fn unreadable_capabilities_are_a_warning_within_ten_seconds() {
    for broken in [
        Action::status(404),
        Action::status(405),
        Action::status(400),
        Action::status(422),
        Action::status(500),
        Action::status(503),
        Action::rate_limited(60),
        Action::html(),
        Action::MalformedJson,
        Action::CutJson,
        Action::DropBefore,
        Action::hang(),
        Action::SlowBytes { chunk: 1, pause: Duration::from_secs(1) },
        Action::Redirect { status: 302, location: None },
    ] {
        let harness = Harness::with([on_capabilities(broken.clone())]);
        let clip = harness.client.generate("a city").resolution(Resolution::from("8k")).duration_seconds(0.2);
        let started = Instant::now();
        let fit = clip.preflight().await.unwrap();
        assert!(started.elapsed() <= Duration::from_secs(10), "{broken:?}: {:?}", started.elapsed());
        assert_eq!((fit.of, fit.vendors.len(), fit.warnings.len()), (0, 0, 1), "{broken:?}: {fit:?}");
        assert!(
            fit.warnings[0].starts_with("not checked: the vendors' capabilities could not be read: "),
            "{fit:?}"
        );

        let (started, reads) = (Instant::now(), harness.requests(Operation::Capabilities).len());
        for _ in 0..100 {
            assert_eq!(clip.preflight().await.unwrap(), fit);
        }
        assert_eq!(
            (started.elapsed(), harness.requests(Operation::Capabilities).len()),
            (Duration::ZERO, reads)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_to_read_the_capabilities_is_cached_for_half_a_minute() {
    let harness = Harness::with([on_capabilities(Action::status(404)).times(1)]);
    let clip = harness.client.generate("a city").duration_seconds(0.2);
    assert_eq!(clip.preflight().await.unwrap().of, 0);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(clip.preflight().await.unwrap().of > 0);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_account_ends_the_preflight() {
    for (status, kind) in [(401, ErrorKind::Authentication), (402, ErrorKind::InsufficientCredit)] {
        let harness = Harness::with([on_capabilities(Action::status(status)).times(1)]);
        let clip = harness.client.generate("a city").duration_seconds(0.2);
        assert_eq!(clip.preflight().await.unwrap_err().kind(), kind, "{status}");
        assert!(clip.preflight().await.is_ok(), "a refusal is not cached");
    }
}

/// An API key may permit submissions, but not capabilities.
#[tokio::test(start_paused = true)]
async fn capabilities_that_are_forbidden_do_not_block_a_request() {
    let harness = Harness::with([on_capabilities(Action::status(403))]);
    let clip = harness.client.generate("a city").duration_seconds(0.2);
    let fit = clip.preflight().await.unwrap();
    assert!(fit.of == 0 && fit.warnings[0].contains("status 403"), "{fit:?}");
    clip.submit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_resolution_that_no_vendor_lists_is_rejected_with_a_suggestion() {
    let vendors = json!([
        {"vendor": "a", "resolutions": ["720p", "1080p"], "max_duration_seconds": 10},
        {"vendor": "b", "resolutions": ["720P", "4K"], "max_duration_seconds": 60},
    ]);
    for (size, meant) in
        [("8k", "4k"), ("HD", "720p"), ("fullhd", "1080p"), ("1080i", "1080p"), ("2160p", "4k")]
    {
        let clip = client_with(&vendors).generate("a city").resolution(Resolution::from(size));
        let error = clip.preflight().await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("resolution")), "{size}");
        let hint = format!("did you mean {meant}? choose one of 720p, 1080p, 4k");
        assert_eq!(error.hint(), Some(hint.as_str()), "{size}");
    }
    for (size, sent) in
        [("1080", "1080p"), ("1080P", "1080p"), ("4K", "4k"), ("720", "720p"), (" 720p", "720p")]
    {
        let clip = client_with(&vendors).generate("a city").resolution(Resolution::from(size));
        assert!(!clip.preflight().await.unwrap().vendors.is_empty(), "{size}");
        let request = clip.prepare().unwrap().request().unwrap();
        assert_eq!(request.resolution.unwrap().as_str(), sent, "what was checked is what is sent");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duration_above_that_of_the_vendors_with_the_resolution_is_rejected() {
    let vendors = json!([
        {"vendor": "a", "resolutions": ["1080p"], "max_duration_seconds": 10},
        {"vendor": "b", "resolutions": ["720p"], "max_duration_seconds": 60},
    ]);
    let clip = |size, seconds| {
        client_with(&vendors).generate("a city").resolution(Resolution::from(size)).duration_seconds(seconds)
    };
    assert_eq!(clip("1080p", 10.0).preflight().await.unwrap().vendors, ["a"]);
    let error = clip("1080p", 10.5).preflight().await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("duration_seconds")));
    let error =
        client_with(&vendors).generate("a city").duration_seconds(61.0).preflight().await.unwrap_err();
    assert_eq!(error.hint(), Some("clips can be up to 60 s"));
}

#[tokio::test(start_paused = true)]
async fn a_vendor_without_listed_values_is_unchecked() {
    let vendors = json!([
        {"vendor": "a", "resolutions": ["1080p"], "max_duration_seconds": 10},
        {"vendor": "b", "resolutions": null, "max_duration_seconds": 10},
        {"vendor": "c", "resolutions": ["720p"]},
    ]);
    let clip = client_with(&vendors).generate("a city").resolution(Resolution::P1080).duration_seconds(5.0);
    let fit = clip.preflight().await.unwrap();
    assert_eq!((fit.vendors, fit.unchecked, fit.of), (vec!["a".to_owned()], vec!["b".to_owned()], 3));
    assert_eq!(fit.warnings, ["resolution 1080p not checked: b lists no resolutions"]);
}
