//! The whole Infrai AI Video API on your own machine: no key, no cost and no network.
//!
//! The sandbox keeps what the real service keeps: jobs that take their time, accounts with credit, idempotency keys,
//! signed links that expire, clips that are real MP4 files. And it has what tests need beside that: a clock to turn, a
//! journal of every request, a ledger of every charge, and faults on purpose.
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
//! // Any key that starts with ifr_pk_ is an account of its own.
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
//! [`Sandbox`] listens on two ports of loopback, one for the API and one for the files, and stops when it is dropped;
//! [`Sandbox::shutdown`] lets the requests under way end first.
//! [`SandboxBuilder::router`] gives the same as a [`tower::Service`] without a socket: under tokio's paused clock a job
//! of ten minutes then takes a millisecond, and nothing depends on the system's time, on threads or on chance.
//!
//! # What it does
//!
//! - **Jobs** are queued, run, and end as succeeded, failed or cancelled, at times that follow from the clip's length
//!   and size ([`JobTimes`]). A prompt that holds `[fail]` fails midway with the code `CONTENT_REJECTED`.
//! - **Vendors** come from a [`Catalogue`]: they decide what can be made, for how much and how fast. `cheapest` takes the
//!   lowest price, `smartest` the highest quality, and `balanced` the highest quality among those that cost at most
//!   twice the lowest price.
//! - **Credit**: each account opens with 2 USD. A job is charged when it is accepted; one that fails, is cancelled, or is
//!   deleted before it is over, is given back. `POST /v1/account/topup` takes an optional `amount_usd` (10 if absent) and
//!   answers a `checkout_url`; opening it credits the amount, once.
//! - **Idempotency keys** are remembered for 24 hours. The same key with the same request gives the first answer again,
//!   with `cache_hit`; with another request it gives 409. Only requests that succeeded use a key up.
//! - **Links** are signed, new each time, and expire after 15 minutes or with the clip, whichever is first. The file host
//!   knows `Range`, `If-Range`, `If-None-Match` and `HEAD`.
//! - **Retention**: a clip goes 30 days after its job ended, or when `set_retention` says. A later date does not bring back
//!   a clip that has gone.
//!
//! # State that lasts
//!
//! With the feature `persist`, `SandboxBuilder::persist` keeps the state in a directory. An answer leaves when
//! everything that it may speak of is on the disk, and the next sandbox on the directory goes on where this one was
//! stopped or killed. Without it, nothing outlasts the sandbox.
//!
//! # Clock, chance and faults
//!
//! Time comes from a [`Clock`]: real, faster, or by hand. Everything that looks random follows from the seed, so that
//! the same requests at the same times give the same ids, links and journal. A [`Fault`] rule says which calls go wrong,
//! and its [`Action`] says how. A [`Scenario`] is a set of rules and settings that puts a client to one test.
//!
//! # Beside the API
//!
//! | route | |
//! |---|---|
//! | `GET /` | a page that shows the jobs live, the money and the clock, with switches for faults |
//! | `GET /docs` | the contract as a page to read |
//! | `GET /openapi.yaml`, `GET /openapi.json` | the contract |
//! | `GET /healthz` | says that the sandbox runs |
//! | `GET /__sandbox/jobs` | the jobs |
//! | `GET /__sandbox/jobs/ID` | one job, with fresh links to its files |
//! | `GET /__sandbox/events` | the newest jobs, the money, the clock and the faults as server-sent events: all at first, then what changes |
//! | `GET /__sandbox/journal` | the requests |
//! | `GET /__sandbox/ledger` | the money |
//! | `GET /__sandbox/clock` | the time |
//! | `POST /__sandbox/clock` | `{"advance_seconds": 60}` moves it forward |
//! | `GET /__sandbox/faults` | the fault rules, and how often each has matched and acted |
//! | `PUT /__sandbox/faults` | fault rules as TOML, in place of the ones there are; an empty body takes all away |
//! | `POST /__sandbox/faults` | fault rules as TOML, after the ones there are, whose counts go on |
//! | `POST /__sandbox/faults/remove` | fault rules as TOML: those that are equal to one of them go |
//! | `GET /__sandbox/vendors` | which vendors are up and which are down |
//! | `PUT /__sandbox/vendors` | `{"vendors": {"sandbox-swift": "down"}}` changes those that it names |
//! | `GET /__sandbox/scenarios` | the named scenarios |
//! | `PUT /__sandbox/scenario/NAME` | starts over with a named scenario |
//! | `PUT /__sandbox/scenario` | starts over with a scenario as TOML; an empty body goes back to the builder's settings, without rules |
//! | `POST /__sandbox/reset` | forgets everything |
//!
//! None of these is in the journal. Those under `/__sandbox/` answer on loopback only, and no page of another origin. The
//! clips and thumbnails that the page shows are fetched from the file host: they are in the journal, and meet fault rules.
//! With an [admin token](SandboxBuilder::admin_token) they answer whoever has it, wherever it
//! calls from, and nobody else.
//!
//! # As a server
//!
//! - **[`Limits`]** bound what callers send and how long they take. A connection beyond the limit waits; a body that is too
//!   large is answered with 413, too large headers with 431, and a body that makes no progress with 408.
//! - **Hosts**: a request has to name this sandbox: `localhost` or a name under it, a loopback address, the host of a
//!   public URL, or the address that it listens on (any address where it listens on all of them). Another name is answered
//!   with 421, so that no page of the web can read from the sandbox under a name that leads here. A missing, malformed or
//!   second `Host` header gets 400. [`SandboxBuilder::router`] has no sockets, and checks nothing.
//! - **Beyond loopback** it listens only where [`SandboxBuilder::host`] says so, and never without an admin token. Links
//!   and `checkout_url` lead to [`SandboxBuilder::public_url`] if there is one, to the address that it listens on
//!   otherwise, and to 127.0.0.1 where that is all addresses. There is no encryption.
//! - **Accounts** see nothing of each other. But ids, cursors and signatures follow from the seed: whoever knows it can
//!   foretell ids and sign links. A sandbox holds nothing worth keeping from somebody who would.
//! - **Clips** are made by threads of their own, as many at a time as there are processors; other calls do not wait for
//!   them. A page of `list` looks at its own jobs and one more, however deep it is.

mod admin;
mod allowed_hosts;
mod api;
mod app;
mod builder;
mod call;
mod catalogue;
mod clock;
mod connection;
mod cursor;
mod envelope;
mod extract;
mod faults;
mod files;
mod gate;
mod handle;
mod ids;
mod journal;
#[cfg_attr(
    not(feature = "persist"),
    allow(dead_code, reason = "only a sandbox that keeps its state has one")
)]
mod library;
mod limits;
mod links;
mod money;
mod observe;
mod operation;
mod page;
mod problem;
mod range;
mod reach;
mod resolution;
mod router;
mod scenario;
mod secrets;
mod server;
mod settings;
mod source;
mod start;
#[cfg(any(test, not(feature = "render")))]
mod stock;
mod store;
mod studio;
mod times;
mod toml_text;
mod validate;

pub use self::builder::SandboxBuilder;
pub use self::catalogue::{Catalogue, CatalogueError, UnknownVendor, VendorState};
pub use self::clock::{Clock, ClockHandle, UnknownClock};
pub use self::faults::{Action, Fault, FaultError, FaultRecord, Length, RetryAfter, When};
pub use self::handle::Handle;
pub use self::journal::{Host, JournalLimits, Seen};
pub use self::limits::Limits;
pub use self::operation::{Operation, UnknownOperation};
pub use self::reach::StartError;
pub use self::router::{ConnectionLost, SandboxRouter};
pub use self::scenario::{Scenario, ScenarioError, UnknownScenario};
pub use self::server::{Sandbox, Shutdown};
pub use self::source::{ClipFiles, ClipRequest};
#[cfg(feature = "persist")]
pub use self::store::PersistError;
pub use self::store::{JobRecord, JobState, Ledger, LedgerEntry, LedgerKind};
pub use self::times::JobTimes;
