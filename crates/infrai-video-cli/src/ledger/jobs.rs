//! What the ledger knows of jobs that the service lists.

use std::collections::HashMap;

use super::database::{Row, text};
use super::{Item, Ledger, LedgerError};

/// Maximum number of ids in one statement. SQLite allows 32766 parameters, PostgreSQL 65535.
const MAX_IDS: usize = 1000;

/// A job that the ledger knows.
#[derive(Debug)]
pub(crate) struct KnownJob {
    pub(crate) item: Item,
    /// When its request was accepted, in milliseconds since 1970. An item of a batch may be recorded long before.
    pub(crate) submitted_at: i64,
}

impl Ledger {
    /// The newest item of each of these jobs, by the id of the job. Nothing is changed.
    pub(crate) async fn of_jobs(
        &self,
        service: &str,
        job_ids: &[&str],
    ) -> Result<HashMap<String, KnownJob>, LedgerError> {
        let mut jobs = HashMap::new();
        for ids in job_ids.chunks(MAX_IDS) {
            let parameters: Vec<String> = (2..ids.len() + 2).map(|number| format!("${number}")).collect();
            let sql = format!(
                "SELECT items.*, charges.submitted_at FROM items
                 LEFT JOIN charges ON charges.service = items.service AND charges.job_id = items.job_id
                 WHERE items.service = $1 AND items.job_id IN ({}) ORDER BY items.created_at",
                parameters.join(", ")
            );
            let values = std::iter::once(service).chain(ids.iter().copied()).map(text).collect();
            let read = |row: &Row| {
                let (item, submitted_at) = (Item::from_row(row)?, row.get::<Option<i64>>("submitted_at")?);
                Ok(KnownJob { submitted_at: submitted_at.unwrap_or(item.created_at), item })
            };
            for job in self.database.rows(&sql, values, read).await? {
                if let Some(id) = job.item.job_id.clone() {
                    jobs.insert(id, job);
                }
            }
        }
        Ok(jobs)
    }
}
