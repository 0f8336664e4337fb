//! What the SDK tells `tracing`: a span for each call and each attempt, and events for responses, retries and states.
//!
//! ```sh
//! cargo run -p infrai-video --example tracing
//! ```
//!
//! The target of everything is `infrai_video` or a module of it. Spans are at the level DEBUG:
//!
//! - `call` with `operation`, and `job_id` or `idempotency_key` if there is one
//! - `attempt` with `attempt`, the number of the attempt, inside of `call`
//!
//! No span or event contains the API key or a signed link.
//!
//! `quickstart` explains how to set the API key, or to run a sandbox. Crates: `infrai-video`, `tracing`, `tracing-subscriber`
//! with the feature `fmt`, and `tokio` with the features `macros` and `rt-multi-thread`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use infrai_video::download::Overwrite;
use infrai_video::{Client, Error};
use tracing::{Instrument as _, Level};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Makes one clip, and prints the traces.
#[tokio::main]
pub async fn main() -> Result<(), Error> {
    // The SDK in detail, your own spans, and nothing of other crates. With WARN only what needs attention is left: unknown
    // states, invalid clips, files that cannot be removed.
    let levels = Targets::new().with_target("infrai_video", Level::DEBUG).with_target("shop", Level::INFO);
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_ansi(false))
        .with(levels)
        .init();

    // A span of your own around the work: every event of the SDK in it has its fields too.
    let span = tracing::info_span!(target: "shop", "order", number = 17);
    let path = make_clip(&Client::from_env()?).instrument(span).await?;
    println!("saved {path}");
    Ok(())
}

async fn make_clip(client: &Client) -> Result<String, Error> {
    let job = client.generate("a harbour at night").duration_seconds(2).submit().await?;
    tracing::info!(target: "shop", job_id = job.id().as_str(), attempts = job.attempts(), "submitted");
    let finished = job.wait().await?;
    let saved = finished.download().with_overwrite(Overwrite::Replace).to_path("harbour.mp4").await?;
    Ok(saved.path.display().to_string())
}
