//! The SDK beside clients that are written by hand: `client TASK NAME BASE_URL ...`.

mod by_hand;
mod download;
mod list;
mod status;

use harness::{Arguments, Counter, Failure};
use serde_json::Value;

/// The API key of all clients.
const KEY: &str = "ifr_pk_bench";

/// Runs the task of the command line and returns its report.
///
/// # Errors
///
/// If the task is unknown, or fails.
pub async fn run(counter: Counter) -> Result<Value, Failure> {
    let mut arguments = Arguments::new();
    let task: String = arguments.next("a task: status, list, download or hash")?;
    match task.as_str() {
        "status" => status::run(arguments, counter).await,
        "list" => list::run(arguments).await,
        "download" => download::run(arguments).await,
        "hash" => download::hash(arguments),
        _ => Err(format!("there is no task `{task}`").into()),
    }
}

/// The SDK's client.
fn sdk(base_url: &str) -> Result<infrai_video::Client, Failure> {
    Ok(infrai_video::Client::builder(KEY).with_base_url(base_url).build()?)
}
