//! The operations of the contract, one method each. `generate` and `list` have files of their own.

use infrai_video_client::{options, types};

use crate::call::{Call, Plan, Write};
use crate::client::Client;
use crate::error::Error;
use crate::ids::{JobId, RetentionDays};
use crate::job::Job;

/// Whatever names a job: an id that was checked before, or a text that is checked when the call is made.
pub trait IntoJobId {
    /// The checked id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a text that cannot be an id.
    fn into_job_id(self) -> Result<JobId, Error>;
}

impl IntoJobId for JobId {
    fn into_job_id(self) -> Result<JobId, Error> {
        Ok(self)
    }
}

impl IntoJobId for &JobId {
    fn into_job_id(self) -> Result<JobId, Error> {
        Ok(self.clone())
    }
}

impl IntoJobId for &Job {
    fn into_job_id(self) -> Result<JobId, Error> {
        self.checked_id()
    }
}

impl IntoJobId for &str {
    fn into_job_id(self) -> Result<JobId, Error> {
        self.parse()
    }
}

impl IntoJobId for &String {
    fn into_job_id(self) -> Result<JobId, Error> {
        self.parse()
    }
}

impl IntoJobId for String {
    fn into_job_id(self) -> Result<JobId, Error> {
        self.parse()
    }
}

impl Client {
    /// A handle on a job that is known by its id, for any process to go on with. Nothing is sent.
    ///
    /// An id that cannot be one is reported by the first call that needs it.
    pub fn job(&self, id: impl Into<String>) -> Job {
        Job::new(self, id.into(), None)
    }

    /// The job's state and links: the cheap call for polling (`GET /v1/video/status/{id}`, `video_status`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where the account has no such job.
    pub fn status(&self, id: impl IntoJobId) -> Call<types::VideoJob> {
        let plan = self.job_plan("video_status", id);
        Call::new(self, plan, |api, plan| {
            Box::pin(api.video_status(plan.job(), options::VideoStatus::default()))
        })
    }

    /// The job with its clip's duration and resolution, its vendor and model (`GET /v1/video/get/{id}`, `video_get`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where the account has no such job.
    pub fn get(&self, id: impl IntoJobId) -> Call<types::VideoJobDetail> {
        let plan = self.job_plan("video_get", id);
        Call::new(self, plan, |api, plan| Box::pin(api.video_get(plan.job(), options::VideoGet::default())))
    }

    /// A temporary link to the clip of a succeeded job (`GET /v1/video/download_url/{id}`, `video_download_url`).
    ///
    /// The link carries its own permission: never send the key to it. [`Job::download`] fetches links by itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) where there is no clip yet, or no longer.
    pub fn download_url(&self, id: impl IntoJobId) -> Call<types::DownloadLink> {
        let plan = self.job_plan("video_download_url", id);
        Call::new(self, plan, |api, plan| {
            Box::pin(api.video_download_url(plan.job(), options::VideoDownloadUrl::default()))
        })
    }

    /// Reads the service's time from an unpaid request, unless a response has shown it already. Sends at most one or two
    /// requests for each client, and ignores their failures.
    ///
    /// Submissions that are [prepared](crate::Generate::prepare) afterwards are stamped by the service's clock. Without it they
    /// are stamped by this machine's: one that was ahead makes an idempotency key look younger than it is to the process that
    /// sends a stored submission again.
    pub async fn sync_time(&self) {
        crate::call::sync_time(self).await;
    }

    /// What each vendor can make (`GET /v1/video/capabilities`, `video_capabilities`).
    pub fn capabilities(&self) -> Call<types::VideoCapabilities> {
        let plan = Ok(self.plan("video_capabilities"));
        Call::new(self, plan, |api, _| {
            Box::pin(api.video_capabilities(options::VideoCapabilities::default()))
        })
    }

    /// Stops a queued or running job (`POST /v1/video/cancel/{id}`, `video_cancel`).
    ///
    /// Read the state afterwards: a job may have succeeded meanwhile, and then its clip is there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) where the job is final already.
    pub fn cancel(&self, id: impl IntoJobId) -> Write<types::Acknowledgement> {
        let plan = self.job_plan("video_cancel", id);
        Write::new(Call::new(self, plan, |api, plan| {
            Box::pin(async move {
                let body = types::CancelRequest { job_id: Some(plan.job().to_owned()), ..Default::default() };
                let options = options::VideoCancel {
                    idempotency_key: plan.key(),
                    body: Some(&body),
                    ..Default::default()
                };
                api.video_cancel(plan.job(), options).await
            })
        }))
    }

    /// Deletes a job, its clip and its thumbnail for good (`DELETE /v1/video/delete/{id}`, `video_delete`).
    ///
    /// Deleting what is gone already succeeds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where the account never had such a job.
    pub fn delete(&self, id: impl IntoJobId) -> Write<types::Acknowledgement> {
        let plan = self.job_plan("video_delete", id);
        Write::new(Call::new(self, plan, |api, plan| {
            let options = options::VideoDelete { idempotency_key: plan.key(), ..Default::default() };
            Box::pin(api.video_delete(plan.job(), options))
        }))
    }

    /// Deletes every job of the account for good, and says how many there were (`POST /v1/video/delete_all`,
    /// `video_delete_all`).
    pub fn delete_all(&self) -> Write<types::DeleteAllResult> {
        let plan = Ok(self.plan("video_delete_all"));
        Write::new(Call::new(self, plan, |api, plan| {
            let options = options::VideoDeleteAll { idempotency_key: plan.key(), ..Default::default() };
            Box::pin(api.video_delete_all(options))
        }))
    }

    /// Decides how many days the clip is kept (`POST /v1/video/set_retention/{id}`, `video_set_retention`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where the account has no such job.
    pub fn set_retention(&self, id: impl IntoJobId, days: RetentionDays) -> Write<types::Retention> {
        let plan = self.job_plan("video_set_retention", id);
        Write::new(Call::new(self, plan, move |api, plan| {
            Box::pin(async move {
                let body = types::SetRetentionRequest {
                    days: days.get(),
                    idempotency_key: plan.key().map(str::to_owned),
                    job_id: Some(plan.job().to_owned()),
                    ..Default::default()
                };
                let options =
                    options::VideoSetRetention { idempotency_key: plan.key(), ..Default::default() };
                api.video_set_retention(plan.job(), &body, options).await
            })
        }))
    }

    pub(crate) fn plan(&self, operation: &'static str) -> Plan {
        Plan {
            operation,
            policy: self.shared.retry.clone(),
            job: None,
            key: None,
            prepared_at: None,
            body: None,
            sent_before: false,
            known_key: false,
        }
    }

    fn job_plan(&self, operation: &'static str, id: impl IntoJobId) -> Result<Plan, Error> {
        let job = id.into_job_id().map_err(|error| error.with_operation(operation))?;
        Ok(Plan { job: Some(job), ..self.plan(operation) })
    }
}
