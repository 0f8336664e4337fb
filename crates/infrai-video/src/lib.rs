#![doc = include_str!("../README.md")]
//!
//! # Where to find it
//!
//! | | |
//! |---|---|
//! | [`Client`], [`ClientBuilder`] | a method for each operation of the API; settings |
//! | [`Generate`], [`Submission`], [`Job`] | a request for a clip, a request that can be stored, a job |
//! | [`Call`], [`WriteCall`], [`Response`] | a call, which is sent when it is awaited, and its result with metadata |
//! | [`wait`] | waiting for one job or for many |
//! | [`download`] | saving clips, or reading them as a stream |
//! | [`list`] | the jobs of the account, as pages or as a stream |
//! | [`retry`] | attempts, delays and time limits of calls |
//! | [`transport`] | replacing the network |
//! | [`Error`], [`ErrorKind`], [`wait::WaitError`] | errors |
//! | [`types`] | the types of the contract, generated from `openapi/video.yaml` |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod base_url;
mod call;
mod client;
mod clock;
pub mod download;
mod error;
mod ids;
mod operations;
mod preflight;
mod resolution;
mod response;
pub mod retry;
mod secrets;
mod text;
pub mod transport;
mod url;
mod validation;
pub mod wait;

// Its types are in the signatures of transports.
pub use http;
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub use reqwest;

pub use base_url::base_url;
pub use call::{Call, WriteCall};
pub use client::{API_KEY_VARIABLE, BASE_URL_VARIABLE, Client, ClientBuilder, DEFAULT_BASE_URL};
pub use error::{Error, ErrorKind};
pub use ids::{IdempotencyKey, JobId, RetentionDays};
// All of them, so that a new vocabulary is exported as soon as it is generated.
pub use infrai_video_client::vocabularies::*;
pub use infrai_video_client::{JobError, Timestamp, TimestampError, UnknownValue, types};
pub use operations::{Generate, Job, Submission, Submit, list};
pub use preflight::CapabilityMatch;
pub use response::Response;
pub use validation::{MAX_DURATION_SECONDS, MAX_PROMPT_CHARS};
