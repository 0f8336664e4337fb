//! What the ledger knows of jobs that the service lists.

use std::collections::HashMap;

use super::database::text;
use super::{Item, Ledger, LedgerError};

/// Maximum number of ids in one statement. SQLite allows 32766 parameters, PostgreSQL 65535.
const MAX_IDS: usize = 1000;

impl Ledger {
    /// The newest item of each of these jobs, by the id of the job. Nothing is changed.
    pub(crate) async fn of_jobs(
        &self,
        service: &str,
        job_ids: &[&str],
    ) -> Result<HashMap<String, Item>, LedgerError> {
        let mut items = HashMap::new();
        for ids in job_ids.chunks(MAX_IDS) {
            let parameters: Vec<String> = (2..ids.len() + 2).map(|number| format!("${number}")).collect();
            let sql = format!(
                "SELECT * FROM items WHERE service = $1 AND job_id IN ({}) ORDER BY created_at",
                parameters.join(", ")
            );
            let values = std::iter::once(service).chain(ids.iter().copied()).map(text).collect();
            for item in self.database.rows(&sql, values, Item::from_row).await? {
                if let Some(id) = item.job_id.clone() {
                    items.insert(id, item);
                }
            }
        }
        Ok(items)
    }
}
