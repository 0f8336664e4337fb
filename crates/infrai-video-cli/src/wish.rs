//! A clip that is wanted, in the contract's words: what the options of `generate` and a line of a plan both say.

use infrai_video::{AspectRatio, Client, Generate, Preference, Resolution};
use serde::{Deserialize, Serialize};

/// The fields of a request (the contract's `GenerateRequest`), without a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    pub(crate) prompt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration_seconds: Option<f64>,
    /// As it was typed, since an item of the ledger is identified by its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resolution: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "aspect")]
    pub(crate) aspect_ratio: Option<AspectRatio>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prefer: Option<Preference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference_image_url: Option<String>,
}

impl Wish {
    /// The request, not yet checked.
    pub(crate) fn request(&self, client: &Client) -> Generate {
        let mut request = client.generate(&self.prompt);
        if let Some(seconds) = self.duration_seconds {
            request = request.duration_seconds(seconds);
        }
        if let Some(resolution) = &self.resolution {
            request = request.resolution(Resolution::from(resolution.as_str()));
        }
        if let Some(ratio) = self.aspect_ratio {
            request = request.aspect_ratio(ratio);
        }
        if let Some(preference) = self.prefer {
            request = request.prefer(preference);
        }
        if let Some(url) = &self.reference_image_url {
            request = request.reference_image_url(url);
        }
        request
    }

    /// The one JSON form of it: equal wishes are equal text.
    pub(crate) fn canonical(&self) -> String {
        serde_json::to_string(self).expect("text, numbers and words have a JSON form")
    }
}
