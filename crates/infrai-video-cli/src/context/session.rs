//! The connection to the API: the service, a sandbox elsewhere, or a sandbox inside this process.

use std::time::Duration;

use infrai_video::wait::{PollBackoff, Wait};
use infrai_video::{Client, ClientBuilder, Job};

use crate::args::credentials;
use crate::failure::{Failure, Invocation};
use crate::ui::Output;

/// Bounds of the polling interval. One poll serves all jobs, and a user may be watching.
pub(crate) const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
pub(crate) const LONGEST_INTERVAL: Duration = Duration::from_secs(5);

/// The minimum polling interval of many jobs once they are known to take less than a few seconds.
const LEARNED_INTERVAL: Duration = Duration::from_millis(200);

/// An API client, and the sandbox inside this process if there is one.
pub(crate) struct Session {
    pub(crate) client: Client,
    #[cfg(feature = "sandbox")]
    sandbox: Option<infrai_video_sandbox::Sandbox>,
}

/// The polling interval for one job or many.
pub(crate) fn poll_backoff() -> PollBackoff {
    PollBackoff::between(SHORTEST_INTERVAL, LONGEST_INTERVAL)
}

/// The polling interval of a batch, which learns how long its jobs take.
pub(crate) fn batch_poll_backoff() -> PollBackoff {
    poll_backoff().with_learned_min(LEARNED_INTERVAL)
}

impl Session {
    #[cfg_attr(
        not(feature = "sandbox"),
        expect(clippy::unused_async, reason = "only the start of a sandbox is asynchronous")
    )]
    pub(super) async fn start(
        invocation: &Invocation,
        #[cfg_attr(not(feature = "sandbox"), expect(unused_variables, reason = "a sandbox is announced"))]
        output: &Output,
    ) -> Result<Self, Failure> {
        #[cfg(feature = "sandbox")]
        if invocation.uses_sandbox() {
            return embedded::start(invocation, output).await;
        }
        let builder = match credentials::api_key() {
            Some(key) => ClientBuilder::new(key),
            // It says what is missing.
            None => ClientBuilder::from_env().map_err(|error| Failure::of_call(invocation, &error))?,
        };
        let builder = builder.with_base_url(invocation.base_url());
        Ok(Self {
            client: client(builder, invocation)?,
            #[cfg(feature = "sandbox")]
            sandbox: None,
        })
    }

    /// A wait for a job. A sandbox inside this process is polled more often.
    pub(crate) fn wait(&self, job: &Job) -> Wait {
        #[cfg(feature = "sandbox")]
        if self.sandbox.is_some() {
            return job.wait().with_backoff(embedded::poll_backoff());
        }
        job.wait().with_backoff(poll_backoff())
    }
}

fn client(builder: ClientBuilder, invocation: &Invocation) -> Result<Client, Failure> {
    let builder = builder.with_user_agent_suffix(concat!("infrai-video-cli/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|error| Failure::of_call(invocation, &error))
}

#[cfg(feature = "sandbox")]
mod embedded {
    use std::time::Duration;

    use infrai_video::ClientBuilder;
    use infrai_video::wait::PollBackoff;
    use infrai_video_sandbox::{JobTimes, Sandbox};

    use super::{Session, client};
    use crate::exit_code::Exit;
    use crate::failure::{Failure, Invocation};
    use crate::ui::Output;

    const KEY: &str = "ifr_pk_sandbox";

    /// Enough for any one clip.
    const BALANCE_USD: f64 = 100.0;

    /// Long enough for each state to be seen, short enough not to delay a first try.
    const TIMES: JobTimes = JobTimes {
        queued: Duration::from_millis(400),
        running: Duration::from_millis(1000),
        per_clip_second: Duration::from_millis(50),
    };

    pub(super) async fn start(invocation: &Invocation, output: &Output) -> Result<Session, Failure> {
        let builder = Sandbox::builder().job_times(TIMES).starting_balance(BALANCE_USD);
        let sandbox = builder.start().await.map_err(|error| {
            Failure::new(Exit::Other, format!("the sandbox cannot be started: {error}"))
                .next(invocation.repeat())
        })?;
        output.status(
            "sandbox",
            "a local stand-in for the API: nothing is sent or charged, and its jobs are deleted when this command exits",
        );
        let client = client(ClientBuilder::new(KEY).with_base_url(sandbox.base_url()), invocation)?;
        Ok(Session { client, sandbox: Some(sandbox) })
    }

    pub(super) fn poll_backoff() -> PollBackoff {
        PollBackoff::between(Duration::from_millis(200), Duration::from_secs(1))
    }
}
