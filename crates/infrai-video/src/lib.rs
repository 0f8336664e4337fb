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
//!     .duration_seconds(5.0)
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
//! # What it promises
//!
//! - **Nothing is paid twice.** The idempotency key is made once, before the first attempt, and every repetition carries
//!   it. A [`Submission`] can be stored before it is sent, and sent again by any process after a crash.
//! - **No clip is lost.** A wait goes on through errors of its polls, and needs only the job's id. A download takes up
//!   where it was left, with fresh links, and only a whole and checked clip gets its final name.
//! - **Nothing hangs.** Every call has a deadline, every wait a longest time, every download a stall time-out.
//! - **The key stays with the API.** It is never sent to the host of a download link, nor shown in logs or errors.
//!
//! # What it does not do
//!
//! It keeps no record of what was asked for: store the [`Submission`] or the job's id. It does not top up the account. It
//! does not look into the picture: a whole MP4 is a clip.
//!
//! # Names
//!
//! Fields of the API have plain setters; options of the SDK begin with `with_`. Types come from the contract,
//! `openapi/video.yaml`, and are in [`types`].
//!
//! # Features
//!
//! - `rustls`, on by default: TLS for https, with the platform's CA certificates or those in `SSL_CERT_FILE`, and through
//!   the proxy in `HTTPS_PROXY` or `ALL_PROXY` (HTTP or SOCKS 5) except for hosts in `NO_PROXY`.
//! - `http2`: HTTP/2 with servers that support it.
//! - `gzip`: compressed API responses.
//! - `schemars`: every type of the contract has `JsonSchema` of the crate schemars.

mod call;
mod check;
mod client;
mod download;
mod error;
mod generate;
mod ids;
mod job;
mod list;
mod operations;
mod response;
mod retry;
mod secrets;
mod size;
mod text;
mod time;
mod transport;
mod wait;

pub use call::{Call, Write};
pub use check::Fit;
pub use client::{API_KEY_VARIABLE, BASE_URL_VARIABLE, Client, ClientBuilder, DEFAULT_BASE_URL, base_url};
pub use download::{ByteStream, Container, Download, Fetched, Overwrite, Progress, Saved, Written};
pub use error::{Error, ErrorKind};
pub use generate::{Generate, MAX_DURATION_SECONDS, MAX_PROMPT_CHARS, Submission, Submit};
pub use ids::{IdempotencyKey, JobId, RetentionDays};
// Whatever the contract has: a new vocabulary is here as soon as it is generated.
pub use infrai_video_client::vocabularies::*;
pub use infrai_video_client::{JobError, UnknownValue, types};
pub use job::Job;
pub use list::{Items, List, Pages};
pub use operations::IntoJobId;
pub use response::Response;
pub use retry::RetryPolicy;
pub use transport::{ResponseBody, Transport, TransportError, TransportErrorKind};
pub use wait::{
    Finished, JobUpdate, OnDrop, PollBackoff, Results, Updates, Wait, WaitAll, WaitError, WaitErrorKind,
};

/// The examples of the README run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
