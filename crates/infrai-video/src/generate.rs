use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use infrai_video_client::types::{GenerateRequest, VideoJob};
use infrai_video_client::{AspectRatio, Preference, Resolution, canonical_json, options};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::call::{Call, Plan, Write};
use crate::check::Fit;
use crate::client::Client;
use crate::error::Error;
use crate::ids::IdempotencyKey;
use crate::job::Job;
use crate::response::Response;
use crate::retry::RetryPolicy;
use crate::size;

/// The longest prompt, in characters (the contract's `maxLength`).
pub const MAX_PROMPT_CHARS: usize = 32_768;

/// The longest clip that can be asked for, in seconds (the contract's `maximum`). Vendors have lower limits of their own.
pub const MAX_DURATION_SECONDS: f64 = 3600.0;

const MAX_URL_CHARS: usize = 2048;
const MAX_RESOLUTION_CHARS: usize = 32;

impl Client {
    /// A clip to be made from `prompt` (`POST /v1/video/generate`, `video_generate`).
    ///
    /// Nothing is sent, and nothing costs, until the request is submitted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = infrai_video_sandbox::Sandbox::builder().instant_jobs().start().await?;
    /// # let client = infrai_video::Client::builder("ifr_pk_proj_docs").with_base_url(sandbox.base_url()).build()?;
    /// use infrai_video::{AspectRatio, Resolution};
    ///
    /// let job = client
    ///     .generate("a timelapse of a city skyline at dusk")
    ///     .resolution(Resolution::P1080)
    ///     .duration_seconds(5.0)
    ///     .aspect_ratio(AspectRatio::Landscape)
    ///     .submit()
    ///     .await?;
    /// println!("{}", job.id());
    /// # Ok(())
    /// # }
    /// ```
    pub fn generate(&self, prompt: impl Into<String>) -> Generate {
        Generate {
            client: self.clone(),
            key: None,
            request: GenerateRequest { prompt: prompt.into(), ..Default::default() },
        }
    }

    /// Sends a prepared request. The same submission can be sent any number of times, by any process, within 24 hours: it
    /// makes one job and one charge.
    ///
    /// The service forgets a key after 24 hours, by its own clock. So where the submission may have been sent before (it was
    /// read back, or this process has sent it already), its age is compared with the `Date` of the service's last response,
    /// and `capabilities` is read for one if this client has seen none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InsufficientCredit`](crate::ErrorKind::InsufficientCredit) where the balance is too low; [`ErrorKind::Expired`](crate::ErrorKind::Expired) where the submission is older
    /// than 24 hours, or its age cannot be established; [`Error::is_outcome_unknown`] where the job may have been started,
    /// also by an earlier process.
    pub fn submit(&self, submission: &Submission) -> Submit {
        let plan = Plan {
            key: Some(submission.idempotency_key.clone()),
            prepared_at: Some(submission.prepared_at),
            body: Some(Bytes::copy_from_slice(submission.body.as_bytes())),
            sent_before: !submission.unsent.take(),
            known_key: submission.known_key,
            ..self.plan("video_generate")
        };
        Submit {
            client: self.clone(),
            plan: submission.request().map(|_| plan),
            body: submission.body.clone(),
        }
    }
}

/// A clip to be made. Setters have the contract's names; what is not set is left to the service.
#[derive(Debug, Clone)]
#[must_use = "nothing is generated until the request is submitted"]
pub struct Generate {
    client: Client,
    key: Option<IdempotencyKey>,
    request: GenerateRequest,
}

impl Generate {
    /// An http or https URL of an image that the clip should follow; at most 2048 characters.
    pub fn reference_image_url(mut self, url: impl Into<String>) -> Self {
        self.request.reference_image_url = Some(url.into());
        self
    }

    /// The clip's length in seconds: above 0, at most 3600, and within the vendor's own limit.
    pub fn duration_seconds(mut self, seconds: f64) -> Self {
        self.request.duration_seconds = Some(seconds);
        self
    }

    /// The clip's width to its height. Sent under both names that the sources have, `aspect` and `aspect_ratio`.
    pub fn aspect_ratio(mut self, ratio: AspectRatio) -> Self {
        self.request.aspect = Some(ratio);
        self.request.aspect_ratio = Some(ratio);
        self
    }

    /// The clip's size. Not every vendor makes every size: [`check`](Self::check) tells before anything is spent.
    ///
    /// A known size is sent as the contract spells it, whatever its case, and `1080` is sent as `1080p`.
    pub fn resolution(mut self, resolution: Resolution) -> Self {
        self.request.resolution = Some(size::completed(resolution));
        self
    }

    /// What to weigh when the service chooses a vendor.
    pub fn prefer(mut self, preference: Preference) -> Self {
        self.request.prefer = Some(preference);
        self
    }

    /// Uses this key instead of a minted one: the same key and request make one job, however often they are sent.
    pub fn with_idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Fixes the key and the exact body, to be stored before they are sent. After a crash, [`Client::submit`] sends the
    /// same bytes under the same key, so that the clip is charged once.
    ///
    /// Each call makes a submission of its own, and so, where no key was given, a job of its own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), naming the field, for a value out of its range.
    pub fn prepare(self) -> Result<Submission, Error> {
        check_request(&self.request)?;
        let known_key = self.key.is_some();
        let key = self.key.unwrap_or_else(|| self.client.mint_key());
        let mut request = self.request;
        request.idempotency_key = Some(key.as_str().to_owned());
        let body = canonical_json(&request)
            .map_err(|error| Error::invalid("request", format!("the request has no JSON form: {error}")))?;
        let body =
            String::from_utf8(body.to_vec()).map_err(|error| Error::invalid("request", error.to_string()))?;
        let prepared_at = self.client.shared.clocks.stamp();
        Ok(Submission { idempotency_key: key, prepared_at, body, unsent: Unsent::new(), known_key })
    }

    /// Sends the request, and answers with the job that it started.
    pub fn submit(self) -> Submit {
        let client = self.client.clone();
        match self.prepare() {
            Ok(submission) => client.submit(&submission),
            Err(error) => Submit { client, plan: Err(error), body: String::new() },
        }
    }

    /// Compares the request with what the vendors can make, before any money is spent. The capabilities are read once and
    /// kept for five minutes.
    ///
    /// A vendor that lists values makes only those. Where a vendor lists none, or where the capabilities cannot be read
    /// within 8 seconds, the result says in its [`warnings`](Fit::warnings) what was not checked: no reason to stop.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where no vendor can make the clip, with what would fit;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a value out of its range;
    /// [`ErrorKind::Authentication`](crate::ErrorKind::Authentication) and
    /// [`ErrorKind::InsufficientCredit`](crate::ErrorKind::InsufficientCredit) where the service refuses the account.
    pub async fn check(&self) -> Result<Fit, Error> {
        check_request(&self.request)?;
        self.client.check(&self.request).await
    }
}

impl IntoFuture for Generate {
    type Output = Result<Response<Job>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.submit().into_future()
    }
}

/// A request with its key, exactly as it is sent. Store it before sending it, and nothing is ever paid twice.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = infrai_video::Client::new("ifr_pk_proj_docs")?;
/// let submission = client.generate("a city at dusk").prepare()?;
/// let stored = serde_json::to_string(&submission)?;
/// let after_a_crash: infrai_video::Submission = serde_json::from_str(&stored)?;
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
    /// A key of the caller's own choice may be known to the service already.
    #[serde(skip)]
    known_key: bool,
}

/// Whether a submission was prepared by this process, which has not sent it yet. One that was read back may have been sent
/// by a process that did not see the response. Clones share it.
#[derive(Debug, Clone, Default)]
struct Unsent(Option<Arc<AtomicBool>>);

impl Unsent {
    fn new() -> Self {
        Self(Some(Arc::new(AtomicBool::new(true))))
    }

    /// Gives `true` to the first caller alone.
    fn take(&self) -> bool {
        self.0.as_ref().is_some_and(|unsent| unsent.swap(false, Ordering::Relaxed))
    }
}

impl PartialEq for Submission {
    /// Equal where the service would see the same request.
    fn eq(&self, other: &Self) -> bool {
        self.idempotency_key == other.idempotency_key && self.body == other.body
    }
}

impl Eq for Submission {}

impl Submission {
    /// How long the service remembers a key. Sent later, the same submission would be charged again.
    pub const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

    /// The key that every attempt carries.
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.idempotency_key
    }

    /// When the key was made: by the service's clock where the client had seen a response with a `Date`, else by this
    /// machine's.
    pub fn prepared_at(&self) -> Timestamp {
        self.prepared_at
    }

    /// The body, byte for byte.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The request that the body holds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where what was stored is no request.
    pub fn request(&self) -> Result<GenerateRequest, Error> {
        let request: GenerateRequest = serde_json::from_str(&self.body).map_err(|error| {
            Error::invalid("submission", format!("`submission` is damaged: {error}; prepare a new one"))
        })?;
        check_request(&request)?;
        Ok(request)
    }
}

/// A prepared request on its way. It is sent when it is awaited.
#[derive(Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Submit {
    client: Client,
    plan: Result<Plan, Error>,
    body: String,
}

impl Submit {
    /// Repeats this call by another policy than the client's.
    pub fn with_retry_policy(mut self, policy: RetryPolicy) -> Self {
        if let Ok(plan) = &mut self.plan {
            plan.policy = policy;
        }
        self
    }

    /// Sends the submission whatever the age of its key, also where that cannot be established.
    ///
    /// A service that has forgotten the key starts a second job and charges for it. So look for the first job before, such
    /// as with [`Client::list`].
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
        let Self { client, plan, body } = self;
        let sent_before = plan.as_ref().is_ok_and(|plan| plan.sent_before);
        let call: Call<VideoJob> = Call::new(&client, plan, move |api, plan| {
            // The body that is sent is the plan's, byte for byte; this one only satisfies the generated signature.
            let request = serde_json::from_str::<GenerateRequest>(&body);
            Box::pin(async move {
                let request =
                    request.map_err(|error| infrai_video_client::Error::InvalidRequest(error.to_string()))?;
                let options = options::VideoGenerate { idempotency_key: plan.key(), ..Default::default() };
                api.video_generate(&request, options).await
            })
        });
        Box::pin(async move {
            let began = Instant::now();
            let response = Write::new(call).await?;
            // A repeated response may be about a job that finished long ago.
            let is_new = !sent_before && response.metadata().cache_hit != Some(true);
            let submitted = is_new.then_some(began);
            Ok(response.map(|job| Job::new(&client, job.job_id.clone(), Some(job)).submitted_at(submitted)))
        })
    }
}

/// The bounds that the contract puts on a request.
fn check_request(request: &GenerateRequest) -> Result<(), Error> {
    // The contract's pattern is one of ECMA-262, whose white space is not quite Unicode's.
    let is_space = |c: char| c == '\u{feff}' || c.is_whitespace() && c != '\u{85}';
    if request.prompt.chars().all(is_space) {
        return Err(Error::invalid(
            "prompt",
            "`prompt` must not be empty; say in words what the clip should show".into(),
        ));
    }
    let chars = request.prompt.chars().count();
    if chars > MAX_PROMPT_CHARS {
        return Err(Error::invalid(
            "prompt",
            format!("`prompt` must have at most {MAX_PROMPT_CHARS} characters, not {chars}"),
        ));
    }
    if let Some(seconds) = request.duration_seconds
        && !(seconds > 0.0 && seconds <= MAX_DURATION_SECONDS)
    {
        return Err(Error::invalid(
            "duration_seconds",
            format!("`duration_seconds` must be above 0 and at most {MAX_DURATION_SECONDS}, not {seconds}"),
        ));
    }
    if let Some(url) = &request.reference_image_url {
        let is_web =
            url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !is_web || url.chars().count() > MAX_URL_CHARS {
            return Err(Error::invalid(
                "reference_image_url",
                format!(
                    "`reference_image_url` must be an http or https URL of at most {MAX_URL_CHARS} characters"
                ),
            ));
        }
    }
    if let Some(resolution) = &request.resolution
        && !(1..=MAX_RESOLUTION_CHARS).contains(&resolution.as_str().chars().count())
    {
        return Err(Error::invalid(
            "resolution",
            "`resolution` must be a name such as 720p, 1080p or 4k".into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn client() -> Client {
        Client::builder("ifr_pk_proj_x").with_base_url("http://127.0.0.1:9").build().unwrap()
    }

    fn refused(generate: Generate) -> (ErrorKind, Option<&'static str>) {
        let error = generate.prepare().unwrap_err();
        (error.kind(), error.field())
    }

    #[test]
    fn a_value_out_of_its_range_is_named_and_refused() {
        let fine = || client().generate("a city");
        let invalid = |field| (ErrorKind::InvalidInput, Some(field));
        assert_eq!(refused(client().generate("")), invalid("prompt"));
        assert_eq!(refused(client().generate(" \n\t ")), invalid("prompt"));
        assert_eq!(refused(client().generate("\u{feff}\u{a0}")), invalid("prompt"));
        assert!(client().generate("\u{85}").prepare().is_ok());
        assert_eq!(refused(client().generate("a".repeat(MAX_PROMPT_CHARS + 1))), invalid("prompt"));
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY, 3600.5] {
            assert_eq!(refused(fine().duration_seconds(seconds)), invalid("duration_seconds"), "{seconds}");
        }
        for url in ["", "skyline.jpg", "ftp://example.com/a", "file:///etc/passwd"] {
            assert_eq!(refused(fine().reference_image_url(url)), invalid("reference_image_url"), "{url}");
        }
        assert_eq!(refused(fine().resolution(Resolution::Unknown(String::new()))), invalid("resolution"));
    }

    #[test]
    fn only_the_first_sending_of_a_prepared_submission_counts_as_such() {
        let submission = client().generate("a city").prepare().unwrap();
        let stored = serde_json::to_string(&submission).unwrap();
        let sent_before = |submission: &Submission| client().submit(submission).plan.unwrap().sent_before;
        assert!(!sent_before(&submission.clone()));
        assert!(sent_before(&submission));
        assert!(sent_before(&serde_json::from_str(&stored).unwrap()));
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
