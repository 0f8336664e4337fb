//! The journal of a run on the disk, so that a run after a crash continues where the last one stopped.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::budget::Allowance;
use crate::exchange::{Exchange, Request};

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
    pub(crate) stored: Vec<Exchange>,
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
        let mut lines = text[..complete].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let mut journal = Self { path: path.to_owned(), file, run: String::new(), stored: Vec::new() };
        let Some(first) = lines.next() else {
            return journal.start(settings);
        };
        let damaged = || format!("{shown} is damaged; the jobs of its run are not deleted: look at `list`");
        let Entry::Run { id, settings: stored } = serde_json::from_slice(first).with_context(damaged)? else {
            bail!(damaged());
        };
        let mut changes = 0;
        for line in lines {
            match serde_json::from_slice(line).with_context(damaged)? {
                Entry::Exchange(exchange) => journal.stored.push(exchange),
                Entry::Sending(_) => changes += 1,
                Entry::Run { .. } => bail!(damaged()),
            }
        }
        if stored != *settings {
            if changes == 0 {
                return journal.start(settings);
            }
            bail!(
                "{shown} is the journal of a run that was interrupted and had other options or another API key ({}); run \
                 again with those to finish it, or delete the file: then jobs that it made stay",
                described(&stored)
            );
        }
        journal.run = id;
        journal.file.set_len(complete as u64)?;
        journal.file.seek(SeekFrom::End(0))?;
        Ok(journal)
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

fn described(settings: &Settings) -> String {
    let money = settings.allowance.map_or("without --spend".to_owned(), |allowance| {
        let [spend, price] = [allowance.spend, allowance.clip_price].map(crate::budget::dollars);
        format!("--spend {spend} --clip-price {price}")
    });
    let all = if settings.delete_all { " --delete-all-my-jobs" } else { "" };
    format!("--base-url {} {money}{all}", settings.base_url)
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
        }
    }

    #[test]
    fn an_interrupted_run_continues_with_its_id_and_its_exchanges() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.run.jsonl");
        let exchange = Exchange {
            purpose: "p".to_owned(),
            request: Request::get("/v1/video/list"),
            response: crate::server::response_of(200, &http::HeaderMap::new(), b"{}"),
        };
        let mut first = Journal::open(&path, &settings(1)).unwrap();
        first.sending(&exchange.request).unwrap();
        first.exchange(&exchange).unwrap();
        let run = first.run.clone();
        drop(first);
        let mut text = std::fs::read(&path).unwrap();
        text.extend_from_slice(b"{\"exchange\": {\"purp");
        std::fs::write(&path, text).unwrap();

        let mut second = Journal::open(&path, &settings(1)).unwrap();
        assert_eq!((second.run.clone(), second.stored.clone()), (run, vec![exchange.clone()]));
        second.exchange(&exchange).unwrap();
        drop(second);
        assert_eq!(Journal::open(&path, &settings(1)).unwrap().stored.len(), 2);
    }

    #[test]
    fn a_run_with_other_settings_is_not_continued() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.run.jsonl");
        let mut first = Journal::open(&path, &settings(1)).unwrap();
        first.sending(&Request::post("/v1/video/generate")).unwrap();
        assert!(Journal::open(&path, &settings(1)).unwrap_err().to_string().starts_with("another run uses"));
        drop(first);
        let error = Journal::open(&path, &settings(2)).unwrap_err().to_string();
        assert!(error.contains("--spend 0.000001 --clip-price 0.000001"), "{error}");
    }

    #[test]
    fn a_run_that_has_changed_nothing_does_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.run.jsonl");
        let first = Journal::open(&path, &settings(1)).unwrap().run.clone();
        assert_ne!(Journal::open(&path, &settings(2)).unwrap().run, first);
    }
}
