//! SDK for the Infrai text-to-video API. One call, one charge, one verified clip.
//!
//! ```no_run
//! # async fn example() -> Result<(), infrai_video::Error> {
//! use infrai_video::{AspectRatio, Client, Resolution};
//!
//! let client = Client::from_env()?;
//! let saved = client
//!     .generate("a timelapse of a city skyline at dusk")
//!     .resolution(Resolution::P1080)
//!     .duration_seconds(5)
//!     .aspect_ratio(AspectRatio::Landscape)
//!     .submit()
//!     .await?
//!     .wait()
//!     .await?
//!     .download()
//!     .to_path("skyline.mp4")
//!     .await?;
//! println!("{} bytes, sha256 {}", saved.bytes, saved.sha256);
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - **Nothing is paid twice.** The idempotency key is minted once, before the first attempt, and all attempts have it. A
//!   [`Submission`] can be stored before it is sent, and sent again by any process after a crash.
//! - **No clip is lost.** A wait survives errors of its polls, and needs only the job's id. A download resumes with a new link,
//!   and only a complete and verified clip gets its final name.
//! - **Nothing hangs.** Calls and waits have time limits, and downloads have a stall timeout.
//! - **The API key is only sent to the API.** It is never sent to the host of a download link, nor shown in logs or errors.
//!
//! # Limits
//!
//! The SDK stores nothing: store the [`Submission`] or the job's id. It does not top up the account. It does not inspect the
//! pictures of a clip, only its MP4 structure.
//!
//! # Names
//!
//! Setters of API fields have plain names; options of the SDK begin with `with_`. [`types`] are generated from the contract,
//! `openapi/video.yaml`.
//!
//! # Features
//!
//! - `rustls`, on by default: TLS for https, with the platform's CA certificates or those in `SSL_CERT_FILE`, and through
//!   the proxy in `HTTPS_PROXY` or `ALL_PROXY` (HTTP or SOCKS 5) except for hosts in `NO_PROXY`.
//! - `http2`: HTTP/2 with servers that support it.
//! - `gzip`: compressed API responses.
//! - `schemars`: `JsonSchema` of the crate schemars for every type of the contract.
//! - `jiff`, `chrono`: conversions between [`Timestamp`] and the types of jiff 1 and of chrono 0.4.

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
mod validation;
pub mod wait;

// Their types are in the signatures of transports.
pub use {http, reqwest};

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

/// The examples of the README run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
