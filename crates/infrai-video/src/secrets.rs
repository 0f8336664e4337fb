//! Removal of secrets from texts of a server.

use std::borrow::Cow;

use infrai_video_client::types::Metadata;
use infrai_video_client::{ErrorBody, redact};
use secrecy::{ExposeSecret as _, SecretString};

/// The API key, which a server may quote.
pub(crate) struct Secrets(SecretString);

impl Secrets {
    pub(crate) fn new(key: &str) -> Self {
        Self(SecretString::from(key))
    }

    /// Removes the API key, and all other texts that look like secrets.
    pub(crate) fn remove_from(&self, text: &mut String) {
        if let Cow::Owned(safe) = redact(text, Some(self.0.expose_secret())) {
            *text = safe;
        }
    }

    pub(crate) fn remove_from_body(&self, mut body: ErrorBody) -> ErrorBody {
        let ErrorBody { code, message, hint, request_id, .. } = &mut body;
        [code, message, hint, request_id].into_iter().flatten().for_each(|text| self.remove_from(text));
        body
    }

    pub(crate) fn remove_from_metadata(&self, metadata: &mut Metadata) {
        let Metadata { request_id, vendor, .. } = metadata;
        [request_id, vendor].into_iter().flatten().for_each(|text| self.remove_from(text));
    }
}
