//! The whole Infrai AI Video API on your own machine: no key, no cost and no network.
//!
//! The sandbox implements what the real service does: jobs that take time, accounts with credit, idempotency keys, signed
//! links that expire, and clips that are real MP4 files. In addition it has what tests need: a clock that can be moved, a
//! journal of every request, a ledger of every charge, and fault injection.
//!
//! # In a test
//!
//! ```
//! use infrai_video_sandbox::{Clock, Operation, Sandbox};
//! use serde_json::{Value, json};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::builder().clock(Clock::manual()).start().await?;
//! let http = reqwest::Client::new();
//!
//! // Every key that starts with ifr_pk_ has an account of its own.
//! let job: Value = http
//!     .post(format!("{}/v1/video/generate", sandbox.base_url()))
//!     .bearer_auth("ifr_pk_proj_test")
//!     .header("Idempotency-Key", "skyline-1")
//!     .json(&json!({"prompt": "a timelapse of a city skyline at dusk"}))
//!     .send().await?
//!     .json().await?;
//! assert_eq!(job["data"]["state"], "queued");
//!
//! sandbox.clock().advance(Duration::from_secs(60));
//! let id = job["data"]["job_id"].as_str().expect("an id");
//! let job: Value = http
//!     .get(format!("{}/v1/video/status/{id}", sandbox.base_url()))
//!     .bearer_auth("ifr_pk_proj_test")
//!     .send().await?
//!     .json().await?;
//! assert_eq!(job["data"]["state"], "succeeded");
//!
//! assert_eq!(sandbox.ledger().charges().count(), 1);
//! assert_eq!(sandbox.journal()[1].operation, Some(Operation::Status));
//! # Ok(())
//! # }
//! ```
//!
//! [`Sandbox`] listens on two loopback ports, one for the API and one for the files, and stops when it is dropped;
//! [`Sandbox::shutdown`] finishes the requests in progress first.
//! [`SandboxBuilder::router`] returns the same as a [`tower::Service`] without a socket: under tokio's paused clock a job
//! of ten minutes then takes a millisecond, and nothing depends on the system time, on threads or on chance.
//!
//! # What it implements
//!
//! - **Jobs** are queued, run, and succeed, fail or are cancelled, at times that follow from the length and size of the clip
//!   ([`JobTimes`]). A prompt that contains `[fail]` fails midway with the code `CONTENT_REJECTED`.
//! - **Vendors** come from a [`Catalogue`], which determines what can be generated, at what price and how fast. `cheapest`
//!   selects the lowest price, `smartest` the highest quality, and `balanced` the highest quality among the vendors that
//!   cost at most twice the lowest price.
//! - **Credit**: each account starts with 2 USD. A job is charged when it is accepted, and refunded if it fails, is cancelled,
//!   or is deleted before it finishes. `POST /v1/account/topup` takes an optional `amount_usd` (default 10) and returns a
//!   `checkout_url`; opening that URL credits the amount, once.
//! - **Idempotency keys** are remembered for 24 hours. The same key with the same request returns the first response again,
//!   with `cache_hit`; with another request it results in 409. Only successful requests use a key up.
//! - **Links** are signed, different each time, and expire after 15 minutes or with the clip, whichever is first. The file host
//!   supports `Range`, `If-Range`, `If-None-Match` and `HEAD`.
//! - **Retention**: a clip is deleted 30 days after its job finished, or when `set_retention` says. A later date does not
//!   restore a deleted clip.
//!
//! # Features
//!
//! - `render`: clips are rendered from their prompts. It compiles OpenH264, which needs a C++ compiler. Without it, the
//!   sandbox serves a small clip that was rendered in advance, adapted to the requested length.
//! - `persist`: `SandboxBuilder::persist` keeps the state in a directory, on SQLite. A response is sent only after every
//!   change that it can reveal has been synced to disk, and the next sandbox on the directory continues where this one was
//!   stopped or killed. Without it, nothing outlasts the sandbox.
//!
//! # Clock, chance and faults
//!
//! Time comes from a [`Clock`]: real, scaled, or manual. Everything that looks random follows from the seed, so that the same
//! requests at the same times give the same ids, links and journal. A [`Fault`] rule selects the calls that go wrong, and its
//! [`Action`] what happens to them. A [`Scenario`] is a set of rules and settings for one test of a client.
//!
//! A [`Quirk`] makes all responses differ from the contract, as those of the real service might.
//!
//! # Beside the API
//!
//! | route | |
//! |---|---|
//! | `GET /` | a page with the jobs, the money and the clock, updated live, and switches for faults |
//! | `GET /docs` | the reference of the API and of the admin API |
//! | `GET /openapi.yaml`, `GET /openapi.json` | the OpenAPI document |
//! | `GET /healthz` | health check |
//! | `GET /__sandbox/` | the routes of the admin API |
//! | `GET /__sandbox/openapi.yaml`, `GET /__sandbox/openapi.json` | their OpenAPI document, which has the details |
//! | `GET /__sandbox/jobs` | the jobs |
//! | `GET /__sandbox/jobs/ID` | one job, with new links to its files |
//! | `GET /__sandbox/events` | the newest jobs, the money, the clock and the faults as server-sent events: everything first, then changes |
//! | `GET /__sandbox/journal` | the requests |
//! | `GET /__sandbox/ledger` | the money |
//! | `GET /__sandbox/clock` | the time |
//! | `POST /__sandbox/clock` | `{"advance_seconds": 60}` moves the clock forward |
//! | `GET /__sandbox/faults` | the fault rules, and how often each has matched and acted |
//! | `PUT /__sandbox/faults` | replaces the fault rules by those of the body; an empty body removes all |
//! | `POST /__sandbox/faults` | appends the fault rules of the body; the counts of the others continue |
//! | `POST /__sandbox/faults/remove` | removes the fault rules that equal one of the body |
//! | `GET /__sandbox/vendors` | which vendors are up and which are down |
//! | `PUT /__sandbox/vendors` | `{"vendors": {"sandbox-swift": "down"}}` changes the named vendors |
//! | `GET /__sandbox/scenarios` | the named scenarios |
//! | `PUT /__sandbox/scenario/NAME` | resets the sandbox and starts a named scenario |
//! | `PUT /__sandbox/scenario` | resets the sandbox and starts the scenario of the body; an empty body restores the builder's settings, without rules |
//! | `POST /__sandbox/reset` | forgets everything |
//!
//! Bodies are TOML or JSON, as `Content-Type` says. Without one, and as text or a form, fault rules and scenarios are TOML,
//! and the others JSON.
//!
//! None of these routes is in the journal. Those under `/__sandbox/` can be called from loopback only, and not from a page of
//! another origin. With an [admin token](SandboxBuilder::admin_token) they can be called from anywhere with the token, and
//! not without it. The clips and thumbnails that the page shows are fetched from the file host: they are in the journal, and
//! fault rules apply to them.
//!
//! # As a server
//!
//! - **[`Limits`]** bound the size and the duration of requests. A connection beyond the limit waits; a body that is too large
//!   results in 413, headers that are too large in 431, and a body that makes no progress in 408.
//! - **Hosts**: a request has to name this sandbox: `localhost` or a name under it, a loopback address, the host of a public
//!   URL, or the bind address (any address if it listens on all of them). Another name results in 421, so that no web page can
//!   read from the sandbox after DNS rebinding. A missing, malformed or second `Host` header results in 400.
//!   [`SandboxBuilder::router`] has no sockets, and checks no hosts.
//! - **Beyond loopback** it listens only if [`SandboxBuilder::host`] says so, and never without an admin token. Links and
//!   `checkout_url` lead to [`SandboxBuilder::public_url`] if there is one, otherwise to the bind address, and to 127.0.0.1 if
//!   that is all addresses. There is no encryption.
//! - **Accounts** are isolated from each other. But ids, cursors and signatures follow from the seed: whoever knows it can
//!   predict ids and sign links. Do not put anything confidential into a sandbox.
//! - **Clips** are produced on threads of their own, as many at a time as there are processors; other calls do not wait for
//!   them. A page of `list` reads its own jobs and one more, however deep it is.

mod account_handle;
mod api;
mod app_state;
mod builder;
mod clips;
mod clock;
mod faults;
mod handle;
mod http;
mod input;
mod model;
mod network;
mod page;
mod quirks;
mod start;
mod store;

pub use self::account_handle::AccountHandle;
pub use self::builder::SandboxBuilder;
pub use self::clips::source::{ClipFiles, ClipRequest};
pub use self::clock::{Clock, ClockHandle, UnknownClock};
pub use self::faults::scenario::{Scenario, UnknownScenario};
pub use self::faults::{Action, Fault, FaultRecord, Length, RetryAfter, When};
pub use self::handle::Handle;
pub use self::http::router::{ConnectionLost, ResponseBody, SandboxRouter};
pub use self::http::server::{Sandbox, Shutdown};
pub use self::input::InputError;
pub use self::model::catalogue::{Catalogue, UnknownVendor, VendorState};
pub use self::model::job_times::JobTimes;
pub use self::model::operation::{Host, Operation, UnknownOperation};
pub use self::network::limits::Limits;
pub use self::network::settings::StartError;
pub use self::quirks::{Quirk, UnknownQuirk};
#[cfg(feature = "persist")]
pub use self::store::PersistError;
pub use self::store::journal::{JournalLimits, Seen};
pub use self::store::{JobRecord, JobState, Ledger, LedgerEntry, LedgerKind};
