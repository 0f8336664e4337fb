//! How long jobs are going to take, by the earlier jobs of the ledger.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::history::PastJobs;
use super::{Item, KnownJob, Ledger};
use crate::text::now;

/// How long jobs like one usually take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Usual {
    /// From the submission until they have succeeded.
    pub(crate) range: RangeInclusive<Duration>,
    /// The time since the submission of this job.
    pub(crate) before: Duration,
}

/// The earlier jobs, and those that are waited for.
#[derive(Debug, Default)]
pub(crate) struct Forecast {
    past: PastJobs,
    jobs: HashMap<String, KnownJob>,
}

impl Ledger {
    /// What is known to forecast these jobs, and others that are submitted from now on. A ledger that cannot be read forecasts
    /// nothing.
    pub(crate) async fn forecast(&self, service: &str, job_ids: &[&str]) -> Forecast {
        Forecast {
            past: self.past_jobs(service).await.unwrap_or_default(),
            jobs: self.of_jobs(service, job_ids).await.unwrap_or_default(),
        }
    }
}

impl Forecast {
    pub(crate) fn of_job(&self, job_id: &str) -> Option<Usual> {
        self.jobs.get(job_id).and_then(|job| self.of_item(&job.item))
    }

    pub(crate) fn of_item(&self, item: &Item) -> Option<Usual> {
        let range = self.past.wait(&item.clip_request().ok()?)?;
        let job = item.job_id.as_ref().and_then(|id| self.jobs.get(id));
        let age = job.and_then(|job| u64::try_from(now() - job.submitted_at).ok());
        Some(Usual { range, before: Duration::from_millis(age.unwrap_or_default()) })
    }
}
