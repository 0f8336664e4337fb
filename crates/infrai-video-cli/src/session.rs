//! The way to the API: the service, a sandbox elsewhere, or one inside this command.

use infrai_video::{Client, ClientBuilder, Job, Wait};

use crate::app::App;
use crate::failure::Failure;

/// A client, and the sandbox that it talks to where there is one inside this command.
pub(crate) struct Session {
    pub(crate) client: Client,
    #[cfg(feature = "sandbox")]
    sandbox: Option<infrai_video_sandbox::Sandbox>,
}

impl App {
    /// Sets the client up. Nothing is sent.
    #[cfg_attr(
        not(feature = "sandbox"),
        expect(clippy::unused_async, reason = "only a sandbox takes time to start")
    )]
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        #[cfg(feature = "sandbox")]
        if self.global.sandbox {
            return embedded::start(self).await;
        }
        let mut builder = ClientBuilder::from_env().map_err(|error| self.failed(&error))?;
        if let Some(url) = &self.global.base_url {
            builder = builder.with_base_url(url);
        }
        Ok(Session {
            client: self.client(builder)?,
            #[cfg(feature = "sandbox")]
            sandbox: None,
        })
    }

    fn client(&self, builder: ClientBuilder) -> Result<Client, Failure> {
        let builder = builder.with_user_agent_suffix(concat!("infrai-video-cli/", env!("CARGO_PKG_VERSION")));
        builder.build().map_err(|error| self.failed(&error))
    }
}

impl Session {
    /// A wait for a job. A sandbox inside this command does not mind being asked often.
    pub(crate) fn wait(&self, job: &Job) -> Wait {
        #[cfg(feature = "sandbox")]
        if self.sandbox.is_some() {
            return job.wait().with_backoff(embedded::poll_backoff());
        }
        job.wait().with_backoff(crate::work::backoff())
    }
}

#[cfg(feature = "sandbox")]
mod embedded {
    use std::time::Duration;

    use infrai_video::{ClientBuilder, PollBackoff};
    use infrai_video_sandbox::{JobTimes, Sandbox};

    use super::Session;
    use crate::app::App;
    use crate::exit::Exit;
    use crate::failure::Failure;

    const KEY: &str = "ifr_pk_sandbox";

    /// Enough for any one clip.
    const BALANCE_USD: f64 = 100.0;

    /// Long enough to be seen, short enough not to be waited for.
    const TIMES: JobTimes = JobTimes {
        queued: Duration::from_millis(400),
        running: Duration::from_millis(1000),
        per_clip_second: Duration::from_millis(50),
    };

    pub(super) async fn start(app: &App) -> Result<Session, Failure> {
        let sandbox =
            Sandbox::builder().job_times(TIMES).starting_balance(BALANCE_USD).start().await.map_err(
                |error| {
                    Failure::new(Exit::Other, format!("the sandbox cannot be started: {error}"))
                        .next(app.same_command())
                },
            )?;
        app.screen.say(
            "sandbox",
            "a local stand-in for the API: nothing is sent or charged, and its jobs end with this command",
        );
        let client = app.client(ClientBuilder::new(KEY).with_base_url(sandbox.base_url()))?;
        Ok(Session { client, sandbox: Some(sandbox) })
    }

    pub(super) fn poll_backoff() -> PollBackoff {
        PollBackoff::between(Duration::from_millis(200), Duration::from_secs(1))
    }
}
