//! A server that responds with bare results, exactly as the page's "Returns" lines read, works with the SDK.

use contract_tests::{client_of, quick_sandbox};
use futures_util::TryStreamExt as _;
use infrai_video::{ErrorKind, JobState, RetentionDays};

#[tokio::test]
async fn all_ten_operations_understand_a_server_without_envelopes() {
    let sandbox = quick_sandbox().bare_results(true).start().await.unwrap();
    let client = client_of(sandbox.base_url()).build().unwrap();
    let directory = tempfile::tempdir().unwrap();

    let job = client.generate("a city at dusk").duration_seconds(0.2).await.unwrap();
    assert_eq!(client.status(job.id()).await.unwrap().state, JobState::Succeeded);
    assert_eq!(client.get(job.id()).await.unwrap().duration_seconds, Some(0.2));
    assert!(client.download_url(job.id()).await.unwrap().url.is_some());
    assert!(!client.capabilities().await.unwrap().vendors.as_ref().unwrap().is_empty());
    let days = RetentionDays::try_from(7).unwrap();
    assert_eq!(client.set_retention(job.id(), days).await.unwrap().retention_days, Some(7));
    let saved = job.wait().await.unwrap().download().to_path(directory.path()).await.unwrap();
    assert_eq!(std::fs::read(&saved.path).unwrap(), sandbox.clip_bytes(job.id()).await.unwrap());

    let second = client.generate("another").duration_seconds(0.2).await.unwrap();
    assert_eq!(client.list().limit(1).items().try_collect::<Vec<_>>().await.unwrap().len(), 2);
    let too_late = client.cancel(second.id()).await.unwrap_err();
    assert_eq!((too_late.kind(), too_late.code()), (ErrorKind::Conflict, Some("JOB_FINISHED")));
    assert_eq!(client.delete(second.id()).await.unwrap().ok, Some(true));
    assert_eq!(client.delete_all().await.unwrap().deleted, Some(1));
}
