//! The journal of a run on the disk, so that a run after a crash continues where the last one stopped.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::budget::Allowance;
use crate::exchange::{Exchange, Request, Response};
use crate::recorder::attempts_after;

/// The settings of a run. A run that continues another one has the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The base URL of the server.
    pub base_url: String,
    /// Distinguishes the accounts of API keys, without saying what they are.
    pub account: String,
    /// What it may spend; `None`: it only reads.
    pub allowance: Option<Allowance>,
    /// Whether it deletes all jobs of the account at the end.
    pub delete_all: bool,
    /// How many seconds it waits for a clip.
    pub timeout: u64,
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// The first line.
    Run { id: String, settings: Settings },
    /// A change is about to be requested.
    Sending(Request),
    /// A response has arrived.
    Exchange(Exchange),
}

/// The journal of a run.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Distinguishes the idempotency keys of this run from others.
    pub(crate) run: String,
    /// The exchanges of the run that was interrupted.
    stored: Vec<Exchange>,
    /// The request that it has sent last, if no response is stored.
    pending: Option<Request>,
}

/// A process that was forked meanwhile and has not yet begun another program would keep the lock of a file that is only closed.
impl Drop for Journal {
    fn drop(&mut self) {
        let _closed = self.file.unlock();
    }
}

impl Journal {
    /// Opens the journal of a run that was interrupted, or starts a new one.
    ///
    /// # Errors
    /// If the file cannot be used, belongs to a run with other settings, or is in use.
    pub fn open(path: &Path, settings: &Settings) -> anyhow::Result<Self> {
        let shown = path.display();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).with_context(|| format!("cannot open {shown}"))?;
        if file.try_lock().is_err() {
            bail!("another run uses {shown}; wait for it, or choose another --out");
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(|| format!("cannot read {shown}"))?;
        // A crash can leave a part of a line.
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let damaged = || format!("{shown} is damaged; the jobs of its run are not deleted: look at `list`");
        let mut entries = Vec::new();
        let mut start = 0;
        for line in text[..complete].split_inclusive(|byte| *byte == b'\n') {
            entries.push((start, serde_json::from_slice::<Entry>(line).with_context(damaged)?));
            start += line.len();
        }
        let journal =
            Self { path: path.to_owned(), file, run: String::new(), stored: Vec::new(), pending: None };
        // A run that has changed nothing does not matter.
        if !entries.iter().any(|(_, entry)| matches!(entry, Entry::Sending(_))) {
            return journal.start(settings);
        }
        let Some((_, Entry::Run { id, settings: stored })) = entries.first() else { bail!(damaged()) };
        if stored != settings {
            bail!(
                "{shown} is the journal of a run that was interrupted and had other options or another API key ({}); run \
                 again with those to finish it, or delete the file: then jobs that it made stay",
                described(stored)
            );
        }
        let id = id.clone();
        journal.resume(id, complete, entries)
    }

    /// Continues a run after its last usable entry.
    fn resume(mut self, id: String, complete: usize, entries: Vec<(usize, Entry)>) -> anyhow::Result<Self> {
        self.run = id;
        let end = unfinished(&entries).unwrap_or(complete);
        for (_, entry) in entries.into_iter().take_while(|(start, _)| *start < end) {
            match entry {
                Entry::Exchange(exchange) => {
                    self.stored.push(exchange);
                    self.pending = None;
                }
                Entry::Sending(request) => self.pending = Some(request),
                Entry::Run { .. } => {}
            }
        }
        self.file.set_len(end as u64)?;
        self.file.seek(SeekFrom::End(0))?;
        Ok(self)
    }

    /// The exchanges of the run that was interrupted, and the request whose response is not among them.
    pub(crate) fn take_stored(&mut self) -> (Vec<Exchange>, Option<Request>) {
        (std::mem::take(&mut self.stored), self.pending.take())
    }

    /// Starts a new run.
    fn start(mut self, settings: &Settings) -> anyhow::Result<Self> {
        self.run = uuid::Uuid::now_v7().simple().to_string();
        self.stored.clear();
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.write(&Entry::Run { id: self.run.clone(), settings: settings.clone() })?;
        sync_directory(&self.path)?;
        Ok(self)
    }

    /// Whether it continues a run that was interrupted.
    #[must_use]
    pub fn is_continued(&self) -> bool {
        !self.stored.is_empty()
    }

    /// Stores a request before it is sent.
    pub(crate) fn sending(&mut self, request: &Request) -> anyhow::Result<()> {
        self.write(&Entry::Sending(request.clone()))
    }

    /// Stores an exchange. If the machine fails now, the next run sends the request again, under the same idempotency key.
    pub(crate) fn exchange(&mut self, exchange: &Exchange) -> anyhow::Result<()> {
        self.write(&Entry::Exchange(exchange.clone()))
    }

    /// The run is complete.
    pub(crate) fn remove(self) -> anyhow::Result<()> {
        std::fs::remove_file(&self.path).with_context(|| format!("cannot remove {}", self.path.display()))
    }

    fn write(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| match entry {
            Entry::Exchange(_) => Ok(()),
            Entry::Run { .. } | Entry::Sending(_) => self.file.sync_data(),
        });
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Where to continue: before the first change, or the last request, that the server has not finished. Another attempt may finish it.
fn unfinished(entries: &[(usize, Entry)]) -> Option<usize> {
    let exchanges: Vec<_> = entries
        .iter()
        .filter_map(|(start, entry)| match entry {
            Entry::Exchange(exchange) => Some((*start, exchange)),
            _ => None,
        })
        .collect();
    // The attempts of one request follow each other; the last one counts.
    let attempts: Vec<_> = exchanges.chunk_by(|(_, a), (_, b)| a.request == b.request).collect();
    let response = |attempts: &[(usize, &Exchange)]| attempts.last().map(|(_, last)| last.response.clone());
    let may_succeed = |response: &Response| attempts_after(response) > 1;
    // If the network or the server was down, that is the reason for the end of the run.
    let is_down = |response: &Response| response.status == 0 || may_succeed(response);
    let down = attempts
        .iter()
        .rev()
        .take_while(|attempts| response(attempts).is_some_and(|last| is_down(&last)))
        .count();
    let change = attempts.iter().position(|attempts| {
        attempts[0].1.request.method != "GET" && response(attempts).is_some_and(|last| may_succeed(&last))
    });
    let end = change.unwrap_or(attempts.len()).min(attempts.len() - down);
    Some(attempts.get(end)?.first()?.0)
}

fn described(settings: &Settings) -> String {
    let money = settings.allowance.map_or("without --spend".to_owned(), |allowance| {
        let [spend, price] = [allowance.spend, allowance.clip_price].map(crate::budget::dollars);
        format!("--spend {spend} --clip-price {price}")
    });
    let all = if settings.delete_all { " --delete-all-my-jobs" } else { "" };
    format!("--base-url {} {money}{all} --timeout {}", settings.base_url, settings.timeout)
}

/// A new file is there after a power failure only if its directory is synced.
fn sync_directory(path: &Path) -> anyhow::Result<()> {
    if cfg!(unix)
        && let Some(directory) = path.parent()
    {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(spend: u64) -> Settings {
        Settings {
            base_url: "http://127.0.0.1:1".to_owned(),
            account: "a".to_owned(),
            allowance: Some(Allowance { spend, clip_price: 1 }),
            delete_all: false,
            timeout: 900,
        }
    }

    fn exchange(request: &Request, status: u16) -> Exchange {
        let response = crate::server::response_of(status, &http::HeaderMap::new(), b"{}");
        Exchange { purpose: "p".to_owned(), request: request.clone(), response }
    }

    /// The journal of a run that sent two changes: the first one got a response, and the second one did not.
    fn interrupted(path: &Path) -> (String, Request, Exchange) {
        let [first, second] = ["a", "b"].map(|key| Request::post("/v1/video/generate").with_key(key));
        let mut journal = Journal::open(path, &settings(1)).unwrap();
        let exchange = exchange(&first, 200);
        journal.sending(&first).unwrap();
        journal.exchange(&exchange).unwrap();
        journal.sending(&second).unwrap();
        (journal.run.clone(), second, exchange)
    }

    fn append(path: &Path, text: &str) {
        let mut all = std::fs::read(path).unwrap();
        all.extend_from_slice(text.as_bytes());
        std::fs::write(path, all).unwrap();
    }

    #[test]
    fn an_interrupted_run_continues_with_its_id_and_its_exchanges() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.run.jsonl");
        let (run, pending, stored) = interrupted(&path);
        append(&path, "{\"exchange\": {\"purp");

        let mut second = Journal::open(&path, &settings(1)).unwrap();
        assert_eq!(second.run, run);
        assert_eq!(second.take_stored(), (vec![stored.clone()], Some(pending.clone())));
        second.exchange(&exchange(&pending, 200)).unwrap();
        drop(second);
        assert_eq!(Journal::open(&path, &settings(1)).unwrap().take_stored().0.len(), 2);
    }

    #[test]
    fn a_change_that_the_server_has_not_finished_is_sent_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.run.jsonl");
        let (_, pending, stored) = interrupted(&path);
        let mut second = Journal::open(&path, &settings(1)).unwrap();
        for status in [503, 503] {
            second.exchange(&exchange(&pending, status)).unwrap();
        }
        second.exchange(&exchange(&Request::get("/v1/video/list"), 200)).unwrap();
        drop(second);
        let mut third = Journal::open(&path, &settings(1)).unwrap();
        assert_eq!(third.take_stored(), (vec![stored], Some(pending.clone())));
        // What is appended now follows what was kept.
        third.exchange(&exchange(&pending, 200)).unwrap();
        drop(third);
        assert_eq!(Journal::open(&path, &settings(1)).unwrap().take_stored().0.len(), 2);
    }

    #[test]
    fn a_run_with_other_settings_is_not_continued() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.run.jsonl");
        interrupted(&path);
        let first = Journal::open(&path, &settings(1)).unwrap();
        assert!(Journal::open(&path, &settings(1)).unwrap_err().to_string().starts_with("another run uses"));
        drop(first);
        let error = Journal::open(&path, &settings(2)).unwrap_err().to_string();
        assert!(error.contains("--spend 0.000001 --clip-price 0.000001 --timeout 900"), "{error}");
    }

    #[test]
    fn a_run_that_has_changed_nothing_does_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.run.jsonl");
        let first = Journal::open(&path, &settings(1)).unwrap().run.clone();
        assert_ne!(Journal::open(&path, &settings(2)).unwrap().run, first);
    }
}
