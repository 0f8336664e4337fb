//! A program that may be killed at any moment, and still pays for its clip once.
//!
//! The request is stored before it is sent, with the idempotency key that all attempts have in common. A process that finds a
//! stored request sends exactly the same one again: the service then returns the job that it already has.
//!
//! With `CRASH` set, the program dies right after the service has accepted the request, the worst moment: the clip is paid
//! for, and the program has not recorded its job. Run it again, and it continues.
//!
//! ```sh
//! CRASH=1 cargo run -p infrai-video --example survive_restart
//! cargo run -p infrai-video --example survive_restart
//! ```
//!
//! `quickstart` explains how to set the API key, or to run a sandbox. Crates: `infrai-video`, and `tokio` with the features
//! `macros` and `rt-multi-thread`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};

use infrai_video::download::Overwrite;
use infrai_video::{Client, Submission};

/// Where the request is stored. A service would use a table of its database.
const STORE: &str = "submission.json";

/// Makes one clip, in one run or in several.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;

    let submission = match fs::read_to_string(STORE) {
        Ok(stored) => {
            println!("continuing with {STORE}");
            Submission::from_json(&stored)?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // The service remembers an idempotency key for 24 hours. Its own time in the submission makes the age exact even
            // if the clock of this machine is wrong.
            client.sync_time().await;
            let submission = client.generate("a lighthouse in a storm").duration_seconds(2).prepare()?;
            store(&submission)?;
            println!("stored {STORE}");
            submission
        }
        Err(error) => return Err(error.into()),
    };

    // The same idempotency key and the same bytes in every run: one job, one charge.
    let job = client.submit(&submission).await?;
    println!("the job is {}", job.id());
    if std::env::var_os("CRASH").is_some() {
        println!("crashing");
        std::process::abort();
    }

    // A wait and a download need only the id, and an interrupted download resumes. If the last run stopped after the
    // download, the same clip is downloaded again.
    let finished = job.wait().await?;
    let saved = finished.download().with_overwrite(Overwrite::Replace).to_path("lighthouse.mp4").await?;
    println!("saved {}: {} bytes", saved.path.display(), saved.bytes);

    // Only now is the stored request of no more use.
    fs::remove_file(STORE)?;
    Ok(())
}

/// Stores the submission so that not even a power failure loses it: complete under its final name, or not at all.
fn store(submission: &Submission) -> std::io::Result<()> {
    let new = format!("{STORE}.new");
    let mut file = File::create(&new)?;
    file.write_all(submission.to_json().as_bytes())?;
    file.sync_all()?;
    fs::rename(new, STORE)?;
    // The new name is durable when its directory is. Windows has no such call.
    if cfg!(unix) {
        File::open(".")?.sync_all()?;
    }
    Ok(())
}
