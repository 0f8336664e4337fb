//! Downloads: the complete and correct clip, or an error and no file at the final path.

mod hosts;
mod parts;
mod ranges;
mod steps;

use std::sync::{Arc, Mutex};

use futures_util::TryStreamExt as _;
use infrai_video::ErrorKind;
use infrai_video::download::Overwrite;
use infrai_video_sandbox::{Action, Fault, Host, Length, Operation, Sandbox};
use tokio::time::{Duration, Instant};

use crate::support::client_of;
use crate::support::harness::Harness;
use crate::support::script::Script;

fn on_clip(action: Action) -> Fault {
    Fault::on(Operation::Clip, action)
}

fn cut_without_length(after: u64) -> Action {
    Action::Cut { after, length: Length::Hidden }
}

#[tokio::test(start_paused = true)]
async fn a_clip_survives_every_kind_of_interruption() {
    for faults in [
        vec![on_clip(Action::cut(1000)).times(3)],
        vec![on_clip(Action::cut(0)).times(3)],
        vec![on_clip(Action::Reset { after: 2000 }).times(2)],
        vec![on_clip(cut_without_length(1000)).times(1)],
        vec![on_clip(cut_without_length(1000))],
        vec![on_clip(Action::DropBefore).times(3)],
        vec![on_clip(Action::hang()).times(1)],
        vec![on_clip(Action::status(503)).times(3)],
        vec![on_clip(Action::rate_limited(5)).times(1)],
        vec![on_clip(Action::status(403)).times(2)],
        vec![on_clip(Action::status(401)).times(2)],
        vec![on_clip(Action::cut(1500)).nth(1), on_clip(Action::status(403)).nth(2)],
        vec![on_clip(Action::status(404)).times(1), on_clip(Action::status(410)).times(1)],
        vec![on_clip(Action::html()).times(2)],
        vec![on_clip(Action::CorruptFile).times(1)],
        vec![on_clip(Action::cut(1000)).nth(1), on_clip(Action::IgnoreRange)],
        vec![on_clip(Action::cut(1000)).nth(1), on_clip(Action::WrongContentRange)],
        vec![on_clip(Action::cut(1000)).nth(1), on_clip(Action::ChangeEtag).times(1)],
        vec![Fault::on(Operation::DownloadUrl, Action::ExpiredLink).times(2)],
        vec![Fault::on(Operation::DownloadUrl, Action::status(503)).times(2)],
        vec![on_clip(Action::Redirect { status: 302, location: None }).times(1)],
    ] {
        let harness = Harness::with(faults.clone());
        let job = harness.finished_job().await;
        let saved = job.download().to_path(harness.path()).await;
        saved.unwrap_or_else(|error| panic!("{faults:?}: {error:?}"));
        harness.assert_whole_clip(&job).await;
        let to_files = harness.sandbox.journal().into_iter().filter(|seen| seen.host == Host::Files);
        assert!(to_files.into_iter().all(|seen| !seen.authorization), "the key never goes to the file host");
        assert_eq!(harness.posts(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_for_a_link_ends_at_its_timeout() {
    for broken in [Action::hang(), Action::SlowBytes { chunk: 1, pause: Duration::from_secs(1) }] {
        let harness = Harness::with([Fault::on(Operation::DownloadUrl, broken)]);
        let job = harness.finished_job().await;
        let started = Instant::now();
        let download = job.download().with_link_timeout(Duration::from_secs(5));
        let error = download.to_path(harness.path()).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::TimedOut, Some("video_download_url")));
        assert!(started.elapsed() <= Duration::from_secs(5), "{:?}", started.elapsed());
        assert!(!harness.path().exists());
    }
}

#[tokio::test(start_paused = true)]
async fn the_link_of_a_succeeded_job_without_link_and_reason_is_requested() {
    let harness = Harness::with([Fault::on(Operation::Status, Action::NoUrl)]);
    let job = harness.finished_job().await;
    job.wait().await.unwrap().download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_link_is_distinguished_from_a_missing_clip() {
    let ok = |data: &str| (200, format!(r#"{{"ok":true,"data":{data}}}"#));
    let filtered = r#"{"job_id":"vj_1","state":"Succeeded","video_url":null,"error":{"code":"MEDIA_FILTERED","message":"no"}}"#;
    let fine = r#"{"job_id":"vj_1","state":"succeeded"}"#;
    let gone = |status| (status, r#"{"ok":false,"error":{"code":"GONE"}}"#.to_owned());
    for (link, job, kind) in [
        (ok("{}"), filtered, ErrorKind::JobFailed),
        (ok(r#"{"url":""}"#), filtered, ErrorKind::JobFailed),
        (gone(404), filtered, ErrorKind::JobFailed),
        (gone(410), filtered, ErrorKind::JobFailed),
        (gone(409), filtered, ErrorKind::JobFailed),
        (ok(r#"{"url":null}"#), fine, ErrorKind::Download),
        (gone(404), fine, ErrorKind::NotFound),
        (gone(410), fine, ErrorKind::Conflict),
    ] {
        let script = Script::of([link.clone(), ok(job)]);
        let client = client_of("https://api.infrai.cc").with_transport(script).build().unwrap();
        let error = client.job("vj_1").download().to_writer(tokio::io::sink()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{link:?} {job}: {error}");
        let says_why = error.message().ends_with("succeeded without a clip: no (MEDIA_FILTERED)");
        assert_eq!(says_why, kind == ErrorKind::JobFailed, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_download_leaves_nothing_at_the_final_path() {
    for action in [
        Action::status(403),
        Action::status(500),
        Action::DropBefore,
        Action::cut(0),
        Action::hang(),
        Action::html(),
        Action::CorruptFile,
        cut_without_length(0),
    ] {
        let harness = Harness::with([on_clip(action.clone())]);
        let job = harness.finished_job().await;
        let error = job.download().to_path(harness.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download, "{action:?}: {error:?}");
        assert!(!harness.path().exists(), "{action:?}");
        assert!(!error.next_step().is_empty());
        // A second run downloads the clip.
        harness.sandbox.set_faults([]);
        job.download().to_path(harness.path()).await.unwrap();
        harness.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_run_resumes_where_the_first_one_stopped() {
    let harness = Harness::with([on_clip(Action::cut(5000)).nth(1), on_clip(Action::status(500))]);
    let job = harness.finished_job().await;
    job.download().to_path(harness.path()).await.unwrap_err();
    assert_eq!(harness.files(), ["clip.mp4.part", "clip.mp4.part.json"]);
    harness.sandbox.set_faults([]);
    let before = harness.requests(Operation::Clip).len();
    harness.client.job(job.id()).download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
    let requests = harness.requests(Operation::Clip);
    let [resumed] = &requests[before..] else { panic!("not one request: {requests:?}") };
    assert_eq!(resumed.header("range"), Some("bytes=5000-"));
    assert!(resumed.header("if-range").unwrap().starts_with('"'));
    assert_eq!(resumed.status, Some(206));
}

#[tokio::test(start_paused = true)]
async fn the_part_of_another_job_is_not_resumed() {
    let harness = Harness::with([on_clip(Action::cut(5000)).nth(1), on_clip(Action::status(500))]);
    let first = harness.finished_job().await;
    first.download().to_path(harness.path()).await.unwrap_err();
    harness.sandbox.set_faults([]);
    let second = harness.client.generate("another city").duration_seconds(0.2).submit().await.unwrap();
    second.wait().await.unwrap().download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&second).await;
}

#[tokio::test(start_paused = true)]
async fn a_sidecar_with_too_many_bytes_is_ignored() {
    let harness = Harness::with([on_clip(Action::cut(5000)).nth(1), on_clip(Action::status(500))]);
    let job = harness.finished_job().await;
    job.download().to_path(harness.path()).await.unwrap_err();
    harness.sandbox.set_faults([]);
    std::fs::write(harness.path().with_extension("mp4.part"), b"shorter").unwrap();
    job.download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn an_existing_file_is_kept_by_default() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    std::fs::write(harness.path(), b"precious").unwrap();
    let error = job.download().to_path(harness.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert_eq!(std::fs::read(harness.path()).unwrap(), b"precious");
    assert!(harness.requests(Operation::Clip).is_empty(), "nothing was fetched");
    job.download().with_overwrite(Overwrite::Replace).to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn an_expected_hash_is_compared_with_the_bytes() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let error = job.download().with_expected_sha256("00").to_path(harness.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(!harness.path().exists());
    let saved = job.download().to_path(harness.path()).await.unwrap();
    let again =
        job.download().with_overwrite(Overwrite::Replace).with_expected_sha256(saved.sha256.to_uppercase());
    again.to_path(harness.path()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn writers_and_streams_get_the_same_bytes() {
    let harness =
        Harness::with([on_clip(Action::cut(4000)).times(2), on_clip(cut_without_length(4000)).nth(4)]);
    let job = harness.finished_job().await;
    let clip = harness.sandbox.clip_bytes(job.id()).await.unwrap();
    let mut written = Vec::new();
    let summary = job.download().to_writer(&mut written).await.unwrap();
    assert!(written == clip);
    assert_eq!(summary.bytes, clip.len() as u64);
    let stream: infrai_video::download::ByteStream = job.download().stream();
    let pieces: Vec<bytes::Bytes> = stream.try_collect().await.unwrap();
    assert!(pieces.concat() == clip);
}

#[tokio::test(start_paused = true)]
async fn progress_only_grows_and_ends_at_the_size() {
    let harness = Harness::with([on_clip(Action::cut(4000)).times(2)]);
    let job = harness.finished_job().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let download = job.download().with_progress(move |progress| sink.lock().unwrap().push(progress));
    let saved = download.to_path(harness.path()).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].bytes <= pair[1].bytes));
    let last = seen.last().unwrap();
    assert_eq!((last.bytes, last.total), (saved.bytes, Some(saved.bytes)));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_expires_during_a_slow_download_is_renewed() {
    let slow = Action::SlowBytes { chunk: 512, pause: Duration::from_secs(1) };
    let sandbox = Sandbox::builder().link_lifetime(Duration::from_secs(20));
    let harness =
        Harness::of(sandbox.faults([on_clip(slow), on_clip(Action::cut(0)).nth(2)]), |client| client);
    let job = harness.finished_job().await;
    job.download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}
