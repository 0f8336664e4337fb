//! Submissions: requests for a clip that can be stored and sent again.

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use infrai_video_client::types::{GenerateRequest, VideoJob};
use infrai_video_client::{Timestamp, describe_decode_error, options};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Job;
use crate::call::{Call, KEY_LIFETIME, Plan, WriteCall};
use crate::client::Client;
use crate::error::Error;
use crate::ids::{IdempotencyKey, JobId};
use crate::response::Response;
use crate::retry::RetryPolicy;
use crate::validation::check_request;

impl Client {
    /// Sends a prepared request. Any process can send the same submission any number of times within 24 hours: it starts one
    /// job, which is charged once.
    ///
    /// The service forgets a key after 24 hours by its own clock. If the submission may have been sent before (it was stored, or
    /// this process has already sent it), its age is computed from the `Date` of the service's last response. If this client has
    /// received none, it calls `capabilities` first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InsufficientCredit`](crate::ErrorKind::InsufficientCredit) if the balance is too low;
    /// [`ErrorKind::Expired`](crate::ErrorKind::Expired) if the submission is older than 24 hours or its age is unknown;
    /// [`Error::is_outcome_unknown`] if the job may have been started, possibly by an earlier process.
    pub fn submit(&self, submission: &Submission) -> Submit {
        let request = match submission.request() {
            Ok(request) => request,
            Err(error) => return Submit::failed(self.clone(), error),
        };
        let plan = Plan {
            key: Some(submission.idempotency_key.clone()),
            prepared_at: Some(submission.prepared_at),
            body: Some(Bytes::copy_from_slice(submission.body.as_bytes())),
            sent_before: !submission.unsent.take(),
            ..self.plan("video_generate")
        };
        Submit { client: self.clone(), plan: Ok(plan), request }
    }
}

/// A request with its idempotency key, exactly as it is sent. Store it before it is sent, so that nothing is paid twice.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = infrai_video::Client::new("ifr_pk_proj_docs")?;
/// let submission = client.generate("a city at dusk").prepare()?;
/// let stored = submission.to_json();
/// let after_a_crash = infrai_video::Submission::from_json(&stored)?;
/// assert_eq!(after_a_crash, submission);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Submission {
    idempotency_key: IdempotencyKey,
    prepared_at: Timestamp,
    body: String,
    #[serde(skip)]
    unsent: Unsent,
}

/// Whether this process prepared the submission and has not sent it yet. Another process may have sent a stored submission
/// without receiving the response. Clones share the state.
#[derive(Debug, Clone, Default)]
struct Unsent(Option<Arc<AtomicBool>>);

impl Unsent {
    fn new() -> Self {
        Self(Some(Arc::new(AtomicBool::new(true))))
    }

    /// Returns `true` only once.
    fn take(&self) -> bool {
        self.0.as_ref().is_some_and(|unsent| unsent.swap(false, Ordering::Relaxed))
    }
}

impl PartialEq for Submission {
    /// Equal if the request is the same for the service.
    fn eq(&self, other: &Self) -> bool {
        self.idempotency_key == other.idempotency_key && self.body == other.body
    }
}

impl Eq for Submission {}

impl Submission {
    /// How long the service remembers a key. After that the same submission would be charged again.
    pub const KEY_LIFETIME: Duration = KEY_LIFETIME;

    pub(super) fn new(idempotency_key: IdempotencyKey, prepared_at: Timestamp, body: String) -> Self {
        Self { idempotency_key, prepared_at, body, unsent: Unsent::new() }
    }

    /// The submission as JSON on one line, to be stored. It has no secrets, and the same form as with `Serialize`.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and a time always have a JSON form")
    }

    /// A submission that was stored as JSON. Its request is checked when it is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is not a stored submission.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(damaged)
    }

    /// The key of all attempts.
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.idempotency_key
    }

    /// When the submission was prepared: by the service's clock if the client had received a response with a `Date`, else by
    /// this machine's.
    pub fn prepared_at(&self) -> Timestamp {
        self.prepared_at
    }

    /// The exact body.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The request in the body.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the stored body is not a valid request.
    pub fn request(&self) -> Result<GenerateRequest, Error> {
        let request: GenerateRequest = serde_json::from_str(&self.body).map_err(damaged)?;
        if request.idempotency_key.as_ref().is_some_and(|key| *key != self.idempotency_key) {
            let message = "`submission` has two different idempotency keys: its own, and that in its body";
            return Err(Error::invalid("submission", message.into()).with_hint(LOST));
        }
        check_request(&request)?;
        Ok(request)
    }
}

/// The next step after a submission cannot be read.
const LOST: &str = "if it may have been sent, look for its job with `list`; otherwise prepare a new one";

fn damaged(error: serde_json::Error) -> Error {
    // The text itself is not quoted: it may be an API key in the wrong place.
    let what = describe_decode_error(&error);
    Error::invalid("submission", format!("`submission` is not a stored submission: {what}")).with_hint(LOST)
}

/// The call that sends a submission. It is sent when it is awaited.
#[derive(Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Submit {
    client: Client,
    plan: Result<Plan, Error>,
    request: GenerateRequest,
}

impl Submit {
    pub(super) fn failed(client: Client, error: Error) -> Self {
        Self { client, plan: Err(error), request: GenerateRequest::default() }
    }

    /// Uses this retry policy instead of the client's.
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        if let Ok(plan) = &mut self.plan {
            plan.policy = policy;
        }
        self
    }

    /// Sends the submission whatever the age of its key.
    ///
    /// If the service has forgotten the key, it starts a second job and charges for it. Look for the first job before, for
    /// instance with [`Client::list`].
    pub fn with_any_age(mut self) -> Self {
        if let Ok(plan) = &mut self.plan {
            plan.prepared_at = None;
        }
        self
    }
}

impl IntoFuture for Submit {
    type Output = Result<Response<Job>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { client, plan, request } = self;
        let sent_before = plan.as_ref().is_ok_and(|plan| plan.sent_before);
        let request = Arc::new(request);
        let call: Call<VideoJob> = Call::new(&client, plan, move |api, plan| {
            // The plan has the exact bytes to send, so the request is not serialized again.
            let request = Arc::clone(&request);
            Box::pin(async move {
                let options = options::VideoGenerate::default().idempotency_key(plan.key());
                api.video_generate(&request, options).await
            })
        });
        Box::pin(async move {
            let began = Instant::now();
            let response = WriteCall::new(call).await?;
            // The response to a repeated submission may be about a job that finished long ago.
            let is_new = !sent_before && response.metadata().cache_hit != Some(true);
            let submitted = is_new.then_some(began);
            Ok(response
                .map(|job| Job::new(&client, JobId(job.job_id.clone()), Some(job)).submitted_at(submitted)))
        })
    }
}

#[cfg(test)]
mod tests {
    use infrai_video_client::AspectRatio;

    use super::*;
    use crate::error::ErrorKind;

    fn client() -> Client {
        Client::builder("ifr_pk_proj_x").with_base_url("http://127.0.0.1:9").build().unwrap()
    }

    #[test]
    fn only_the_first_sending_of_a_prepared_submission_is_known_to_be_the_first() {
        let submission = client().generate("a city").prepare().unwrap();
        let stored = serde_json::to_string(&submission).unwrap();
        let sent_before = |submission: &Submission| client().submit(submission).plan.unwrap().sent_before;
        assert!(!sent_before(&submission.clone()));
        assert!(sent_before(&submission));
        assert!(sent_before(&serde_json::from_str(&stored).unwrap()));
    }

    #[test]
    fn submissions_are_equal_if_both_key_and_body_are() {
        let prepare = |prompt: &str, key: Option<&str>| {
            let generate = client().generate(prompt);
            let generate = match key {
                Some(key) => generate.with_idempotency_key(key.parse().unwrap()),
                None => generate,
            };
            generate.prepare().unwrap()
        };
        assert_eq!(prepare("a city", Some("key-1")), prepare("a city", Some("key-1")));
        assert_ne!(prepare("a city", Some("key-1")), prepare("a river", Some("key-1")));
        assert_ne!(prepare("a city", None), prepare("a city", None));
        let same_body =
            Submission { idempotency_key: "key-2".parse().unwrap(), ..prepare("a city", Some("key-1")) };
        assert_ne!(same_body, prepare("a city", Some("key-1")));
    }

    #[test]
    fn a_text_that_is_not_a_submission_is_not_quoted() {
        for text in
            ["\"ifr_pk_proj_secret\"", "ifr_pk_proj_secret", "{\"idempotency_key\": \"secret key\"}", ""]
        {
            let error = Submission::from_json(text).unwrap_err();
            assert_eq!(
                (error.kind(), error.field()),
                (ErrorKind::InvalidInput, Some("submission")),
                "{text}"
            );
            assert!(!format!("{error} {error:?} {error:#?}").contains("secret"), "{error:?}");
            assert!(error.next_step().contains("look for its job with `list`"), "{error}");
        }
    }

    #[test]
    fn a_submission_whose_body_has_another_key_is_not_sent() {
        let stored = client().generate("a city").prepare().unwrap().to_json();
        let edited = stored.replacen("\"idempotency_key\":\"", "\"idempotency_key\":\"x", 1);
        let submission = Submission::from_json(&edited).unwrap();
        let error = client().submit(&submission).plan.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("submission")));
        assert!(error.message().contains("two different idempotency keys"), "{error}");
    }

    #[test]
    fn a_stored_submission_has_the_same_key_and_bytes() {
        let submission = client().generate("a city").aspect_ratio(AspectRatio::Square).prepare().unwrap();
        let stored = serde_json::to_string(&submission).unwrap();
        let again: Submission = serde_json::from_str(&stored).unwrap();
        assert_eq!(again.body().as_bytes(), submission.body().as_bytes());
        let key = submission.idempotency_key();
        assert_eq!(
            submission.body(),
            format!(
                "{{\"aspect\":\"1:1\",\"aspect_ratio\":\"1:1\",\"idempotency_key\":\"{key}\",\"prompt\":\"a city\"}}\n"
            )
        );
    }
}
