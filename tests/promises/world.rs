//! A sandbox without a socket, a client of it, and a look at what happened.

use std::path::PathBuf;

use contract_tests::client_of;
use contract_tests::transports::RouterTransport;
use infrai_video::{Client, ClientBuilder, Job};
use infrai_video_sandbox::{Clock, Fault, Operation, SandboxBuilder, SandboxRouter, Seen};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) sandbox: SandboxRouter,
    pub(crate) client: Client,
    directory: TempDir,
}

impl World {
    /// A world in which these things go wrong.
    pub(crate) fn with(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::of(infrai_video_sandbox::Sandbox::builder().faults(faults), |client| client)
    }

    pub(crate) fn of(sandbox: SandboxBuilder, settings: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let sandbox = sandbox.clock(Clock::real()).router();
        let clock = sandbox.clone();
        let client = client_of(sandbox.base_url())
            .with_transport(RouterTransport(sandbox.clone()))
            .with_wall_clock(move || clock.clock().now().into());
        Self { sandbox, client: settings(client).build().unwrap(), directory: tempfile::tempdir().unwrap() }
    }

    /// A job that is accepted, with nothing going wrong on the way.
    pub(crate) async fn job(&self) -> Job {
        self.client.generate("a city at dusk").duration_seconds(0.2).submit().await.unwrap().into_inner()
    }

    /// A job that fails, and is over.
    pub(crate) async fn filtered_job(&self) -> Job {
        let job = self.client.generate("a city [fail]").submit().await.unwrap().into_inner();
        tokio::time::sleep(tokio::time::Duration::from_secs(600)).await;
        job
    }

    /// The same, and done.
    pub(crate) async fn finished_job(&self) -> Job {
        let job = self.job().await;
        tokio::time::sleep(tokio::time::Duration::from_secs(600)).await;
        job
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("clip.mp4")
    }

    /// The names of the files beside the clip, and its own.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn requests(&self, operation: Operation) -> Vec<Seen> {
        self.sandbox.journal().into_iter().filter(|seen| seen.operation == Some(operation)).collect()
    }

    /// Jobs, charges, and charges for something that was paid for before.
    pub(crate) fn money(&self) -> (usize, usize, usize) {
        let ledger = self.sandbox.ledger();
        (self.sandbox.jobs().len(), ledger.charges().count(), ledger.double_charges())
    }

    /// How many times the service was asked to generate, after checking that each time was the same request.
    pub(crate) fn posts(&self) -> usize {
        let posts = self.requests(Operation::Generate);
        let what = |seen: &Seen| (seen.header("idempotency-key").map(str::to_owned), seen.body.clone());
        assert!(posts.iter().all(|post| post.header("idempotency-key").is_some()));
        assert!(posts.windows(2).all(|pair| what(&pair[0]) == what(&pair[1])), "all posts are one request");
        posts.len()
    }

    /// Checks that the clip on the disk is the sandbox's, byte for byte, with nothing beside it.
    pub(crate) async fn assert_whole_clip(&self, job: &Job) {
        let bytes = std::fs::read(self.path()).unwrap();
        assert!(
            bytes == self.sandbox.clip_bytes(job.id()).await.unwrap(),
            "the clip is not what the sandbox made"
        );
        assert_eq!(self.files(), ["clip.mp4"]);
    }
}
