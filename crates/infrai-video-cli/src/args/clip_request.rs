use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use infrai_video::{AspectRatio, Client, Generate, Preference, Resolution};
use serde::{Deserialize, Serialize};

use super::headings::CLIP;
use super::values::seconds;

// A clip that the user requests: the options of `generate`, a line of a plan, and an item of the ledger. The fields are those of
// the contract's `GenerateRequest` without a key. (A doc comment would become the help of `generate`.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Args)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClipRequest {
    #[arg(skip)]
    pub(crate) prompt: String,
    /// Length in seconds
    ///
    /// Above 0; each vendor has a maximum, which infrai-video capabilities shows. Without it, the service decides.
    #[arg(long = "duration", value_name = "SECONDS", help_heading = CLIP, allow_negative_numbers = true, value_parser = seconds)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration_seconds: Option<f64>,
    // The spelling of the user is kept, since the text of the request identifies an item of the ledger.
    /// Size: 720p, 1080p or 4k
    ///
    /// Or another one that infrai-video capabilities lists. Without it, the service decides.
    #[arg(long, value_name = "SIZE", help_heading = CLIP)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resolution: Option<String>,
    /// Width to height: 16:9, 9:16 or 1:1
    #[arg(long, value_name = "RATIO", help_heading = CLIP, hide_possible_values = true, value_parser = PossibleValuesParser::new(AspectRatio::KNOWN)
        .try_map(|text| text.parse::<AspectRatio>()))]
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "aspect")]
    pub(crate) aspect_ratio: Option<AspectRatio>,
    /// Vendor: balanced, cheapest or smartest
    ///
    /// The criterion by which the service chooses a vendor: the best value, the lowest price or the best quality.
    #[arg(long, value_name = "CRITERION", help_heading = CLIP, hide_possible_values = true, ignore_case = true, value_parser = PossibleValuesParser::new(Preference::KNOWN)
        .try_map(|text| text.parse::<Preference>()))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prefer: Option<Preference>,
    /// An image that the clip should follow
    ///
    /// An http or https URL.
    #[arg(long, value_name = "URL", help_heading = CLIP, hide_short_help = true)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference_image_url: Option<String>,
}

impl ClipRequest {
    /// The request of the SDK, not yet validated.
    pub(crate) fn to_generate(&self, client: &Client) -> Generate {
        let mut generate = client.generate(&self.prompt);
        if let Some(seconds) = self.duration_seconds {
            generate = generate.duration_seconds(seconds);
        }
        if let Some(resolution) = &self.resolution {
            generate = generate.resolution(Resolution::from(resolution.as_str()));
        }
        if let Some(ratio) = self.aspect_ratio {
            generate = generate.aspect_ratio(ratio);
        }
        if let Some(preference) = self.prefer {
            generate = generate.prefer(preference);
        }
        if let Some(url) = &self.reference_image_url {
            generate = generate.reference_image_url(url);
        }
        generate
    }

    /// The JSON form by which requests are compared: equal requests have equal text.
    pub(crate) fn canonical_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers have a JSON form")
    }
}
