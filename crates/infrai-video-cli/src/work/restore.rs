//! The clip of a saved item that is not where it should be: copied from where it is, or fetched from its job once more. Neither
//! is charged.

use std::path::{Path, PathBuf};

use infrai_video::{Error, ErrorKind, Overwrite};

use super::clip::{self, ClipCheck, Found};
use super::{IfGone, Setback, Work, blocking};
use crate::board::{Meter, label};
use crate::failure::describe;
use crate::ledger::{Entry, LedgerError, Stage};

/// What became of a saved item.
pub(super) enum Restored {
    /// Its clip is where it should be.
    Here,
    /// Its job is gone too, and it is asked for anew.
    AskedAnew,
}

impl Work<'_> {
    /// Brings the clip of a saved item to its place, if it is not there.
    pub(super) async fn restore(&self, entry: &mut Entry, meter: &Meter) -> Result<Restored, Setback> {
        let id = entry.item.job_id.clone().unwrap_or_default();
        let Some(wanted) = entry.item.place.path(&id) else {
            entry.saved(None).await?;
            return Ok(Restored::Here);
        };
        let (check, item, path) = (ClipCheck::new(&self.ledger, true), entry.item.clone(), wanted.clone());
        let why = match blocking(move || Ok(check.find(&item, &path))).await {
            Ok(Found::InPlace) => {
                entry.saved(None).await?;
                return Ok(Restored::Here);
            }
            Ok(Found::Moved) => {
                entry.moved(&wanted).await?;
                return Ok(Restored::Here);
            }
            Ok(Found::Elsewhere(from)) => {
                let (to, sha256) = (wanted.clone(), entry.item.sha256.clone().unwrap_or_default());
                let replace = entry.item.replace;
                match blocking(move || clip::copy(&from, &to, &sha256, replace)).await {
                    Ok(()) => {
                        entry.moved(&wanted).await?;
                        return Ok(Restored::Here);
                    }
                    // There is a whole copy, so that nothing has to be made anew.
                    Err(error) => {
                        let why = format!("{} cannot be written: {error}", wanted.display());
                        entry.troubled(&why).await?;
                        return Err(Setback::NotSaved(why));
                    }
                }
            }
            Ok(Found::Missing(why)) => why,
            Err(error) => error.to_string(),
        };
        match self.fetch_again(entry, meter, &wanted).await {
            Ok(()) => Ok(Restored::Here),
            Err(Lost::Ledger(error)) => Err(error.into()),
            Err(Lost::Clip { gone: true, .. })
                if self.if_gone == IfGone::AskAnew && !self.is_of_another_key(&entry.item) =>
            {
                entry.is_asked_anew().await?;
                Ok(Restored::AskedAnew)
            }
            Err(Lost::Clip { why: failed, gone }) => {
                let why = format!("{why}, and cannot be fetched again: {failed}");
                entry.troubled(&why).await?;
                entry.item.stage = Stage::Missing;
                Err(Setback::Missing { why, gone })
            }
        }
    }

    async fn fetch_again(&self, entry: &mut Entry, meter: &Meter, wanted: &Path) -> Result<(), Lost> {
        let id = entry.item.job_id.clone().unwrap_or_default();
        if wanted.is_dir() {
            return Err(Lost::clip(format!("{} is a directory", wanted.display())));
        }
        let is_damaged = entry.item.path.as_deref().map(Path::new) == Some(wanted);
        let overwrite = if entry.item.replace || is_damaged { Overwrite::Replace } else { Overwrite::Refuse };
        let download = self.session.client.job(&id).download();
        let download = download.with_overwrite(overwrite).with_progress(meter.reporter());
        let fetched = download.fetch_to(wanted).await.map_err(Lost::from)?;
        let aside = match is_damaged && !entry.item.replace {
            true => {
                let path = wanted.to_owned();
                blocking(move || clip::set_aside(&path)).await.map_err(|error| {
                    Lost::clip(format!("{} cannot be given another name: {error}", wanted.display()))
                })?
            }
            false => None,
        };
        entry.fetched(&fetched).await?;
        let saved = fetched.save().await.map_err(Lost::from)?;
        entry.saved(Some(&saved)).await?;
        if let Some(aside) = aside {
            self.tell_of(aside, wanted, entry).await;
        }
        Ok(())
    }

    /// What lay in place of a clip may be somebody's work. Only the beginning of the clip itself is worth nothing.
    async fn tell_of(&self, aside: PathBuf, wanted: &Path, entry: &Entry) {
        let (file, whole) = (aside.clone(), wanted.to_owned());
        if !blocking(move || Ok(clip::remove_if_cut_off(&file, &whole))).await.unwrap_or(false) {
            let name = label(&entry.item);
            let line = format!("{name}: what lay in its place has the name {} now", aside.display());
            self.app.screen.say("note", &line);
        }
    }
}

/// Why a clip could not be fetched again.
enum Lost {
    Ledger(LedgerError),
    Clip {
        why: String,
        /// Whether the service has it no longer.
        gone: bool,
    },
}

impl Lost {
    fn clip(why: String) -> Self {
        Self::Clip { why, gone: false }
    }
}

impl From<LedgerError> for Lost {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        // 404, 409 or 410 with the service's own error: the job is deleted, or its retention is over. Without one, a gateway
        // may have answered.
        let gone = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict)
            && error.code().is_some()
            && !error.is_retryable();
        Self::Clip { why: describe(&error), gone }
    }
}
