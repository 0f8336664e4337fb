//! No bytes from a server can make the SDK panic, hang or allocate without bound.

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response};
use infrai_video::ErrorKind;
use infrai_video::transport::Transport;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::frame::frame;
use crate::support::hostile::{client, download, every_operation};
use crate::support::script::Script;
use crate::support::{SendFuture, on_a_paused_clock};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop_oneof![
            Just("ok".to_owned()),
            Just("data".to_owned()),
            Just("error".to_owned()),
            Just("metadata".to_owned()),
            Just("items".to_owned()),
            Just("vendors".to_owned()),
            Just("state".to_owned()),
            Just("url".to_owned()),
            ".{0,6}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5)
                .prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    // The same cases in each run; `fuzz` tries others.
    #![proptest_config(ProptestConfig {
        cases: 64,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_under_any_status_are_a_result_or_an_error_with_a_next_step(
        status in 200_u16..600,
        body in prop::collection::vec(any::<u8>(), 0..200),
        retry_after in "[ -~]{0,20}",
        date in "[ -~]{0,30}",
    ) {
        let headers = [("retry-after", retry_after.as_str()), ("date", date.as_str())];
        for error in every_operation(status, &headers, &body) {
            prop_assert!(!error.next_step().is_empty());
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn any_json_is_a_result_or_an_error_with_a_next_step(status in 200_u16..600, body in any_json()) {
        for error in every_operation(status, &[], body.to_string().as_bytes()) {
            prop_assert!(!error.next_step().is_empty());
        }
    }

    #[test]
    fn no_bytes_pass_for_a_clip_by_chance(clip in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(download(&clip).is_err());
    }

    #[test]
    fn a_clip_with_changed_bytes_is_whole_or_rejected(turned in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut clip = frame().to_vec();
        for (index, byte) in turned {
            // The boxes are at the front, followed by the media data.
            let front = clip.len().min(2000);
            clip[index.index(front)] = byte;
        }
        if let Ok(saved) = download(&clip) {
            prop_assert_eq!(saved.bytes as usize, clip.len());
        }
    }

    #[test]
    fn a_job_with_an_id_and_a_state_is_never_lost_whatever_else_is_there(
        others in prop::collection::btree_map(
            prop_oneof![
                Just("video_url".to_owned()),
                Just("thumbnail_url".to_owned()),
                Just("error".to_owned()),
                ".{0,8}",
            ],
            any_json(),
            0..5,
        ),
        state in ".{1,12}",
        metadata in any_json(),
        bare in any::<bool>(),
    ) {
        let mut job = json!(others);
        job["job_id"] = "vj_1".into();
        job["state"] = state.clone().into();
        // The members of a bare result distinguish it from an envelope.
        prop_assume!(!bare || !["ok", "data"].iter().any(|member| others.contains_key(*member)));
        let body = if bare { job } else { json!({"ok": true, "data": job, "metadata": metadata}) };
        let client = client(Script::of([(200, body.to_string())]));
        let job = on_a_paused_clock(client.generate("x").submit().into_future());
        let job = job.unwrap();
        prop_assert_eq!(job.id(), "vj_1");
    }
}

#[test]
fn a_whole_clip_passes_and_each_cut_of_it_does_not() {
    download(frame()).unwrap();
    for length in (0..frame().len()).step_by(97) {
        assert!(download(&frame()[..length]).is_err(), "the first {length} bytes");
    }
}

/// Sends an endless body, and counts the chunks that were read.
#[derive(Clone, Default)]
struct Endless(Arc<AtomicUsize>);

impl Transport for Endless {
    fn send(&self, _: Request<Bytes>) -> SendFuture<'_> {
        let taken = Arc::clone(&self.0);
        let body = futures_util::stream::repeat_with(move || {
            taken.fetch_add(1, Ordering::Relaxed);
            Ok(Bytes::from(vec![b' '; 1 << 20]))
        });
        Box::pin(async move { Ok(Response::new(body.boxed())) })
    }
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_is_left_after_sixteen_mebibytes() {
    let endless = Endless::default();
    let error = client(endless.clone()).status("vj_1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(endless.0.load(Ordering::Relaxed) <= 18, "{} MiB were read", endless.0.load(Ordering::Relaxed));
}
