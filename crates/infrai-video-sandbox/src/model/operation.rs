//! The operations of the sandbox and their routes.

use std::fmt;
use std::str::FromStr;

use http::Method;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::input::unknown;

/// One of the sandbox's two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Host {
    /// The API.
    Api,
    /// The host of the links.
    Files,
}

/// An operation of the sandbox: the ten of the API, the two of the account, and the two kinds of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `POST /v1/video/generate`
    Generate,
    /// `GET /v1/video/status/{id}`
    Status,
    /// `POST /v1/video/cancel/{id}`
    Cancel,
    /// `GET /v1/video/get/{id}`
    Get,
    /// `GET /v1/video/list`
    List,
    /// `DELETE /v1/video/delete/{id}`
    Delete,
    /// `POST /v1/video/delete_all`
    DeleteAll,
    /// `GET /v1/video/download_url/{id}`
    DownloadUrl,
    /// `POST /v1/video/set_retention/{id}`
    SetRetention,
    /// `GET /v1/video/capabilities`
    Capabilities,
    /// `POST /v1/account/topup`
    Topup,
    /// `GET /checkout/{id}`: what a top-up's checkout_url leads to
    Checkout,
    /// `GET /clips/{id}.mp4` on the file host
    Clip,
    /// `GET /thumbnails/{id}.jpg` on the file host
    Thumbnail,
}

impl Operation {
    /// Every operation.
    pub const ALL: &'static [Self] = &[
        Self::Generate,
        Self::Status,
        Self::Cancel,
        Self::Get,
        Self::List,
        Self::Delete,
        Self::DeleteAll,
        Self::DownloadUrl,
        Self::SetRetention,
        Self::Capabilities,
        Self::Topup,
        Self::Checkout,
        Self::Clip,
        Self::Thumbnail,
    ];

    /// The name in the contract, such as `delete_all`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The route in the syntax of axum.
    pub(crate) fn route(self) -> &'static str {
        match self {
            Self::Generate => "/v1/video/generate",
            Self::Status => "/v1/video/status/{id}",
            Self::Cancel => "/v1/video/cancel/{id}",
            Self::Get => "/v1/video/get/{id}",
            Self::List => "/v1/video/list",
            Self::Delete => "/v1/video/delete/{id}",
            Self::DeleteAll => "/v1/video/delete_all",
            Self::DownloadUrl => "/v1/video/download_url/{id}",
            Self::SetRetention => "/v1/video/set_retention/{id}",
            Self::Capabilities => "/v1/video/capabilities",
            Self::Topup => "/v1/account/topup",
            Self::Checkout => "/checkout/{id}",
            Self::Clip => "/clips/{file}",
            Self::Thumbnail => "/thumbnails/{file}",
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Generate | Self::Cancel | Self::DeleteAll | Self::SetRetention | Self::Topup => {
                Method::POST
            }
            Self::Delete => Method::DELETE,
            _ => Method::GET,
        }
    }

    /// The JSON body that a request of this operation may have. A test compares it with the contract.
    pub(crate) fn body(self) -> RequestBody {
        match self {
            Self::Generate => RequestBody::Required { example: "{\"prompt\": \"a lighthouse at dusk\"}" },
            Self::SetRetention => RequestBody::Required { example: "{\"days\": 30}" },
            Self::Cancel | Self::DeleteAll => RequestBody::Optional { example: "{}" },
            Self::Topup => RequestBody::Optional { example: "{\"amount_usd\": 10}" },
            _ => RequestBody::Ignored,
        }
    }

    /// The operation of a method on a matched route.
    pub(crate) fn of(method: &Method, route: &str) -> Option<Self> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        Self::ALL
            .iter()
            .copied()
            .find(|operation| operation.route() == route && operation.method() == *method)
    }

    /// Whether its path ends with the id of a job.
    pub(crate) fn takes_job_id(self) -> bool {
        self.route().ends_with("/{id}") && self != Self::Checkout
    }

    /// Whether the file host serves it.
    pub(crate) fn is_file(self) -> bool {
        matches!(self, Self::Clip | Self::Thumbnail)
    }
}

/// Whether an operation takes a JSON body, with an example of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestBody {
    /// A request without a body is rejected.
    Required { example: &'static str },
    /// The body is optional. `null` counts as no body: some generated clients send it if their caller passed none.
    Optional { example: &'static str },
    /// The operation has no body. A body is ignored.
    Ignored,
}

impl RequestBody {
    /// The hint for a request with an invalid body.
    pub(crate) fn hint(self) -> String {
        match self {
            Self::Required { example } => {
                format!("send a JSON object such as {example} with `Content-Type: application/json`")
            }
            Self::Optional { example } => {
                format!(
                    "send a JSON object such as {example} with `Content-Type: application/json`, or no body"
                )
            }
            Self::Ignored => "send no body".to_owned(),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error of a name that is not an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the operation {0}")]
pub struct UnknownOperation(String);

impl FromStr for Operation {
    type Err = UnknownOperation;

    /// Parses the name in the contract, with underscores or dashes.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let wanted = name.replace('-', "_");
        Self::ALL
            .iter()
            .copied()
            .find(|operation| operation.as_str() == wanted)
            .ok_or_else(|| UnknownOperation(unknown(name, Self::ALL.iter().map(|known| known.as_str()))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_operation_takes_the_body_that_the_contract_says() {
        let contract: Value = serde_json::from_str(include_str!("../contract/video.json")).expect("JSON");
        for operation in Operation::ALL.iter().filter(|operation| operation.route().starts_with("/v1/video/"))
        {
            let method = operation.method().as_str().to_lowercase();
            let body = &contract["paths"][operation.route()][&method]["requestBody"];
            let documented = match (body.is_null(), body["required"].as_bool()) {
                (true, _) => "none",
                (false, Some(true)) => "required",
                (false, _) => "optional",
            };
            let taken = match operation.body() {
                RequestBody::Ignored => "none",
                RequestBody::Required { .. } => "required",
                RequestBody::Optional { .. } => "optional",
            };
            assert_eq!(taken, documented, "{operation}");
        }
    }
}
