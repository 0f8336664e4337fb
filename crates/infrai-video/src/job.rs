use std::fmt;

use infrai_video_client::types;
use tokio::time::Instant;

use crate::call::{Call, Write};
use crate::client::Client;
use crate::download::Download;
use crate::error::{Error, ErrorKind};
use crate::ids::{JobId, RetentionDays};
use crate::wait::Wait;

/// A handle on one job. Cheap to clone, and nothing more than its id is needed to make one again: see [`Client::job`].
#[derive(Clone)]
pub struct Job {
    client: Client,
    id: String,
    snapshot: Option<types::VideoJob>,
    /// When its submission began. `None` where the job may have been submitted long before.
    submitted: Option<Instant>,
}

impl Job {
    pub(crate) fn new(client: &Client, id: String, snapshot: Option<types::VideoJob>) -> Self {
        Self { client: client.clone(), id, snapshot, submitted: None }
    }

    /// The same job, submitted at that moment.
    pub(crate) fn submitted_at(self, submitted: Option<Instant>) -> Self {
        Self { submitted, ..self }
    }

    /// The job's id (`VideoJob.job_id`). Store it: it is all that is needed to go on.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The job as it was when this handle was made, where that is known.
    pub fn snapshot(&self) -> Option<&types::VideoJob> {
        self.snapshot.as_ref()
    }

    /// The id as a part of paths. An id that the service gave out and that cannot be one is no fault of the caller.
    pub(crate) fn checked_id(&self) -> Result<JobId, Error> {
        let unusable = |error: Error| {
            match &self.snapshot {
            None => error,
            Some(_) => Error::new(
                ErrorKind::Decode,
                format!(
                    "the service accepted the job, which is paid, and gave it the id {:?}, which cannot be one segment of a path: no \
                     request can name the job",
                    self.id.chars().take(40).collect::<String>()
                ),
            )
            .with_field("job_id")
            .with_hint("find its state and its video_url with `list`, and tell the service of its id"),
        }
        };
        self.id.parse().map_err(unusable)
    }

    pub(crate) fn submitted(&self) -> Option<Instant> {
        self.submitted
    }

    /// The client that this handle calls through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// See [`Client::status`].
    pub fn status(&self) -> Call<types::VideoJob> {
        self.client.status(self)
    }

    /// See [`Client::get`].
    pub fn get(&self) -> Call<types::VideoJobDetail> {
        self.client.get(self)
    }

    /// See [`Client::download_url`].
    pub fn download_url(&self) -> Call<types::DownloadLink> {
        self.client.download_url(self)
    }

    /// See [`Client::cancel`].
    pub fn cancel(&self) -> Write<types::Acknowledgement> {
        self.client.cancel(self)
    }

    /// See [`Client::delete`].
    pub fn delete(&self) -> Write<types::Acknowledgement> {
        self.client.delete(self)
    }

    /// See [`Client::set_retention`].
    pub fn set_retention(&self, days: RetentionDays) -> Write<types::Retention> {
        self.client.set_retention(self, days)
    }

    /// Waits until the job is final.
    pub fn wait(&self) -> Wait {
        Wait::new(self)
    }

    /// Downloads the clip of a job that has succeeded.
    pub fn download(&self) -> Download {
        Download::new(self)
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("state", &self.snapshot.as_ref().map(|job| &job.state))
            .finish_non_exhaustive()
    }
}
