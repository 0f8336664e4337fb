//! Uses client and SDK as another crate does: writes each request, reads each response, and handles errors and open vocabularies.
//! The step `updates` compiles it against a contract whose structures have grown.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use contract_tests::{client_of, quick_sandbox};
use infrai_video::types::{
    Acknowledgement, DeleteAllResult, DownloadLink, Metadata, Retention, VendorCapabilities,
    VideoCapabilities, VideoJob, VideoJobDetail, VideoJobPage,
};
use infrai_video::{
    AspectRatio, ErrorKind, JobError, JobState, Preference, Resolution, RetentionDays, UnknownValue, types,
};
use infrai_video_client::{ApiKey, Envelope, ErrorBody, options};

fn name_of(state: &JobState) -> &str {
    match state {
        JobState::Queued | JobState::Running => "under way",
        JobState::Succeeded => "done",
        JobState::Failed | JobState::Cancelled => "over",
        other => other.as_str(),
    }
}

fn shape_of(ratio: AspectRatio, size: &Resolution, preference: Preference) -> String {
    let ratio = match ratio {
        AspectRatio::Landscape => "wide",
        AspectRatio::Portrait => "high",
        AspectRatio::Square => "square",
        _ => "another shape",
    };
    let size = match size {
        Resolution::P720 => "small",
        Resolution::P1080 => "large",
        Resolution::Uhd4k => "huge",
        other => other.as_str(),
    };
    let preference = match preference {
        Preference::Balanced => "any",
        Preference::Cheapest => "cheap",
        Preference::Smartest => "good",
        _ => "another preference",
    };
    format!("{ratio} {size} {preference}")
}

#[tokio::test]
async fn each_operation_of_the_sdk_is_called_and_read() {
    let sandbox = quick_sandbox().start().await.unwrap();
    let client = client_of(sandbox.base_url()).build().unwrap();

    let response = client.capabilities().await.unwrap();
    let Metadata { request_id, .. } = response.metadata();
    assert!(request_id.is_some());
    let VideoCapabilities { vendors, .. } = response.into_inner();
    for VendorCapabilities { vendor, resolutions, .. } in vendors.unwrap() {
        assert!(vendor.is_some() && !resolutions.unwrap().is_empty());
    }

    let generate = client.generate("a city").resolution("720p").aspect_ratio(AspectRatio::Square);
    let job = generate.duration_seconds(1).submit().await.unwrap();
    let VideoJob { job_id, state, .. } = client.status(job.id()).await.unwrap().into_inner();
    assert_eq!((job_id.as_str(), name_of(&state)), (job.id().as_str(), "done"));
    let VideoJobDetail { resolution, vendor, .. } = client.get(job.id()).await.unwrap().into_inner();
    assert_eq!(
        shape_of(AspectRatio::Square, &resolution.unwrap(), Preference::Cheapest),
        "square small cheap"
    );
    assert!(vendor.is_some());

    let DownloadLink { url, expires_at, .. } = client.download_url(job.id()).await.unwrap().into_inner();
    assert!(url.is_some() && expires_at.is_some());
    let days = RetentionDays::try_from(7).unwrap();
    let Retention { retention_days, .. } = client.set_retention(job.id(), days).await.unwrap().into_inner();
    assert_eq!(retention_days, Some(7));
    let VideoJobPage { items, next_cursor, .. } = client.list().await.unwrap().into_inner();
    assert_eq!((items.unwrap().len(), next_cursor), (1, None));
    let mut listed = client.list().items();
    assert_eq!(listed.next().await.unwrap().unwrap().job_id, *job.id());
    assert!(listed.next().await.is_none());

    let error = client.cancel(job.id()).await.unwrap_err();
    match error.kind() {
        ErrorKind::Conflict => assert!(error.code().is_some()),
        other => panic!("{other:?}"),
    }
    let Acknowledgement { ok, .. } = client.delete(job.id()).await.unwrap().into_inner();
    assert_eq!(ok, Some(true));
    let DeleteAllResult { deleted, .. } = client.delete_all().await.unwrap().into_inner();
    assert_eq!(deleted, Some(0));
}

#[tokio::test]
async fn requests_are_built_without_struct_literals() {
    let sandbox = quick_sandbox().start().await.unwrap();
    let key = ApiKey::new("ifr_pk_proj_outsider").unwrap();
    let exchange = std::sync::Arc::new(reqwest::Client::new());
    let client = infrai_video_client::Client::new(sandbox.base_url(), key, exchange);
    let request = types::GenerateRequest::new("a city")
        .resolution("720p")
        .aspect(AspectRatio::Square)
        .aspect_ratio(AspectRatio::Square)
        .duration_seconds(1)
        .prefer(Preference::Cheapest)
        .idempotency_key("outside-1");
    let options = options::VideoGenerate::default().idempotency_key("outside-1");
    let response = client.video_generate(&request, options).await.unwrap().into_inner();
    let Envelope { ok, data, error, metadata, .. } = response;
    assert!(ok && error.is_none() && metadata.cost_usd.is_some());
    let id = data.unwrap().job_id;

    let list = options::VideoList::default().limit(5).cursor(None);
    let page = client.video_list(list).await.unwrap().into_inner();
    assert_eq!(page.data.unwrap().items.unwrap().len(), 1);
    let retention = types::SetRetentionRequest::new(7).job_id(id.as_str());
    client.video_set_retention(&id, &retention, options::VideoSetRetention::default()).await.unwrap();
    let cancel = types::CancelRequest::new().job_id(id.as_str());
    let cancelled = client.video_cancel(&id, options::VideoCancel::default().body(&cancel)).await;
    assert!(cancelled.is_err(), "the job is final");
    client.video_delete(&id, options::VideoDelete::default().idempotency_key("outside-2")).await.unwrap();
}

#[test]
fn responses_for_tests_start_from_their_default() {
    let mut job = VideoJob::default();
    job.job_id = "vj_1".into();
    job.state = JobState::Failed;
    job.error = Some(JobError::from(serde_json::json!({"code": "CONTENT_FILTERED", "message": "no"})));
    let JobError { code, message, .. } = job.error.as_ref().unwrap();
    assert_eq!((code.as_deref(), message.as_str()), (Some("CONTENT_FILTERED"), "no"));
    assert!(job.state.is_final() && !job.is_without_clip());

    let UnknownValue { value, known, .. } = "5:4".parse::<AspectRatio>().unwrap_err();
    assert_eq!((value.as_str(), known), ("5:4", AspectRatio::KNOWN));
    let ErrorBody { code, hint, .. } = ErrorBody::read(br#"{"error": {"code": "A", "hint": "b"}}"#);
    assert_eq!((code.as_deref(), hint.as_deref()), (Some("A"), Some("b")));
}
