//! Saved items whose clip is not at its destination: it is copied from its old path, or downloaded again. Neither is charged.

use std::path::{Path, PathBuf};

use infrai_video::{Error, ErrorKind};

use super::super::clip_file::{self, ClipCheck, Found};
use super::super::output_path::overwrite;
use super::{IfJobGone, Runner, blocking};
use crate::failure::{Setback, describe};
use crate::ledger::{LeasedItem, LedgerError, Stage};
use crate::ui::ItemProgress;

/// The result for a saved item.
pub(super) enum Restored {
    /// Its clip was at its destination.
    InPlace,
    /// Its clip was copied or downloaded again.
    Written,
    /// Its job no longer exists, and a new request is planned.
    PlannedAgain,
}

impl Runner<'_> {
    /// Brings the clip of a saved item to its destination if it is not there.
    pub(super) async fn restore(
        &self,
        leased: &mut LeasedItem,
        progress: &ItemProgress,
    ) -> Result<Restored, Setback> {
        let id = leased.item.job_id.clone().unwrap_or_default();
        let Some(wanted) = leased.item.destination.path(&id) else {
            leased.set_saved(None).await?;
            return Ok(Restored::InPlace);
        };
        let (check, item, path) = (ClipCheck::new(&self.ledger, true), leased.item.clone(), wanted.clone());
        let why = match blocking(move || Ok(check.find(&item, &path))).await {
            Ok(Found::InPlace) => {
                leased.set_saved(None).await?;
                return Ok(Restored::InPlace);
            }
            Ok(Found::Moved) => {
                leased.set_saved_at(&wanted).await?;
                return Ok(Restored::InPlace);
            }
            Ok(Found::Elsewhere(from)) => {
                let (to, sha256) = (wanted.clone(), leased.item.sha256.clone().unwrap_or_default());
                let overwrite = overwrite(leased.item.replace);
                match blocking(move || clip_file::copy(&from, &to, &sha256, overwrite)).await {
                    Ok(()) => {
                        leased.set_saved_at(&wanted).await?;
                        return Ok(Restored::Written);
                    }
                    // There is a complete copy, so that nothing has to be requested again.
                    Err(error) => {
                        let why = format!("{} cannot be written: {error}", wanted.display());
                        leased.set_error(&why).await?;
                        return Err(Setback::NotSaved(why));
                    }
                }
            }
            Ok(Found::Missing(why)) => why,
            Err(error) => error.to_string(),
        };
        match self.download_again(leased, progress, &wanted).await {
            Ok(()) => Ok(Restored::Written),
            Err(RestoreError::Ledger(error)) => Err(error.into()),
            Err(RestoreError::Clip { job_gone: true, .. })
                if self.if_job_gone == IfJobGone::RequestAgain && !self.is_of_other_api_key(&leased.item) =>
            {
                leased.plan_new_attempt().await?;
                Ok(Restored::PlannedAgain)
            }
            Err(RestoreError::Clip { why: failed, job_gone }) => {
                let why = format!("{why}, and cannot be downloaded again: {failed}");
                leased.set_error(&why).await?;
                leased.item.stage = Stage::Missing;
                Err(Setback::Missing { why, job_gone })
            }
        }
    }

    async fn download_again(
        &self,
        leased: &mut LeasedItem,
        progress: &ItemProgress,
        wanted: &Path,
    ) -> Result<(), RestoreError> {
        let id = leased.item.job_id.clone().unwrap_or_default();
        if wanted.is_dir() {
            return Err(RestoreError::clip(format!("{} is a directory", wanted.display())));
        }
        let _permit = self.downloads.acquire().await;
        let is_damaged = leased.item.path.as_deref().map(Path::new) == Some(wanted);
        let replace = leased.item.replace;
        let overwrite = overwrite(replace || is_damaged);
        let download = self.session.client.job(&id).download();
        let download = download.with_overwrite(overwrite).with_progress(progress.download_callback());
        let fetched = download.fetch_to(wanted).await.map_err(RestoreError::from)?;
        let backup = match is_damaged && !replace {
            true => {
                let path = wanted.to_owned();
                blocking(move || clip_file::rename_existing(&path)).await.map_err(|error| {
                    RestoreError::clip(format!("{} cannot be renamed: {error}", wanted.display()))
                })?
            }
            false => None,
        };
        leased.set_fetched(&fetched).await?;
        let saved = fetched.save().await.map_err(RestoreError::from)?;
        leased.set_saved(Some(&saved)).await?;
        if let Some(backup) = backup {
            self.report_backup(backup, wanted, leased).await;
        }
        Ok(())
    }

    /// A file in place of a clip may be valuable. Only the start of the clip itself is removed.
    async fn report_backup(&self, backup: PathBuf, wanted: &Path, leased: &LeasedItem) {
        let (file, clip) = (backup.clone(), wanted.to_owned());
        if !blocking(move || Ok(clip_file::remove_if_prefix(&file, &clip))).await.unwrap_or(false) {
            let label = leased.item.label();
            let line = format!("{label}: the file in its place was renamed to {}", backup.display());
            self.ctx.output.status("note", &line);
        }
    }
}

/// Why a clip could not be downloaded again.
enum RestoreError {
    Ledger(LedgerError),
    Clip { why: String, job_gone: bool },
}

impl RestoreError {
    fn clip(why: String) -> Self {
        Self::Clip { why, job_gone: false }
    }
}

impl From<LedgerError> for RestoreError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<Error> for RestoreError {
    fn from(error: Error) -> Self {
        // 404, 409 or 410 with an error of the service: the job is deleted, or its retention is over. Without one, the response
        // may be that of a gateway.
        let job_gone = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict)
            && error.code().is_some()
            && !error.is_retryable();
        Self::Clip { why: describe(&error), job_gone }
    }
}
