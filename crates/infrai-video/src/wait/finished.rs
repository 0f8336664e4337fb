use infrai_video_client::types::VideoJob;

use crate::ids::JobId;
use crate::operations::Job;

/// A job that has succeeded.
#[derive(Debug, Clone)]
pub struct Finished {
    job: Job,
}

impl Finished {
    pub(super) fn new(job: Job) -> Self {
        Self { job }
    }

    /// The job in the last response.
    pub fn job(&self) -> &VideoJob {
        self.job.snapshot().expect("a finished job has a snapshot")
    }

    /// The job's id.
    pub fn id(&self) -> &JobId {
        self.job.id()
    }

    /// The handle on the job.
    pub fn handle(&self) -> &Job {
        &self.job
    }
}
