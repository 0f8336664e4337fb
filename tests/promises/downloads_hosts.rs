//! Downloads from file hosts that leave out what others say, or say too much.

use bytes::Bytes;
use contract_tests::client_of;
use contract_tests::transports::RouterTransport;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, LAST_MODIFIED};
use http::{Request, Response, StatusCode};
use infrai_video::{Container, Download, Error, ErrorKind, Job, ResponseBody, Transport, TransportError};
use infrai_video_sandbox::{Action, Fault, Length, Operation};

use crate::world::World;

/// The sandbox's file host, with its answers changed on the way.
struct Host<F> {
    inner: RouterTransport,
    change: F,
}

impl<F: Fn(&mut Response<ResponseBody>) + Send + Sync + 'static> Transport for Host<F> {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        let is_clip = request.uri().path().ends_with(".mp4");
        let answer = self.inner.send(request);
        Box::pin(async move {
            let mut answer = answer.await?;
            if is_clip {
                (self.change)(&mut answer);
            }
            Ok(answer)
        })
    }
}

fn download_from(
    world: &World,
    job: &Job,
    change: impl Fn(&mut Response<ResponseBody>) + Send + Sync + 'static,
) -> Download {
    let host = Host { inner: RouterTransport(world.sandbox.clone()), change };
    let client = client_of(world.sandbox.base_url()).with_transport(host).build().unwrap();
    client.job(job.id()).download()
}

/// A host that never sends these headers.
fn without(headers: &'static [HeaderName]) -> impl Fn(&mut Response<ResponseBody>) + Clone {
    move |answer| {
        for name in headers {
            answer.headers_mut().remove(name);
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
async fn a_length_that_was_not_told_is_asked_for() {
    for silent in [&[CONTENT_LENGTH][..], &[CONTENT_LENGTH, ETAG, LAST_MODIFIED]] {
        let world = World::with([]);
        let job = world.finished_job().await;
        let clip = world.sandbox.clip_bytes(job.id()).await.unwrap();
        assert!(written(download_from(&world, &job, without(silent))).await.unwrap() == clip);
        let statuses: Vec<_> = world
            .requests(Operation::Clip)
            .iter()
            .map(|seen| (seen.status, seen.header("range").is_some()))
            .collect();
        assert_eq!(statuses, [(Some(200), false), (Some(416), true)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_without_a_length_is_never_taken_for_the_end() {
    for faults in [vec![on_clip(cut_without_length(1000)).times(1)], vec![on_clip(cut_without_length(3000))]]
    {
        let world = World::with(faults);
        let job = world.finished_job().await;
        let clip = world.sandbox.clip_bytes(job.id()).await.unwrap();
        assert!(written(job.download()).await.unwrap() == clip);
        assert!(streamed(job.download()).await.unwrap() == clip);
        job.download().with_container(Container::Any).to_path(world.path()).await.unwrap();
        world.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_length_can_be_had_only_the_clip_itself_can_prove_that_it_is_whole() {
    let silent = without(&[CONTENT_LENGTH, CONTENT_RANGE]);
    let whole = on_clip(Action::IgnoreRange);
    let cut = on_clip(cut_without_length(1000)).times(1);
    for (faults, is_cut) in [(vec![whole.clone()], false), (vec![cut, whole], true)] {
        let world = World::with(faults.clone());
        let job = world.finished_job().await;
        let download = || {
            world.sandbox.set_faults(faults.clone());
            download_from(&world, &job, silent.clone())
        };
        let any = download().with_container(Container::Any).to_path(world.path()).await.map(drop);
        for result in [written(download()).await.map(drop), streamed(download()).await.map(drop), any] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Download);
            assert!(error.to_string().contains("does not tell how long the clip is"), "{error}");
            assert!(error.next_step().contains("with_expected_sha256"), "{error}");
        }
        assert!(!world.path().exists());
        let saved = download().to_path(world.path()).await.unwrap();
        world.assert_whole_clip(&job).await;
        let proven = written(download().with_expected_sha256(saved.sha256)).await.map(drop);
        assert_eq!(proven.is_err(), is_cut, "{proven:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_version_a_cut_clip_comes_again_from_its_start() {
    let unversioned = without(&[ETAG, LAST_MODIFIED]);
    // Ten cuts in a row are too many failures, but each try comes further than any before.
    let faults: Vec<_> =
        (1..=10_u32).map(|n| on_clip(Action::cut(u64::from(n) * 400)).nth(n.into())).collect();
    for faults in [faults, vec![on_clip(cut_without_length(1000)).times(3)]] {
        let world = World::with(faults);
        let job = world.finished_job().await;
        download_from(&world, &job, unversioned.clone()).to_path(world.path()).await.unwrap();
        world.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_version_cuts_that_do_not_end_are_said_to_be_what_they_are() {
    let unversioned = without(&[ETAG, LAST_MODIFIED]);
    let world = World::with([on_clip(Action::cut(1000))]);
    let job = world.finished_job().await;
    let error = download_from(&world, &job, unversioned.clone()).to_path(world.path()).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(error.message().contains("names no version"), "{error}");
    // The first try is the only one that comes further than the ones before.
    assert_eq!(world.requests(Operation::Clip).len(), 8);
    let error = written(download_from(&world, &job, unversioned)).await.unwrap_err();
    assert!(error.is_retryable() && error.message().contains("names no version"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_body_longer_than_its_clip_does_not_break_every_later_run() {
    let talkative = |answer: &mut Response<ResponseBody>| {
        if answer.status() == StatusCode::PARTIAL_CONTENT {
            let body = std::mem::replace(answer.body_mut(), futures_util::stream::empty().boxed());
            let more = futures_util::stream::iter([Ok(Bytes::from_static(b"and more"))]);
            *answer.body_mut() = body.chain(more).boxed();
        }
    };
    let world = World::with([on_clip(Action::cut(5000)).nth(1), on_clip(Action::status(500))]);
    let job = world.finished_job().await;
    job.download().to_path(world.path()).await.unwrap_err();
    world.sandbox.set_faults([]);
    download_from(&world, &job, talkative).with_max_failures(1).to_path(world.path()).await.unwrap();
    world.assert_whole_clip(&job).await;
    let ranges: Vec<_> =
        world.requests(Operation::Clip).iter().rev().take(2).map(|seen| seen.status).collect();
    assert_eq!(ranges, [Some(200), Some(206)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_whole_but_no_mp4_stays_for_a_run_that_takes_it() {
    let world = World::with([on_clip(Action::CorruptFile)]);
    let job = world.finished_job().await;
    let error = job.download().to_path(world.path()).await.unwrap_err();
    assert!(error.next_step().contains("with_container(Container::Any)"), "{error}");
    assert_eq!(world.files(), ["clip.mp4.part", "clip.mp4.part.json"]);
    let before = world.requests(Operation::Clip).len();
    assert_eq!(before, 2, "it was fetched once more, and came the same");
    let saved = job.download().with_container(Container::Any).to_path(world.path()).await.unwrap();
    assert_eq!(world.requests(Operation::Clip).len(), before);
    assert_eq!(saved.bytes, world.sandbox.clip_bytes(job.id()).await.unwrap().len() as u64);
    assert_eq!(world.files(), ["clip.mp4"]);
}

#[tokio::test(start_paused = true)]
async fn a_fetched_clip_is_known_to_be_whole_also_where_the_host_names_neither_version_nor_length() {
    for silent in [&[ETAG, LAST_MODIFIED][..], &[CONTENT_LENGTH], &[CONTENT_LENGTH, ETAG, LAST_MODIFIED]] {
        let world = World::with([]);
        let job = world.finished_job().await;
        let download = || download_from(&world, &job, without(silent));
        drop(download().fetch_to(world.path()).await.unwrap());
        let before = world.sandbox.journal().len();
        download().to_path(world.path()).await.unwrap();
        assert_eq!(world.sandbox.journal().len(), before, "without {silent:?}");
        world.assert_whole_clip(&job).await;
    }
}
