//! Batches. A large one is read in pages, and inserted without a copy of all its items.

use std::collections::HashMap;

use super::database::{Row, Statement, Value, text};
use super::{Item, Ledger, LedgerError, Stage};

/// What a run of a plan needs to know of each recorded item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) stage: Stage,
    /// Whether its request may have been sent.
    pub(crate) was_sent: bool,
    has_job: bool,
    pub(crate) cost_usd: Option<f64>,
}

impl Recorded {
    /// As [`Item::may_be_charged`].
    pub(crate) fn may_be_charged(&self) -> bool {
        self.stage == Stage::Sent && !self.has_job
    }
}

/// Maximum number of rows of one INSERT. A database on another machine takes a round trip for each statement.
const ITEMS_OF_AN_INSERT: usize = 500;

/// Inserts items. Existing ones stay unchanged.
fn insert(items: Vec<Item>, now: &str) -> Statement {
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for item in items {
        let (target, output) = item.destination.columns();
        let columns: [Value; 13] = [
            item.service.into(),
            item.id.into(),
            item.batch.into(),
            item.line.into(),
            item.name.into(),
            item.attempt.into(),
            item.key.into(),
            item.request.into(),
            item.seconds.into(),
            text(target),
            output.into(),
            item.replace.into(),
            text(item.stage.stored()),
        ];
        let parameters = (1..=columns.len()).map(|number| format!("${}, ", values.len() + number));
        rows.push(format!("({}0, {now}, {now})", parameters.collect::<String>()));
        values.extend(columns);
    }
    let sql = format!(
        "INSERT INTO items (service, id, batch, line, name, attempt, key, request, seconds, target, output, overwrite,
             stage, lease_until, created_at, updated_at)
         VALUES {} ON CONFLICT DO NOTHING",
        rows.join(", ")
    );
    Statement::new(sql, values)
}

impl Ledger {
    /// Inserts items, all or none. Returns how many were new; existing ones stay unchanged. `items` is called again after an outage.
    pub(crate) async fn add_all<I>(&self, items: impl Fn() -> I) -> Result<u64, LedgerError>
    where
        I: Iterator<Item = Item> + Send + 'static,
    {
        let now = self.database.now();
        self.with_retries(async |_| {
            let mut items = items();
            let inserts = std::iter::from_fn(move || {
                let some: Vec<Item> = items.by_ref().take(ITEMS_OF_AN_INSERT).collect();
                (!some.is_empty()).then(|| insert(some, now))
            });
            self.database.execute_one_by_one(inserts).await
        })
        .await
    }

    /// The items of a batch, in the order of its plan, by their ids.
    pub(crate) async fn recorded(
        &self,
        service: &str,
        batch: &str,
    ) -> Result<Vec<(Box<str>, Recorded)>, LedgerError> {
        let sql =
            "SELECT id, stage, CAST(CASE WHEN submission IS NULL THEN 0 ELSE 1 END AS BIGINT) AS was_sent,
                       CAST(CASE WHEN job_id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_job, cost_usd
                   FROM items WHERE service = $1 AND batch = $2 ORDER BY line, created_at";
        let read = |row: &Row| {
            let recorded = Recorded {
                stage: Stage::from_row(row)?,
                was_sent: row.get::<i64>("was_sent")? != 0,
                has_job: row.get::<i64>("has_job")? != 0,
                cost_usd: row.get("cost_usd")?,
            };
            Ok((row.get::<String>("id")?.into(), recorded))
        };
        self.with_retries(async |_| self.database.rows(sql, vec![text(service), text(batch)], read).await)
            .await
    }

    /// The items with these ids, by their ids. There may be at most a thousand.
    pub(crate) async fn items(
        &self,
        service: &str,
        ids: &[&str],
    ) -> Result<HashMap<String, Item>, LedgerError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let parameters: Vec<String> = (2..ids.len() + 2).map(|number| format!("${number}")).collect();
        let sql = format!("SELECT * FROM items WHERE service = $1 AND id IN ({})", parameters.join(", "));
        let items = self
            .with_retries(async |_| {
                let values = std::iter::once(service).chain(ids.iter().copied()).map(text).collect();
                self.database.rows(&sql, values, Item::from_row).await
            })
            .await?;
        Ok(items.into_iter().map(|item| (item.id.clone(), item)).collect())
    }
}
