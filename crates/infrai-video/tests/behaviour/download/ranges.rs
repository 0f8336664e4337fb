//! Downloads from file hosts that refuse ranges or return wrong ones: no part file blocks later downloads.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LOCATION, RANGE};
use http::{HeaderValue, Request, Response};
use infrai_video::download::{Container, Download};
use infrai_video::transport::TowerTransport;
use infrai_video::transport::{ResponseBody, Transport, TransportError, TransportErrorKind};
use infrai_video::{ErrorKind, Job};
use infrai_video_sandbox::{Action, Fault, Operation, SandboxRouter};

use crate::support::client_of;
use crate::support::harness::Harness;

type Reply = Result<Response<ResponseBody>, TransportError>;

/// The sandbox's file host behind a gateway, which can respond by itself or change responses.
struct Gateway<A, C> {
    inner: TowerTransport<SandboxRouter>,
    response: A,
    change: C,
}

impl<A, C> Transport for Gateway<A, C>
where
    A: Fn(&mut Request<Bytes>) -> Option<Reply> + Send + Sync + 'static,
    C: Fn(&mut Response<ResponseBody>) + Send + Sync + 'static,
{
    fn send(&self, mut request: Request<Bytes>) -> BoxFuture<'_, Reply> {
        if !request.uri().path().ends_with(".mp4") {
            return self.inner.send(request);
        }
        if let Some(response) = (self.response)(&mut request) {
            return std::future::ready(response).boxed();
        }
        let response = self.inner.send(request);
        Box::pin(async move {
            let mut response = response.await?;
            (self.change)(&mut response);
            Ok(response)
        })
    }
}

fn through<A, C>(harness: &Harness, job: &Job, response: A, change: C) -> Download
where
    A: Fn(&mut Request<Bytes>) -> Option<Reply> + Send + Sync + 'static,
    C: Fn(&mut Response<ResponseBody>) + Send + Sync + 'static,
{
    let gateway = Gateway { inner: TowerTransport::new(harness.sandbox.clone()), response, change };
    let client = client_of(harness.sandbox.base_url()).with_transport(gateway).build().unwrap();
    client.job(job.id()).download()
}

fn unchanged(_: &mut Response<ResponseBody>) {}

fn whole(bytes: impl Into<Bytes>) -> ResponseBody {
    stream::iter([Ok(bytes.into())]).boxed()
}

/// A gateway that responds to every range request with this status, and forwards all others.
fn refusing(status: u16) -> impl Fn(&mut Request<Bytes>) -> Option<Reply> {
    move |request| {
        request.headers().contains_key(RANGE).then(|| {
            let body = whole("no ranges here");
            Ok(Response::builder().status(status).body(body).unwrap())
        })
    }
}

fn losing(request: &mut Request<Bytes>) -> Option<Reply> {
    let ranged = request.headers().contains_key(RANGE);
    ranged.then(|| Err(TransportError::new(TransportErrorKind::Lost, "the connection was reset")))
}

/// A job and the part file that an interrupted download left.
async fn with_a_part() -> (Harness, Job) {
    let harness = Harness::with([Fault::on(Operation::Clip, Action::cut(5000)).nth(1)]);
    let job = harness.finished_job().await;
    job.download().with_max_failures(1).to_path(harness.path()).await.unwrap_err();
    assert_eq!(harness.files(), ["clip.mp4.part", "clip.mp4.part.json"]);
    (harness, job)
}

#[tokio::test(start_paused = true)]
async fn the_whole_clip_is_requested_from_a_host_that_refuses_every_range() {
    for status in [400, 401, 403, 404, 405, 409, 410, 412, 416, 418, 422, 500, 501, 502, 503, 504, 507] {
        // In the interrupted run, and in a later one.
        let harness = Harness::with([Fault::on(Operation::Clip, Action::cut(5000)).nth(1)]);
        let job = harness.finished_job().await;
        let download = through(&harness, &job, refusing(status), unchanged);
        let saved = download.to_path(harness.path()).await;
        saved.unwrap_or_else(|error| panic!("{status}: {error}"));
        harness.assert_whole_clip(&job).await;

        let (harness, job) = with_a_part().await;
        let download = through(&harness, &job, refusing(status), unchanged);
        let saved = download.to_path(harness.path()).await;
        saved.unwrap_or_else(|error| panic!("{status}, in a later run: {error}"));
        harness.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_redirects_range_requests_in_vain_gets_a_request_for_the_whole_clip() {
    for location in ["", "?again", "http://files.example/clip.mp4", "ftp://files.example/", "https://["] {
        let (harness, job) = with_a_part().await;
        let redirecting = move |request: &mut Request<Bytes>| {
            request.headers().contains_key(RANGE).then(|| {
                let response = Response::builder().status(302).header(LOCATION, location);
                Ok(response.body(whole("elsewhere")).unwrap())
            })
        };
        let download = through(&harness, &job, redirecting, unchanged);
        let saved = download.to_path(harness.path()).await;
        saved.unwrap_or_else(|error| panic!("{location}: {error}"));
        harness.assert_whole_clip(&job).await;
    }
}

/// The signature in a link may be over the bytes of its query.
#[tokio::test(start_paused = true)]
async fn a_redirect_leads_to_its_url_with_the_query_byte_for_byte() {
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let clip = harness.sandbox.clip_bytes(job.id()).await.unwrap();
    let redirecting = move |request: &mut Request<Bytes>| {
        let target = request.uri().path_and_query().unwrap().as_str();
        let response = match target.contains("moved") {
            true => {
                assert!(target.ends_with("/moved/a%20b|c.mp4?s=%2f+'{}|/../&"), "{target}");
                Response::builder().header(CONTENT_LENGTH, clip.len()).body(whole(clip.clone()))
            }
            false => {
                let location = "x/../moved/a b|c.mp4?s=%2f+'{}|/../&#part";
                Response::builder().status(302).header(LOCATION, location).body(whole(""))
            }
        };
        Some(Ok(response.unwrap()))
    };
    through(&harness, &job, redirecting, unchanged).to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn the_whole_clip_is_requested_from_a_host_that_drops_every_range_request() {
    let (harness, job) = with_a_part().await;
    through(&harness, &job, losing, unchanged).to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn an_html_page_in_response_to_a_range_is_a_refusal() {
    let (harness, job) = with_a_part().await;
    let page = |request: &mut Request<Bytes>| {
        request.headers().contains_key(RANGE).then(|| {
            let page = Response::builder().header("content-type", "text/html");
            Ok(page.body(whole("<p>blocked</p>")).unwrap())
        })
    };
    through(&harness, &job, page, unchanged).to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_range_does_not_count_as_a_failure() {
    for status in [400, 403, 404, 405, 410, 412, 416, 500, 501] {
        let (harness, job) = with_a_part().await;
        let before = harness.requests(Operation::Clip).len();
        let download = through(&harness, &job, refusing(status), unchanged);
        download.with_max_failures(1).to_path(harness.path()).await.unwrap();
        harness.assert_whole_clip(&job).await;
        assert_eq!(
            harness.requests(Operation::Clip).len(),
            before + 1,
            "one request was forwarded: {status}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_the_download_resumes_with_a_range() {
    let (harness, job) = with_a_part().await;
    let faults = [Fault::on(Operation::Clip, Action::status(500)).times(2)];
    harness.sandbox.set_faults(faults);
    job.download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
    let last = harness.requests(Operation::Clip).pop().unwrap();
    assert_eq!((last.status, last.header("range")), (Some(206), Some("bytes=5000-")));
}

#[tokio::test(start_paused = true)]
async fn a_206_from_the_start_is_taken_as_the_whole_clip() {
    for range in [Some("known"), Some("bytes 0-*/*"), Some("bytes 0-"), Some("bytes"), None] {
        let drop_range = |request: &mut Request<Bytes>| {
            request.headers_mut().remove(RANGE);
            None
        };
        let partial = move |response: &mut Response<ResponseBody>| {
            if response.status() != 200 {
                return;
            }
            *response.status_mut() = http::StatusCode::PARTIAL_CONTENT;
            let length = response.headers()[CONTENT_LENGTH].to_str().unwrap().parse::<u64>().unwrap();
            let known = format!("bytes 0-{}/{length}", length - 1);
            if let Some(range) = range {
                let range = if range == "known" { &known } else { range };
                response.headers_mut().insert(CONTENT_RANGE, HeaderValue::from_str(range).unwrap());
            }
        };
        let (harness, job) = with_a_part().await;
        let saved = through(&harness, &job, drop_range, partial).to_path(harness.path()).await;
        saved.unwrap_or_else(|error| panic!("{range:?}: {error}"));
        harness.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_content_range_never_corrupts_the_clip() {
    for range in ["bytes 4999-9999/10000", "bytes 5001-9999/*", "bytes 0-4999/*", "bytes 1-2/3", "nonsense"] {
        let lying = move |response: &mut Response<ResponseBody>| {
            if response.status() == 206 {
                response.headers_mut().insert(CONTENT_RANGE, HeaderValue::from_static(range));
            }
        };
        let (harness, job) = with_a_part().await;
        let download = through(&harness, &job, |_: &mut Request<Bytes>| None, lying);
        download.with_max_failures(1).to_path(harness.path()).await.unwrap();
        harness.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_of_another_length_replaces_the_part() {
    let (harness, job) = with_a_part().await;
    // The same clip with another box after the first one.
    let clip = harness.sandbox.clip_bytes(job.id()).await.unwrap();
    let (first, rest) = clip.split_at(u32::from_be_bytes(clip[..4].try_into().unwrap()) as usize);
    let bytes = Bytes::from([first, b"\0\0\0\x10freeanother.", rest].concat());
    let replaced = {
        let bytes = bytes.clone();
        move |response: &mut Response<ResponseBody>| {
            // With the ETag of the first clip.
            response.headers_mut().insert(CONTENT_LENGTH, bytes.len().into());
            *response.body_mut() = whole(bytes.clone());
        }
    };
    through(&harness, &job, refusing(400), replaced).to_path(harness.path()).await.unwrap();
    assert!(std::fs::read(harness.path()).unwrap() == bytes, "the clip is not a mix of both");
}

#[tokio::test(start_paused = true)]
async fn the_part_is_kept_until_the_first_byte_of_its_replacement() {
    let (harness, job) = with_a_part().await;
    let empty = |response: &mut Response<ResponseBody>| {
        response.headers_mut().insert(ETAG, HeaderValue::from_static("\"another\""));
        *response.body_mut() = stream::empty().boxed();
    };
    let error = through(&harness, &job, refusing(400), empty).to_path(harness.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    job.download().to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
    let last = harness.requests(Operation::Clip).pop().unwrap();
    assert_eq!((last.status, last.header("range")), (Some(206), Some("bytes=5000-")));
}

#[tokio::test(start_paused = true)]
async fn a_changed_clip_is_downloaded_even_if_no_failure_is_allowed() {
    let (harness, job) = with_a_part().await;
    let changed = |response: &mut Response<ResponseBody>| {
        response.headers_mut().insert(ETAG, HeaderValue::from_static("\"another\""));
    };
    for change in [changed, |response: &mut Response<ResponseBody>| drop(response.headers_mut().remove(ETAG))]
    {
        let download = through(&harness, &job, |_: &mut Request<Bytes>| None, change);
        let download = download.with_overwrite(infrai_video::download::Overwrite::Replace);
        download.with_max_failures(1).to_path(harness.path()).await.unwrap();
        harness.assert_whole_clip(&job).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_names_the_part_files_to_delete() {
    let (harness, job) = with_a_part().await;
    harness.sandbox.set_faults([Fault::on(Operation::Clip, Action::status(500))]);
    let error = job.download().to_path(harness.path()).await.unwrap_err();
    let part = harness.path().with_extension("mp4.part");
    let step = error.next_step();
    assert!(step.contains("resume after 5000 bytes"), "{step}");
    assert!(step.contains(&format!("delete {} and {}.json", part.display(), part.display())), "{step}");
    assert_eq!(harness.files(), ["clip.mp4.part", "clip.mp4.part.json"]);
}

#[tokio::test(start_paused = true)]
async fn an_encoded_clip_is_rejected_with_its_encoding() {
    for encoding in ["gzip", "br", "zstd", "deflate", "gzip, br"] {
        let harness = Harness::with([]);
        let job = harness.finished_job().await;
        let encoded = move |response: &mut Response<ResponseBody>| {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        };
        let download = through(&harness, &job, |_: &mut Request<Bytes>| None, encoded);
        let error = download.with_container(Container::Any).to_path(harness.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
        assert!(error.message().contains(&format!("the content encoding {encoding},")), "{error}");
        assert!(harness.files().is_empty(), "{:?}", harness.files());
    }
    let harness = Harness::with([]);
    let job = harness.finished_job().await;
    let identity = |response: &mut Response<ResponseBody>| {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("identity"));
    };
    through(&harness, &job, |_: &mut Request<Bytes>| None, identity).to_path(harness.path()).await.unwrap();
    harness.assert_whole_clip(&job).await;
}
