//! From a prompt to a clip on the disk.
//!
//! ```sh
//! export INFRAI_API_KEY="ifr_pk_proj_..."
//! cargo run -p infrai-video --example quickstart
//! ```
//!
//! Without an API key, run it against the sandbox, which costs nothing. Start the sandbox in a second terminal:
//!
//! ```sh
//! cargo run -p infrai-video-cli -- sandbox --port 8787
//! ```
//!
//! and set both variables in the first one. Any API key that begins with `ifr_pk_` is accepted:
//!
//! ```sh
//! export INFRAI_API_KEY="ifr_pk_test" INFRAI_BASE_URL="http://127.0.0.1:8787"
//! ```
//!
//! Crates: `infrai-video`, and `tokio` with the features `macros` and `rt-multi-thread`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use infrai_video::download::{Download, Overwrite};
use infrai_video::{AspectRatio, Client, Error};

/// Makes one clip.
#[tokio::main]
pub async fn main() -> Result<(), Error> {
    // Reads INFRAI_API_KEY and INFRAI_BASE_URL. Nothing is sent yet.
    let client = Client::from_env()?;

    // Everything that can fail for free is checked before the request that is charged: whether the clip can be saved, and
    // whether any vendor can make it.
    Download::check_path("skyline.mp4", Overwrite::Refuse)?;
    let clip = client
        .generate("a timelapse of a city skyline at dusk")
        .resolution("1080p")
        .duration_seconds(5)
        .aspect_ratio(AspectRatio::Landscape);
    clip.preflight().await?;

    // This is charged once, however many attempts it takes. Keep the id: any process can continue with it.
    let job = clip.submit().await?;
    println!("submitted {}", job.id());

    // One update for each poll, until the job succeeds. `job.wait().await?` does the same without updates.
    let mut updates = job.wait().updates();
    let mut printed = None;
    while let Some(update) = updates.next().await {
        let update = update?;
        if printed.as_ref() != Some(&update.job.state) {
            println!("{} after {:.0} s", update.job.state, update.elapsed.as_secs_f64());
            printed = Some(update.job.state);
        }
    }

    // The file appears under this name only when it is complete and verified.
    let saved = job.download().to_path("skyline.mp4").await?;
    println!("saved {}: {} bytes, SHA-256 {}", saved.path.display(), saved.bytes, saved.sha256);
    Ok(())
}
