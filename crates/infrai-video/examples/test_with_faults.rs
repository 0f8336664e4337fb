//! What your own tests look like: the code under test, and the sandbox with the faults that it must survive.
//!
//! ```sh
//! cargo test -p infrai-video --example test_with_faults
//! ```
//!
//! The sandbox runs inside the test, without a socket. tokio's clock is paused, so that jobs, retries and waits take no time.
//!
//! Crates: `infrai-video`; for the tests `infrai-video-sandbox`, `tempfile`, and `tokio` with the features `macros`, `rt` and
//! `test-util`.
#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::path::Path;

use infrai_video::download::Saved;
use infrai_video::{Client, Error};

/// The code under test: your program's own function. It gets its client from the caller, so a test can pass another one.
async fn make_clip(client: &Client, prompt: &str, path: &Path) -> Result<Saved, Error> {
    let job = client.generate(prompt).duration_seconds(2).submit().await?;
    job.wait().await?.download().to_path(path).await
}

/// The program: the same function with the real client.
#[tokio::main]
pub async fn main() -> Result<(), Error> {
    let saved = make_clip(&Client::from_env()?, "a city at dusk", Path::new("city.mp4")).await?;
    println!("saved {}", saved.path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use infrai_video::ErrorKind;
    use infrai_video::transport::TowerTransport;
    use infrai_video_sandbox::{Action, Fault, Operation, Sandbox, SandboxRouter};

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    /// A client of this sandbox. Any API key that begins with `ifr_pk_` has an account with 2 USD.
    fn client_of(sandbox: &SandboxRouter) -> Result<Client, Error> {
        Client::builder("ifr_pk_proj_test")
            .with_base_url(sandbox.base_url())
            .with_transport(TowerTransport::new(sandbox.clone()))
            .build()
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_response_costs_nothing_extra() -> TestResult {
        // The first request is accepted and charged, and its connection is closed without a response.
        let lost = Fault::on(Operation::Generate, Action::AcceptThenDrop).nth(1);
        let sandbox = Sandbox::builder().fault(lost).router();
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("city.mp4");

        let saved = make_clip(&client_of(&sandbox)?, "a city at dusk", &path).await?;

        // On the wire: two requests with one idempotency key.
        let journal = sandbox.journal();
        let keys: Vec<_> = journal
            .iter()
            .filter(|request| request.operation == Some(Operation::Generate))
            .map(|request| request.header("idempotency-key"))
            .collect();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0], keys[1]);
        // In the ledger: one charge. On the disk: the whole clip.
        assert_eq!(sandbox.ledger().charges().count(), 1);
        assert_eq!(std::fs::metadata(&path)?.len(), saved.bytes);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn without_credit_there_is_an_error_and_no_job() -> TestResult {
        let sandbox = Sandbox::builder().starting_balance(0.0).router();
        let result = make_clip(&client_of(&sandbox)?, "a city at dusk", Path::new("unused.mp4")).await;
        assert_eq!(result.err().map(|error| error.kind()), Some(ErrorKind::InsufficientCredit));
        assert!(sandbox.jobs().is_empty());
        Ok(())
    }
}
