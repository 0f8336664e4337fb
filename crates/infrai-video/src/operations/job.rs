//! Handles on jobs.

use std::fmt;

use infrai_video_client::types;
use tokio::time::Instant;

use crate::call::{Call, WriteCall};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::ids::{JobId, RetentionDays};

/// A handle on a job. Cheap to clone. [`Client::job`] makes one from the job's id.
#[derive(Clone)]
pub struct Job {
    client: Client,
    id: JobId,
    snapshot: Option<types::VideoJob>,
    /// When its submission began. `None` if the job may have been submitted long before.
    submitted: Option<Instant>,
}

impl Job {
    pub(crate) fn new(client: &Client, id: JobId, snapshot: Option<types::VideoJob>) -> Self {
        Self { client: client.clone(), id, snapshot, submitted: None }
    }

    pub(crate) fn submitted_at(self, submitted: Option<Instant>) -> Self {
        Self { submitted, ..self }
    }

    /// The job's id (`VideoJob.job_id`). Store it to continue in another process.
    pub fn id(&self) -> &JobId {
        &self.id
    }

    /// The job when this handle was created, if it is known.
    pub fn snapshot(&self) -> Option<&types::VideoJob> {
        self.snapshot.as_ref()
    }

    /// The id, checked for use in a path.
    pub(crate) fn checked_id(&self) -> Result<JobId, Error> {
        self.id.as_str().parse().map_err(|error| self.explain(error))
    }

    /// An invalid id of the service is not an error of the caller.
    fn explain(&self, error: Error) -> Error {
        if self.snapshot.is_none() {
            return error;
        }
        let start: String = self.id.as_str().chars().take(40).collect();
        let message = format!(
            "the service accepted the job, which is paid, with the id {start:?}, which cannot be one segment of a path: no request \
             can name the job"
        );
        let explained = Error::new(ErrorKind::Decode, message)
            .with_field("job_id")
            .with_hint("find its state and its video_url with `list`, and tell the service of its id");
        match error.operation() {
            Some(operation) => explained.with_operation(operation),
            None => explained,
        }
    }

    pub(crate) fn submitted(&self) -> Option<Instant> {
        self.submitted
    }

    /// The client of this handle.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// See [`Client::status`].
    pub fn status(&self) -> Call<types::VideoJob> {
        self.client.status(&self.id).map_invalid(|error| self.explain(error))
    }

    /// See [`Client::get`].
    pub fn get(&self) -> Call<types::VideoJobDetail> {
        self.client.get(&self.id).map_invalid(|error| self.explain(error))
    }

    /// See [`Client::download_url`].
    pub fn download_url(&self) -> Call<types::DownloadLink> {
        self.client.download_url(&self.id).map_invalid(|error| self.explain(error))
    }

    /// See [`Client::cancel`].
    pub fn cancel(&self) -> WriteCall<types::Acknowledgement> {
        self.client.cancel(&self.id).map_invalid(|error| self.explain(error))
    }

    /// See [`Client::delete`].
    pub fn delete(&self) -> WriteCall<types::Acknowledgement> {
        self.client.delete(&self.id).map_invalid(|error| self.explain(error))
    }

    /// See [`Client::set_retention`].
    pub fn set_retention(&self, days: RetentionDays) -> WriteCall<types::Retention> {
        self.client.set_retention(&self.id, days).map_invalid(|error| self.explain(error))
    }
}

impl AsRef<str> for Job {
    fn as_ref(&self) -> &str {
        self.id.as_str()
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id.as_str())
            .field("state", &self.snapshot.as_ref().map(|job| &job.state))
            .finish_non_exhaustive()
    }
}
