//! The operations of the contract, one method each.

mod generate;
mod job;
pub mod list;
mod submission;

use infrai_video_client::{options, types};

pub use generate::Generate;
pub use job::Job;
pub use submission::{Submission, Submit};

use crate::call::{Call, Plan, WriteCall};
use crate::client::Client;
use crate::error::Error;
use crate::ids::{JobId, RetentionDays};

impl Client {
    /// A handle on the job with this id. Nothing is sent.
    ///
    /// An invalid id is reported by the first call that needs it.
    pub fn job(&self, id: impl AsRef<str>) -> Job {
        Job::new(self, JobId(id.as_ref().to_owned()), None)
    }

    /// The job's state and links, for polling (`GET /v1/video/status/{id}`, `video_status`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account has no such job.
    pub fn status(&self, id: impl AsRef<str>) -> Call<types::VideoJob> {
        let plan = self.job_plan("video_status", id.as_ref());
        Call::new(self, plan, |api, plan| {
            Box::pin(api.video_status(plan.job(), options::VideoStatus::default()))
        })
    }

    /// The job with its clip's duration and resolution, its vendor and model (`GET /v1/video/get/{id}`, `video_get`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account has no such job.
    pub fn get(&self, id: impl AsRef<str>) -> Call<types::VideoJobDetail> {
        let plan = self.job_plan("video_get", id.as_ref());
        Call::new(self, plan, |api, plan| Box::pin(api.video_get(plan.job(), options::VideoGet::default())))
    }

    /// A temporary link to the clip of a succeeded job (`GET /v1/video/download_url/{id}`, `video_download_url`).
    ///
    /// The link is signed: never send the API key to it. [`Job::download`] fetches links by itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the clip does not exist yet, or was deleted.
    pub fn download_url(&self, id: impl AsRef<str>) -> Call<types::DownloadLink> {
        let plan = self.job_plan("video_download_url", id.as_ref());
        Call::new(self, plan, |api, plan| {
            Box::pin(api.video_download_url(plan.job(), options::VideoDownloadUrl::default()))
        })
    }

    /// Requests the service's time, unless a response has shown it already. Sends at most two free requests for each client, and
    /// ignores their failures.
    ///
    /// Submissions that are [prepared](crate::Generate::prepare) afterwards have the time of the service's clock. Otherwise they have
    /// that of this machine's: if it is ahead, the idempotency key looks younger than it is to the process that sends a stored
    /// submission again.
    pub async fn sync_time(&self) {
        crate::call::sync_time(self).await;
    }

    /// The capabilities of each vendor (`GET /v1/video/capabilities`, `video_capabilities`).
    pub fn capabilities(&self) -> Call<types::VideoCapabilities> {
        let plan = Ok(self.plan("video_capabilities"));
        Call::new(self, plan, |api, _| {
            Box::pin(api.video_capabilities(options::VideoCapabilities::default()))
        })
    }

    /// Cancels a queued or running job (`POST /v1/video/cancel/{id}`, `video_cancel`).
    ///
    /// Read the state afterwards: the job may have succeeded meanwhile, and then it has a clip.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the job is already final.
    pub fn cancel(&self, id: impl AsRef<str>) -> WriteCall<types::Acknowledgement> {
        let plan = self.job_plan("video_cancel", id.as_ref());
        WriteCall::new(Call::new(self, plan, |api, plan| {
            Box::pin(async move {
                let body = types::CancelRequest::new().job_id(plan.job());
                let options = options::VideoCancel::default().idempotency_key(plan.key()).body(&body);
                api.video_cancel(plan.job(), options).await
            })
        }))
    }

    /// Permanently deletes a job, its clip and its thumbnail (`DELETE /v1/video/delete/{id}`, `video_delete`).
    ///
    /// Deleting a deleted job succeeds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account never had such a job.
    pub fn delete(&self, id: impl AsRef<str>) -> WriteCall<types::Acknowledgement> {
        let plan = self.job_plan("video_delete", id.as_ref());
        WriteCall::new(Call::new(self, plan, |api, plan| {
            let options = options::VideoDelete::default().idempotency_key(plan.key());
            Box::pin(api.video_delete(plan.job(), options))
        }))
    }

    /// Permanently deletes all jobs of the account, and returns their number (`POST /v1/video/delete_all`, `video_delete_all`).
    pub fn delete_all(&self) -> WriteCall<types::DeleteAllResult> {
        let plan = Ok(self.plan("video_delete_all"));
        WriteCall::new(Call::new(self, plan, |api, plan| {
            let options = options::VideoDeleteAll::default().idempotency_key(plan.key());
            Box::pin(api.video_delete_all(options))
        }))
    }

    /// Sets how many days the clip is kept (`POST /v1/video/set_retention/{id}`, `video_set_retention`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the account has no such job.
    pub fn set_retention(&self, id: impl AsRef<str>, days: RetentionDays) -> WriteCall<types::Retention> {
        let plan = self.job_plan("video_set_retention", id.as_ref());
        WriteCall::new(Call::new(self, plan, move |api, plan| {
            Box::pin(async move {
                let mut body = types::SetRetentionRequest::new(days.get()).job_id(plan.job());
                body.idempotency_key = plan.key().map(str::to_owned);
                let options = options::VideoSetRetention::default().idempotency_key(plan.key());
                api.video_set_retention(plan.job(), &body, options).await
            })
        }))
    }

    pub(crate) fn plan(&self, operation: &'static str) -> Plan {
        Plan::new(operation, self.shared.retry.clone())
    }

    fn job_plan(&self, operation: &'static str, id: &str) -> Result<Plan, Error> {
        let job = id.parse().map_err(|error: Error| error.with_operation(operation))?;
        Ok(Plan { job: Some(job), ..self.plan(operation) })
    }
}
