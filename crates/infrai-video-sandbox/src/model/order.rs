//! The content of a `generate` request.

use serde::{Deserialize, Serialize};

/// A validated `generate` request with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) prompt: String,
    pub(crate) reference_image_url: Option<String>,
    pub(crate) duration_seconds: f64,
    pub(crate) aspect: String,
    pub(crate) resolution: String,
    pub(crate) prefer: Prefer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Prefer {
    Balanced,
    Cheapest,
    Smartest,
}
