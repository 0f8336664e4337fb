//! What the ledger offers, without creating it, changing it or waiting for it.

use clap::FromArgMatches as _;
use rusqlite::{Connection, OpenFlags, Row};

use super::shell::Typed;
use crate::args::{ClipRequest, Global};
use crate::config::Config;
use crate::failure::Invocation;
use crate::ledger::Location;

/// Maximum number of items. A shell cannot show more in a useful way.
const MAX_ITEMS: u32 = 200;

/// Items and batches of the ledger, newest first.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) items: Vec<Item>,
    pub(super) batches: Vec<Batch>,
}

/// A request and its job.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) job_id: Option<String>,
    pub(super) key: String,
    pub(super) state: String,
    pub(super) prompt: String,
}

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) name: String,
    pub(super) saved: i64,
    pub(super) items: i64,
}

impl Recorded {
    /// What the ledger has for the API that the command line uses. A database on a server is not asked, since it may take long to
    /// respond.
    pub(super) fn find(typed: &Typed) -> Self {
        let options = options(typed);
        let config = Config::load(&options).unwrap_or_default();
        let service = Invocation::new(&options, "", &config, Vec::new()).base_url();
        let location = Location::find(options.ledger.as_deref(), config.ledger());
        match location.as_ref().map(Location::file) {
            Ok(Some(path)) if !options.sandbox() && path.is_file() => {
                // SQLite would read a relative path that begins with `file:` as a URI.
                let absolute = std::path::absolute(path);
                absolute.ok().and_then(|path| Self::read(&path, &service).ok()).unwrap_or_default()
            }
            _ => Self::default(),
        }
    }

    fn read(path: &std::path::Path, service: &str) -> rusqlite::Result<Self> {
        // Read-only access could leave files behind that SQLite needs for it.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.execute_batch("PRAGMA query_only = TRUE; PRAGMA busy_timeout = 0")?;
        let items = "SELECT job_id, key, CASE WHEN stage IN ('saved', 'accepted') THEN coalesce(job_state, stage) ELSE stage END,
                         request
                     FROM items WHERE service = ?1 AND (job_id IS NOT NULL OR stage = 'sent')
                     ORDER BY created_at DESC, line DESC LIMIT ?2";
        let item = |row: &Row<'_>| {
            let request: String = row.get(3)?;
            let prompt = serde_json::from_str(&request).map(|request: ClipRequest| request.prompt);
            let prompt = prompt.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
            Ok(Item { job_id: row.get(0)?, key: row.get(1)?, state: row.get(2)?, prompt })
        };
        let items = db.prepare(items)?.query_map((service, MAX_ITEMS), item)?.collect::<Result<_, _>>()?;
        let batches = "SELECT batch, sum(stage = 'saved'), count(*) FROM items
                       WHERE service = ?1 AND batch IS NOT NULL GROUP BY batch
                       ORDER BY max(created_at) DESC LIMIT ?2";
        let batch = |row: &Row<'_>| Ok(Batch { name: row.get(0)?, saved: row.get(1)?, items: row.get(2)? });
        let batches =
            db.prepare(batches)?.query_map((service, MAX_ITEMS), batch)?.collect::<Result<_, _>>()?;
        Ok(Self { items, batches })
    }
}

/// The options on the command line, as far as it is typed.
fn options(typed: &Typed) -> Global {
    let command = crate::command().ignore_errors(true);
    let before = &typed.words[..typed.words.len() - 1];
    let matches = command.try_get_matches_from(before);
    matches.and_then(|matches| Global::from_arg_matches(&matches)).unwrap_or_default()
}
