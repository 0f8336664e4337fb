//! The charges: one row for each job that the service accepted, whatever became of it.

use std::time::SystemTime;

use infrai_video::types::Metadata;
use infrai_video::{Job, JobState, Response, Submission};

use super::database::{Row, Statement, Value, text};
use super::{Item, Ledger, LedgerError, Stage};
use crate::money::Usd;

/// The state of a job that was deleted before it was final. Not one of the contract.
const DELETED: &str = "deleted";

/// The states that stay, in SQL.
const FINAL: &str = "('succeeded', 'failed', 'cancelled', 'deleted')";

/// What this process has learnt about the job of an item.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct JobFacts {
    /// The vendor that the response to the request named.
    vendor: Option<String>,
    /// When a request was prepared whose first response was lost, in milliseconds since 1970, by the clock of the service.
    prepared_at: Option<i64>,
    /// Whether this process has seen the job before it was final.
    is_watched: bool,
    /// Whether it became final while this process was waiting.
    has_finished: bool,
    /// Whether it was deleted before it was final.
    is_deleted: bool,
    /// The values of the charge that this process has recorded last.
    recorded: Vec<Value>,
}

impl JobFacts {
    /// The facts of an accepted request.
    pub(super) fn of_acceptance(item: &Item, job: &Response<Job>) -> Self {
        let is_repeated = job.metadata().cache_hit == Some(true);
        let prepared = item.submission.as_ref().map(Submission::prepared_at);
        let prepared_at = prepared.and_then(|at| SystemTime::try_from(at).ok()).and_then(|at| {
            let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            i64::try_from(since.as_millis()).ok()
        });
        Self {
            vendor: job.metadata().vendor.clone(),
            prepared_at: prepared_at.filter(|_| is_repeated),
            is_watched: !is_repeated,
            ..Self::default()
        }
    }

    /// The facts of a request that was accepted at a time, or now.
    #[cfg(test)]
    pub(super) fn accepted(vendor: &str, prepared_at: Option<i64>) -> Self {
        Self { vendor: Some(vendor.to_owned()), prepared_at, ..Self::default() }
    }

    /// A state that was read.
    pub(super) fn observe(&mut self, state: &JobState) {
        match state.is_final() {
            true => self.has_finished |= self.is_watched,
            false => self.is_watched = true,
        }
    }

    pub(super) fn set_deleted(&mut self) {
        self.is_deleted = true;
    }

    /// Remembers that a charge is recorded.
    pub(super) fn set_recorded(&mut self, charge: Option<Statement>) {
        if let Some(charge) = charge {
            self.recorded = charge.values;
        }
    }
}

/// What a job cost according to the response to its request. The response to a repeated request reports what the repetition
/// cost, which is nothing.
pub(super) fn reported_cost(metadata: &Metadata) -> Option<f64> {
    let is_repeated = metadata.cache_hit == Some(true);
    let cost = metadata.cost_usd.filter(|cost| Usd::from_dollars(*cost).is_some());
    cost.filter(|cost| *cost > 0.0 || !is_repeated)
}

/// A job that was charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) job_id: String,
    pub(crate) vendor: Option<String>,
    /// `None` if the service did not report it.
    pub(crate) cost: Option<Usd>,
    /// The last state that was read.
    pub(crate) job_state: Option<String>,
    /// In milliseconds since 1970.
    pub(crate) submitted_at: i64,
    /// In milliseconds since 1970. `None` if no process was waiting when the job became final.
    pub(crate) finished_at: Option<i64>,
    /// The request as JSON.
    pub(crate) request: String,
}

/// What the charges of a service leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Uncertain {
    /// Number of requests whose responses are not known, so that they may be charged.
    pub(crate) requests: usize,
    /// Number of charged jobs at each other service.
    pub(crate) elsewhere: Vec<(String, usize)>,
    /// Number of API keys under which the charges were requested.
    pub(crate) api_keys: usize,
}

impl Charge {
    /// Whether the job was deleted before it was seen to be final.
    pub(crate) fn is_deleted(&self) -> bool {
        self.job_state.as_deref() == Some(DELETED)
    }

    fn from_row(row: &Row) -> Result<Self, LedgerError> {
        let cost: Option<f64> = row.get("cost_usd")?;
        Ok(Self {
            job_id: row.get("job_id")?,
            vendor: row.get("vendor")?,
            cost: cost.and_then(Usd::from_dollars),
            job_state: row.get("job_state")?,
            submitted_at: row.get("submitted_at")?,
            finished_at: row.get("finished_at")?,
            request: row.get("request")?,
        })
    }
}

impl Ledger {
    /// The statement that records the charge of an item's job. `None` if it has no job, or if the charge has not changed since this
    /// process recorded it.
    pub(super) fn charge(&self, item: &Item, facts: &JobFacts) -> Option<Statement> {
        let job_id = item.job_id.as_ref()?;
        let sql = format!(
            "INSERT INTO charges (service, job_id, item, key, vendor, cost_usd, job_state, submitted_at, finished_at)
             SELECT service, $4, id, $5, CAST($6 AS TEXT), CAST($7 AS DOUBLE PRECISION), CAST($8 AS TEXT),
                 CASE WHEN CAST($9 AS BIGINT) IS NULL THEN {now}
                     WHEN CAST($9 AS BIGINT) BETWEEN created_at AND {now} THEN CAST($9 AS BIGINT)
                     ELSE created_at END,
                 CASE WHEN $10 = 1 THEN {now} END
             FROM items WHERE service = $1 AND id = $2 AND worker = $3
             ON CONFLICT (service, job_id) DO UPDATE SET
                 vendor = coalesce(charges.vendor, excluded.vendor),
                 cost_usd = coalesce(charges.cost_usd, excluded.cost_usd),
                 job_state = CASE WHEN charges.job_state IN {FINAL} THEN charges.job_state
                     ELSE coalesce(excluded.job_state, charges.job_state) END,
                 finished_at = coalesce(charges.finished_at, excluded.finished_at)",
            now = self.database.now()
        );
        let job_state = match item.stage {
            Stage::Fetched | Stage::Saved => Some(JobState::Succeeded.to_string()),
            _ if facts.is_deleted => Some(DELETED.to_owned()),
            _ => item.job_state.clone(),
        };
        let values = vec![
            text(&item.service),
            text(&item.id),
            text(&self.worker.id),
            text(job_id),
            text(&item.key),
            facts.vendor.clone().into(),
            item.cost_usd.into(),
            job_state.into(),
            facts.prepared_at.into(),
            i64::from(facts.has_finished).into(),
        ];
        (values != facts.recorded).then(|| Statement::new(sql, values))
    }

    /// Records the state of a job that was read without a lease on its item. A final state stays. `was_watched` says whether this
    /// process has seen the job before it was final.
    pub(crate) async fn set_charge_state(
        &self,
        service: &str,
        job_id: &str,
        state: &JobState,
        was_watched: bool,
    ) -> Result<(), LedgerError> {
        let sql = format!(
            "UPDATE charges SET job_state = $3, finished_at = coalesce(finished_at, CASE WHEN $4 = 1 THEN {} END)
             WHERE service = $1 AND job_id = $2
                 AND (job_state IS NULL OR job_state NOT IN {FINAL})",
            self.database.now()
        );
        let has_finished = was_watched && state.is_final();
        let values = vec![text(service), text(job_id), text(state.as_str()), i64::from(has_finished).into()];
        self.database.execute(&sql, values).await?;
        Ok(())
    }

    /// The newest charges since a time in milliseconds since 1970, newest first. A ledger of version 1 may have an item whose job
    /// has an empty id, which is no job of the service.
    pub(crate) async fn charges(
        &self,
        service: &str,
        since: i64,
        max: i64,
    ) -> Result<Vec<Charge>, LedgerError> {
        let sql = "SELECT charges.*, items.request FROM charges
                   JOIN items ON items.service = charges.service AND items.id = charges.item
                   WHERE charges.service = $1 AND charges.job_id <> '' AND submitted_at >= $2 ORDER BY submitted_at DESC, job_id LIMIT $3";
        self.with_retries(async |_| {
            let values = vec![text(service), since.into(), max.into()];
            self.database.rows(sql, values, Charge::from_row).await
        })
        .await
    }

    /// What the charges since a time in milliseconds since 1970 leave out.
    pub(crate) async fn uncertain(&self, service: &str, since: i64) -> Result<Uncertain, LedgerError> {
        let sql = "SELECT count(*) AS number FROM items WHERE service = $1 AND updated_at >= $2
                   AND job_id IS NULL AND submission IS NOT NULL AND stage IN ('sent', 'dropped')";
        let number = |row: &Row| Ok(usize::try_from(row.get::<i64>("number")?).unwrap_or_default());
        let requests = self.database.rows(sql, vec![text(service), since.into()], number).await?;
        let sql = "SELECT service, count(*) AS number FROM charges WHERE service <> $1 AND job_id <> '' AND submitted_at >= $2
                   GROUP BY service ORDER BY service";
        let elsewhere = move |row: &Row| Ok((row.get("service")?, number(row)?));
        let elsewhere = self.database.rows(sql, vec![text(service), since.into()], elsewhere).await?;
        let sql = "SELECT count(DISTINCT items.account) AS number FROM charges
                   JOIN items ON items.service = charges.service AND items.id = charges.item
                   WHERE charges.service = $1 AND submitted_at >= $2";
        let api_keys = self.database.rows(sql, vec![text(service), since.into()], number).await?;
        Ok(Uncertain { requests: requests.iter().sum(), elsewhere, api_keys: api_keys.iter().sum() })
    }
}
