//! Downloads: the whole right clip, or an error and no file at the final path.

use std::sync::{Arc, Mutex};

use contract_tests::client_of;
use contract_tests::transports::Script;
use futures_util::TryStreamExt as _;
use infrai_video::{ErrorKind, Overwrite};
use infrai_video_sandbox::{Action, Fault, Host, Length, Operation, Sandbox};
use tokio::time::{Duration, Instant};

use crate::world::World;

fn on_clip(action: Action) -> Fault {
    Fault::on(Operation::Clip, action)
}

fn cut_without_length(after: u64) -> Action {
    Action::Cut { after, length: Length::Hidden }
}

#[tokio::test(start_paused = true)]
async fn a_clip_survives_everything_that_can_happen_on_the_way() {
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
        let world = World::with(faults.clone());
        let job = world.finished_job().await;
        let saved = job.download().to_path(world.path()).await;
        saved.unwrap_or_else(|error| panic!("{faults:?}: {error:?}"));
        world.assert_whole_clip(&job).await;
        let to_files = world.sandbox.journal().into_iter().filter(|seen| seen.host == Host::Files);
        assert!(to_files.into_iter().all(|seen| !seen.authorization), "the key never goes to the file host");
        assert_eq!(world.posts(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_for_a_link_ends_at_its_timeout() {
    for broken in [Action::hang(), Action::SlowBytes { chunk: 1, pause: Duration::from_secs(1) }] {
        let world = World::with([Fault::on(Operation::DownloadUrl, broken)]);
        let job = world.finished_job().await;
        let started = Instant::now();
        let download = job.download().with_link_timeout(Duration::from_secs(5));
        let error = download.to_path(world.path()).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::TimedOut, Some("video_download_url")));
        assert!(started.elapsed() <= Duration::from_secs(5), "{:?}", started.elapsed());
        assert!(!world.path().exists());
    }
}

#[tokio::test(start_paused = true)]
async fn a_succeeded_job_without_a_link_and_without_a_reason_is_still_asked_for_its_link() {
    let world = World::with([Fault::on(Operation::Status, Action::NoUrl)]);
    let job = world.finished_job().await;
    job.wait().await.unwrap().download().to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_there_is_not_is_told_apart_from_a_clip_that_there_is_not() {
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
async fn what_cannot_be_had_is_an_error_and_nothing_at_the_final_path() {
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
        let world = World::with([on_clip(action.clone())]);
        let job = world.finished_job().await;
        let error = job.download().to_path(world.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download, "{action:?}: {error:?}");
        assert!(!world.path().exists(), "{action:?}");
        assert!(!error.next_step().is_empty());
        // The job is fine, and a second run brings the clip.
        world.sandbox.set_faults([]);
        job.download().to_path(world.path()).await.unwrap();
        world.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_run_goes_on_where_the_first_one_stopped() {
    let world = World::with([on_clip(Action::cut(5000)).nth(1), on_clip(Action::status(500))]);
    let job = world.finished_job().await;
    job.download().to_path(world.path()).await.unwrap_err();
    assert_eq!(world.files(), ["clip.mp4.part", "clip.mp4.part.json"]);
    world.sandbox.set_faults([]);
    let before = world.requests(Operation::Clip).len();
    world.client.job(job.id()).download().to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&job).await;
    let requests = world.requests(Operation::Clip);
    let [resumed] = &requests[before..] else { panic!("not one request: {requests:?}") };
    assert_eq!(resumed.header("range"), Some("bytes=5000-"));
    assert!(resumed.header("if-range").unwrap().starts_with('"'));
    assert_eq!(resumed.status, Some(206));
}

#[tokio::test(start_paused = true)]
async fn what_another_job_left_is_not_gone_on_with() {
    let world = World::with([on_clip(Action::cut(5000)).nth(1), on_clip(Action::status(500))]);
    let first = world.finished_job().await;
    first.download().to_path(world.path()).await.unwrap_err();
    world.sandbox.set_faults([]);
    let second = world.client.generate("another city").duration_seconds(0.2).submit().await.unwrap();
    second.wait().await.unwrap().download().to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&second).await;
}

#[tokio::test(start_paused = true)]
async fn a_note_that_promises_too_much_is_not_believed() {
    let world = World::with([on_clip(Action::cut(5000)).nth(1), on_clip(Action::status(500))]);
    let job = world.finished_job().await;
    job.download().to_path(world.path()).await.unwrap_err();
    world.sandbox.set_faults([]);
    std::fs::write(world.path().with_extension("mp4.part"), b"shorter").unwrap();
    job.download().to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_there_is_kept_unless_told_otherwise() {
    let world = World::with([]);
    let job = world.finished_job().await;
    std::fs::write(world.path(), b"precious").unwrap();
    let error = job.download().to_path(world.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert_eq!(std::fs::read(world.path()).unwrap(), b"precious");
    assert!(world.requests(Operation::Clip).is_empty(), "nothing was fetched");
    job.download().with_overwrite(Overwrite::Replace).to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn an_expected_hash_is_held_against_the_bytes() {
    let world = World::with([]);
    let job = world.finished_job().await;
    let error = job.download().with_expected_sha256("00").to_path(world.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(!world.path().exists());
    let saved = job.download().to_path(world.path()).await.unwrap();
    let again =
        job.download().with_overwrite(Overwrite::Replace).with_expected_sha256(saved.sha256.to_uppercase());
    again.to_path(world.path()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn writers_and_streams_get_the_same_bytes() {
    let world = World::with([on_clip(Action::cut(4000)).times(2), on_clip(cut_without_length(4000)).nth(4)]);
    let job = world.finished_job().await;
    let clip = world.sandbox.clip_bytes(job.id()).await.unwrap();
    let mut written = Vec::new();
    let summary = job.download().to_writer(&mut written).await.unwrap();
    assert!(written == clip);
    assert_eq!(summary.bytes, clip.len() as u64);
    let stream: infrai_video::ByteStream = job.download().stream();
    let pieces: Vec<bytes::Bytes> = stream.try_collect().await.unwrap();
    assert!(pieces.concat() == clip);
}

#[tokio::test(start_paused = true)]
async fn progress_only_grows_and_ends_at_the_size() {
    let world = World::with([on_clip(Action::cut(4000)).times(2)]);
    let job = world.finished_job().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let download = job.download().with_progress(move |progress| sink.lock().unwrap().push(progress));
    let saved = download.to_path(world.path()).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].bytes <= pair[1].bytes));
    let last = seen.last().unwrap();
    assert_eq!((last.bytes, last.total), (saved.bytes, Some(saved.bytes)));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_runs_out_during_a_slow_download_is_renewed() {
    let slow = Action::SlowBytes { chunk: 512, pause: Duration::from_secs(1) };
    let sandbox = Sandbox::builder().link_lifetime(Duration::from_secs(20));
    let world = World::of(sandbox.faults([on_clip(slow), on_clip(Action::cut(0)).nth(2)]), |client| client);
    let job = world.finished_job().await;
    job.download().to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&job).await;
}
