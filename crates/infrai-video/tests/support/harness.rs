//! A sandbox without a socket, a client of it, and queries about what happened.

use std::path::PathBuf;

use infrai_video::transport::TowerTransport;
use infrai_video::{Client, ClientBuilder, Job};
use infrai_video_sandbox::{Clock, Fault, Operation, Sandbox, SandboxBuilder, SandboxRouter, Seen};
use tempfile::TempDir;

use super::client_of;

pub(crate) struct Harness {
    pub(crate) sandbox: SandboxRouter,
    pub(crate) client: Client,
    directory: TempDir,
}

impl Harness {
    /// A sandbox with these faults.
    pub(crate) fn with(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::of(Sandbox::builder().faults(faults), |client| client)
    }

    pub(crate) fn of(sandbox: SandboxBuilder, settings: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let sandbox = sandbox.clock(Clock::real()).router();
        let clock = sandbox.clone();
        let client = client_of(sandbox.base_url())
            .with_transport(TowerTransport::new(sandbox.clone()))
            .with_wall_clock(move || clock.clock().now());
        let client = settings(client).build().expect("the settings are valid");
        let directory = tempfile::tempdir().expect("a temporary directory can be created");
        Self { sandbox, client, directory }
    }

    /// A job that was accepted.
    pub(crate) async fn job(&self) -> Job {
        let job = self.client.generate("a city at dusk").duration_seconds(0.2).submit().await;
        job.expect("no fault affects the submission").into_inner()
    }

    /// A job that has failed.
    pub(crate) async fn failed_job(&self) -> Job {
        let job = self.client.generate("a city [fail]").submit().await;
        tokio::time::sleep(tokio::time::Duration::from_secs(600)).await;
        job.expect("no fault affects the submission").into_inner()
    }

    /// A job that has succeeded.
    pub(crate) async fn finished_job(&self) -> Job {
        let job = self.job().await;
        tokio::time::sleep(tokio::time::Duration::from_secs(600)).await;
        job
    }

    /// Where the clip is to be saved.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("clip.mp4")
    }

    /// The names of all files in the clip's directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.directory).expect("the directory can be read");
        let names = entries.map(|entry| entry.expect("the directory can be read").file_name().into_string());
        let mut names: Vec<_> = names.map(|name| name.expect("the names are UTF-8")).collect();
        names.sort();
        names
    }

    /// The requests of an operation.
    pub(crate) fn requests(&self, operation: Operation) -> Vec<Seen> {
        self.sandbox.journal().into_iter().filter(|seen| seen.operation == Some(operation)).collect()
    }

    /// The numbers of jobs, of charges, and of charges for something that was paid for before.
    pub(crate) fn money(&self) -> (usize, usize, usize) {
        let ledger = self.sandbox.ledger();
        (self.sandbox.jobs().len(), ledger.charges().count(), ledger.double_charges())
    }

    /// The number of `video_generate` requests, after a check that all of them are the same request.
    pub(crate) fn posts(&self) -> usize {
        let posts = self.requests(Operation::Generate);
        let what = |seen: &Seen| (seen.header("idempotency-key").map(str::to_owned), seen.body.clone());
        assert!(posts.iter().all(|post| post.header("idempotency-key").is_some()));
        assert!(posts.windows(2).all(|pair| what(&pair[0]) == what(&pair[1])), "all posts are one request");
        posts.len()
    }

    /// Checks that the saved clip is the sandbox's, byte for byte, and that nothing else is in the directory.
    pub(crate) async fn assert_whole_clip(&self, job: &Job) {
        let saved = std::fs::read(self.path()).expect("the clip can be read");
        let rendered = self.sandbox.clip_bytes(job.id()).await.expect("the job has a clip");
        assert!(saved == rendered, "the clip differs from the sandbox's");
        assert_eq!(self.files(), ["clip.mp4"]);
    }
}
