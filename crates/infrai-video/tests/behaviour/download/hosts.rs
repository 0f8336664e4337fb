//! Downloads from file hosts with missing or unusual headers.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, LAST_MODIFIED};
use http::{Request, Response, StatusCode};
use infrai_video::download::{Container, Download};
use infrai_video::transport::TowerTransport;
use infrai_video::transport::{ResponseBody, Transport};
use infrai_video::{Error, ErrorKind, Job};
use infrai_video_sandbox::{Action, Fault, Length, Operation, SandboxRouter};

use crate::support::SendFuture;
use crate::support::client_of;
use crate::support::harness::Harness;

/// The sandbox's file host with changed responses.
struct Host<F> {
    inner: TowerTransport<SandboxRouter>,
    change: F,
}

impl<F: Fn(&mut Response<ResponseBody>) + Send + Sync + 'static> Transport for Host<F> {
    fn send(&self, request: Request<Bytes>) -> SendFuture<'_> {
        let is_clip = request.uri().path().ends_with(".mp4");
        let response = self.inner.send(request);
        Box::pin(async move {
            let mut response = response.await?;
            if is_clip {
                (self.change)(&mut response);
            }
            Ok(response)
        })
    }
}

fn download_from(
    harness: &Harness,
    job: &Job,
    change: impl Fn(&mut Response<ResponseBody>) + Send + Sync + 'static,
) -> Download {
    let host = Host { inner: TowerTransport::new(harness.sandbox.clone()), change };
    let client = client_of(harness.sandbox.base_url()).with_transport(host).build().unwrap();
    client.job(job.id()).download()
}

/// A host that never sends these headers.
fn without(headers: &'static [HeaderName]) -> impl Fn(&mut Response<ResponseBody>) + Clone {
    move |response| {
        for name in headers {
            response.headers_mut().remove(name);
        }
    }
}

fn on_clip(action: Action) -> Fault {
    Fault::on(Operation::Clip, action)
}

fn cut_without_length(after: u64) -> Action {
    Action::Cut { after, length: Length::Hidden }
}

async fn written(download: Download) -> Result<Vec<u8>, Error> {
    let mut written = Vec::new();
    download.to_writer(&mut written).await?;
    Ok(written)
}

async fn streamed(download: Download) -> Result<Vec<u8>, Error> {
    Ok(download.stream().try_collect::<Vec<_>>().await?.concat())
}

#[tokio::test(start_paused = true)]
async fn an_unknown_length_is_requested() {
    for silent in [&[CONTENT_LENGTH][..], &[CONTENT_LENGTH, ETAG, LAST_MODIFIED]] {
        let harness = Harness::with([]);
        let job = harness.finished_job().await;
        let clip = harness.sandbox.clip_bytes(job.id()).await.unwrap();
        assert!(written(download_from(&harness, &job, without(silent))).await.unwrap() == clip);
        let statuses: Vec<_> = harness
            .requests(Operation::Clip)
            .iter()
            .map(|seen| (seen.status, seen.header("range").is_some()))
            .collect();
        assert_eq!(statuses, [(Some(200), false), (Some(416), true)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_without_a_length_never_counts_as_the_end() {
    for faults in [vec![on_clip(cut_without_length(1000)).times(1)], vec![on_clip(cut_without_length(3000))]]
    {
        let harness = Harness::with(faults);
        let job = harness.finished_job().await;
        let clip = harness.sandbox.clip_bytes(job.id()).await.unwrap();
        assert!(written(job.download()).await.unwrap() == clip);
        assert!(streamed(job.download()).await.unwrap() == clip);
        job.download().with_container(Container::Any).to_path(harness.path()).await.unwrap();
        harness.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_length_only_the_clip_itself_proves_that_it_is_whole() {
    let silent = without(&[CONTENT_LENGTH, CONTENT_RANGE]);
    let whole = on_clip(Action::IgnoreRange);
    let cut = on_clip(cut_without_length(1000)).times(1);
    for (faults, is_cut) in [(vec![whole.clone()], false), (vec![cut, whole], true)] {
        let harness = Harness::with(faults.clone());
        let job = harness.finished_job().await;
        let download = || {
            harness.sandbox.set_faults(faults.clone());
            download_from(&harness, &job, silent.clone())
        };
        let any = download().with_container(Container::Any).to_path(harness.path()).await.map(drop);
        for result in [written(download()).await.map(drop), streamed(download()).await.map(drop), any] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Download);
            assert!(error.to_string().contains("does not send the length of the clip"), "{error}");
            assert!(error.next_step().contains("with_expected_sha256"), "{error}");
        }
        assert!(!harness.path().exists());
        let saved = download().to_path(harness.path()).await.unwrap();
        harness.assert_whole_clip(&job).await;
        let proven = written(download().with_expected_sha256(saved.sha256)).await.map(drop);
        assert_eq!(proven.is_err(), is_cut, "{proven:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_version_a_cut_clip_is_restarted() {
    let unversioned = without(&[ETAG, LAST_MODIFIED]);
    // Ten consecutive cuts are too many failures, but each request makes progress.
    let faults: Vec<_> =
        (1..=10_u32).map(|n| on_clip(Action::cut(u64::from(n) * 400)).nth(n.into())).collect();
    for faults in [faults, vec![on_clip(cut_without_length(1000)).times(3)]] {
        let harness = Harness::with(faults);
        let job = harness.finished_job().await;
        download_from(&harness, &job, unversioned.clone()).to_path(harness.path()).await.unwrap();
        harness.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_version_repeated_cuts_are_reported() {
    let unversioned = without(&[ETAG, LAST_MODIFIED]);
    let harness = Harness::with([on_clip(Action::cut(1000))]);
    let job = harness.finished_job().await;
    let error = download_from(&harness, &job, unversioned.clone()).to_path(harness.path()).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(error.message().contains("sends no version"), "{error}");
    // Only the first request makes progress.
    assert_eq!(harness.requests(Operation::Clip).len(), 8);
    let error = written(download_from(&harness, &job, unversioned)).await.unwrap_err();
    assert!(error.is_retryable() && error.message().contains("sends no version"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_body_longer_than_its_clip_does_not_break_every_later_run() {
    let talkative = |response: &mut Response<ResponseBody>| {
        if response.status() == StatusCode::PARTIAL_CONTENT {
            let body = std::mem::replace(response.body_mut(), futures_util::stream::empty().boxed());
            let more = futures_util::stream::iter([Ok(Bytes::from_static(b"and more"))]);
            *response.body_mut() = body.chain(more).boxed();
        }
    };
    let harness = Harness::with([on_clip(Action::cut(5000)).nth(1), on_clip(Action::status(500))]);
    let job = harness.finished_job().await;
    job.download().to_path(harness.path()).await.unwrap_err();
    harness.sandbox.set_faults([]);
    download_from(&harness, &job, talkative).with_max_failures(1).to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
    let ranges: Vec<_> =
        harness.requests(Operation::Clip).iter().rev().take(2).map(|seen| seen.status).collect();
    assert_eq!(ranges, [Some(200), Some(206)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_whole_but_no_mp4_stays_for_a_run_that_takes_it() {
    let harness = Harness::with([on_clip(Action::CorruptFile)]);
    let job = harness.finished_job().await;
    let error = job.download().to_path(harness.path()).await.unwrap_err();
    assert!(error.next_step().contains("with_container(Container::Any)"), "{error}");
    assert_eq!(harness.files(), ["clip.mp4.part", "clip.mp4.part.json"]);
    let before = harness.requests(Operation::Clip).len();
    assert_eq!(before, 2, "it was fetched once more, and came the same");
    let saved = job.download().with_container(Container::Any).to_path(harness.path()).await.unwrap();
    assert_eq!(harness.requests(Operation::Clip).len(), before);
    assert_eq!(saved.bytes, harness.sandbox.clip_bytes(job.id()).await.unwrap().len() as u64);
    assert_eq!(harness.files(), ["clip.mp4"]);
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_is_known_to_be_whole_without_a_version_or_a_length() {
    for silent in [&[ETAG, LAST_MODIFIED][..], &[CONTENT_LENGTH], &[CONTENT_LENGTH, ETAG, LAST_MODIFIED]] {
        let harness = Harness::with([]);
        let job = harness.finished_job().await;
        let download = || download_from(&harness, &job, without(silent));
        drop(download().fetch_to(harness.path()).await.unwrap());
        let before = harness.sandbox.journal().len();
        download().to_path(harness.path()).await.unwrap();
        assert_eq!(harness.sandbox.journal().len(), before, "without {silent:?}");
        harness.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_host_that_rejects_every_new_link_with_401_is_soon_left() {
    let harness = Harness::with([Fault::on(Operation::Clip, Action::status(401))]);
    let job = harness.finished_job().await;
    let error = job.download().to_path(harness.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(error.to_string().contains("401 Unauthorized"), "{error}");
    assert!(error.next_step().contains("sent only to the host of the API"), "{}", error.next_step());
    let requests = harness.requests(Operation::Clip);
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|seen| seen.header("authorization").is_none()));
}
