//! Many clips at once: submit them, wait for all of them together, save each one as soon as it is ready.
//!
//! A job that fails does not affect the others. The clips are saved in the directory `clips`, named after their jobs.
//!
//! ```sh
//! cargo run -p infrai-video --example many_jobs
//! ```
//!
//! `quickstart` explains how to set the API key, or to run a sandbox. Crates: `infrai-video`, `futures-util`, and `tokio` with
//! the features `macros` and `rt-multi-thread`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::collections::HashMap;
use std::sync::Mutex;

use futures_util::{StreamExt as _, stream};
use infrai_video::{Client, JobId, JobState};

const PROMPTS: [&str; 3] = ["a lighthouse in a storm", "a river at dawn", "a snowy forest"];

/// Makes a clip of each prompt.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    std::fs::create_dir_all("clips")?;

    // Four submissions at a time. `buffered` keeps the order of the prompts.
    let submitted: Vec<_> = stream::iter(PROMPTS)
        .map(|prompt| {
            let submit = client.generate(prompt).duration_seconds(2).submit();
            async move { (prompt, submit.await) }
        })
        .buffered(4)
        .collect()
        .await;
    let mut pending: HashMap<JobId, &str> = HashMap::new();
    let mut failed = 0;
    for (prompt, result) in submitted {
        match result {
            Ok(job) => drop(pending.insert(job.id().clone(), prompt)),
            // Started again, this program would pay for a second clip. `survive_restart` stores each submission instead.
            Err(error) if error.is_outcome_unknown() => {
                println!("perhaps submitted, look for the job before you repeat it: {prompt}: {error}");
                failed += 1;
            }
            Err(error) => {
                println!("not submitted: {prompt}: {error}");
                failed += 1;
            }
        }
    }

    // One request reads the states of up to a hundred jobs. The callback is called for each job of each response, so it
    // remembers the states that it has printed.
    let printed: Mutex<HashMap<String, JobState>> = Mutex::default();
    let wait = client.wait_all(pending.keys()).with_on_update(move |job| {
        let mut printed = printed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if printed.insert(job.job_id.clone(), job.state.clone()).as_ref() != Some(&job.state) {
            println!("{} is {}", job.job_id, job.state);
        }
    });
    let mut results = wait.results();
    while let Some((id, result)) = results.next().await {
        let prompt = pending.remove(&id).unwrap_or_default();
        let saved = match result {
            // In a directory, the clip is named after its job, so that no two clips have the same name.
            Ok(finished) => finished.download().to_path("clips").await,
            Err(error) => Err(error.into()),
        };
        match saved {
            Ok(saved) => println!("saved {}: {prompt}", saved.path.display()),
            Err(error) => {
                println!("no clip of: {prompt}: {error}");
                failed += 1;
            }
        }
    }
    match failed {
        0 => Ok(()),
        1 => Err("1 prompt has no clip".into()),
        _ => Err(format!("{failed} prompts have no clip").into()),
    }
}
