//! Requests for a clip.

use std::future::IntoFuture;

use futures_util::future::BoxFuture;
use infrai_video_client::types::GenerateRequest;
use infrai_video_client::{AspectRatio, Preference, Resolution, canonical_json};

use super::{Job, Submission, Submit};
use crate::client::Client;
use crate::error::Error;
use crate::ids::IdempotencyKey;
use crate::resolution;
use crate::response::Response;
use crate::validation::check_request;

impl Client {
    /// A request for a clip (`POST /v1/video/generate`, `video_generate`).
    ///
    /// Nothing is sent or charged until the request is submitted.
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
    ///     .duration_seconds(5)
    ///     .aspect_ratio(AspectRatio::Landscape)
    ///     .submit()
    ///     .await?;
    /// println!("{}", job.id());
    /// # Ok(())
    /// # }
    /// ```
    pub fn generate(&self, prompt: impl Into<String>) -> Generate {
        Generate { client: self.clone(), key: None, request: GenerateRequest::new(prompt) }
    }
}

/// A request for a clip. The setters have the contract's names; the service chooses what is not set.
#[derive(Debug, Clone)]
#[must_use = "nothing is generated until the request is submitted"]
pub struct Generate {
    client: Client,
    key: Option<IdempotencyKey>,
    request: GenerateRequest,
}

impl Generate {
    /// The http or https URL of a reference image; at most 2048 characters.
    pub fn reference_image_url(mut self, url: impl Into<String>) -> Self {
        self.request.reference_image_url = Some(url.into());
        self
    }

    /// The duration of the clip in seconds, such as `5` or `2.5`: above 0, at most 3600, and within the vendor's limit.
    pub fn duration_seconds(mut self, seconds: impl Into<f64>) -> Self {
        self.request.duration_seconds = Some(seconds.into());
        self
    }

    /// The aspect ratio of the clip. Sent as both `aspect` and `aspect_ratio`, since the sources have both names.
    pub fn aspect_ratio(mut self, ratio: AspectRatio) -> Self {
        self.request.aspect = Some(ratio);
        self.request.aspect_ratio = Some(ratio);
        self
    }

    /// The resolution of the clip. Not every vendor supports every resolution: see `preflight`.
    ///
    /// A [`Resolution`] or its text, such as `"1080p"`. The case of a known resolution does not matter, and `1080` is sent as
    /// `1080p`.
    pub fn resolution(mut self, resolution: impl Into<Resolution>) -> Self {
        self.request.resolution = Some(resolution::completed(resolution.into()));
        self
    }

    /// How the service chooses the vendor.
    pub fn prefer(mut self, preference: Preference) -> Self {
        self.request.prefer = Some(preference);
        self
    }

    /// Uses this key instead of a minted one: requests with the same key start one job.
    pub fn with_idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Fixes the key and the exact body, to be stored before they are sent. After a crash, [`Client::submit`] sends the same
    /// bytes with the same key, so that the clip is charged once.
    ///
    /// Each call returns a different submission and, unless a key was set, starts a different job.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) with the name of the field that is out of range.
    pub fn prepare(self) -> Result<Submission, Error> {
        check_request(&self.request)?;
        let key = self.key.unwrap_or_else(|| self.client.mint_key());
        let mut request = self.request;
        request.idempotency_key = Some(key.as_str().to_owned());
        let body = canonical_json(&request).map_err(|error| {
            Error::invalid("request", format!("the request cannot be serialized: {error}"))
        })?;
        let body =
            String::from_utf8(body.to_vec()).map_err(|error| Error::invalid("request", error.to_string()))?;
        Ok(Submission::new(key, self.client.shared.clocks.stamp(), body))
    }

    /// Sends the request, and returns the job that it starts.
    pub fn submit(self) -> Submit {
        let client = self.client.clone();
        match self.prepare() {
            Ok(submission) => client.submit(&submission),
            Err(error) => Submit::failed(client, error),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The request, checked against the limits of the contract.
    pub(crate) fn checked_request(&self) -> Result<&GenerateRequest, Error> {
        check_request(&self.request).map(|()| &self.request)
    }
}

impl IntoFuture for Generate {
    type Output = Result<Response<Job>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.submit().into_future()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::validation::MAX_PROMPT_CHARS;

    fn client() -> Client {
        Client::builder("ifr_pk_proj_x").with_base_url("http://127.0.0.1:9").build().unwrap()
    }

    fn rejected(generate: Generate) -> (ErrorKind, Option<&'static str>) {
        let error = generate.prepare().unwrap_err();
        (error.kind(), error.field())
    }

    #[test]
    fn a_submission_has_every_value_that_was_set() {
        let generate = client()
            .generate("a city")
            .reference_image_url("https://example.com/a.png")
            .duration_seconds(2.5)
            .aspect_ratio(AspectRatio::Square)
            .resolution("1080")
            .prefer(Preference::Cheapest)
            .with_idempotency_key("key-1".parse().unwrap());
        let submission = generate.prepare().unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(submission.body()).unwrap(),
            serde_json::json!({
                "prompt": "a city", "reference_image_url": "https://example.com/a.png", "duration_seconds": 2.5,
                "aspect": "1:1", "aspect_ratio": "1:1", "resolution": "1080p", "prefer": "cheapest",
                "idempotency_key": "key-1",
            })
        );
    }

    #[test]
    fn a_value_out_of_range_is_rejected_with_its_name() {
        let fine = || client().generate("a city");
        let invalid = |field| (ErrorKind::InvalidInput, Some(field));
        assert_eq!(rejected(client().generate("")), invalid("prompt"));
        assert_eq!(rejected(client().generate(" \n\t ")), invalid("prompt"));
        assert_eq!(rejected(client().generate("\u{feff}\u{a0}")), invalid("prompt"));
        assert!(client().generate("\u{85}").prepare().is_ok());
        assert_eq!(rejected(client().generate("a".repeat(MAX_PROMPT_CHARS + 1))), invalid("prompt"));
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY, 3600.5] {
            assert_eq!(rejected(fine().duration_seconds(seconds)), invalid("duration_seconds"), "{seconds}");
        }
        for url in ["", "skyline.jpg", "ftp://example.com/a", "file:///etc/passwd"] {
            assert_eq!(rejected(fine().reference_image_url(url)), invalid("reference_image_url"), "{url}");
        }
        assert_eq!(rejected(fine().resolution(Resolution::Unknown(String::new()))), invalid("resolution"));
    }
}
