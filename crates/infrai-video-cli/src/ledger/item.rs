//! A row of the ledger: one requested clip and its stage.

use std::fmt;
use std::path::PathBuf;

use infrai_video::{JobState, Submission};

use super::LedgerError;
use super::database::Row;
use crate::args::ClipRequest;
use crate::file_name::{self, clip_name};

/// The stage of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Nothing was sent.
    Planned,
    /// The request may have been sent; its outcome is unknown.
    Sent,
    /// There is a job.
    Accepted,
    /// The clip is downloaded and verified, and has the name of its part file.
    Fetched,
    /// The clip is at its destination.
    Saved,
    /// The job failed.
    Failed,
    /// The job was cancelled.
    Cancelled,
    /// The service rejected the request. There is no job.
    Refused,
    /// The user dropped it.
    Dropped,
    /// The clip was saved and is gone. Never stored: it follows from the files on the disk.
    Missing,
}

impl Stage {
    /// The stages that are stored.
    const STORED: [Self; 9] = [
        Self::Planned,
        Self::Sent,
        Self::Accepted,
        Self::Fetched,
        Self::Saved,
        Self::Failed,
        Self::Cancelled,
        Self::Refused,
        Self::Dropped,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Fetched => "fetched",
            Self::Saved => "saved",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Dropped => "dropped",
            Self::Missing => "missing",
        }
    }

    /// The name of the stage in the ledger.
    pub(super) fn stored(self) -> &'static str {
        if self == Self::Missing { Self::Saved.as_str() } else { self.as_str() }
    }

    pub(super) fn from_row(row: &Row) -> Result<Self, LedgerError> {
        let stage: String = row.get("stage")?;
        let known = Self::STORED.into_iter().find(|known| known.as_str() == stage);
        known.ok_or_else(|| LedgerError::Sql(format!("the stage {stage:?} was written by a newer version")))
    }

    /// Whether it was begun and is not finished.
    pub(crate) fn is_in_progress(self) -> bool {
        matches!(self, Self::Sent | Self::Accepted | Self::Fetched)
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_final(self) -> bool {
        !self.is_in_progress() && !matches!(self, Self::Planned | Self::Missing)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a clip is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    File(PathBuf),
    /// A file whose name has the field `{id}`, see [`file_name::with_id`].
    Named(PathBuf),
    /// In this directory, under the name `JOB_ID.mp4`.
    Directory(PathBuf),
    /// On the stdout of a process that may be gone. A later process saves it in this directory.
    Stdout(PathBuf),
    /// Only the job was requested.
    Nowhere,
}

impl Destination {
    pub(super) fn columns(&self) -> (&'static str, Option<String>) {
        let text = |path: &PathBuf| Some(path.to_string_lossy().into_owned());
        match self {
            Self::File(path) => ("file", text(path)),
            Self::Named(path) => ("named", text(path)),
            Self::Directory(path) => ("directory", text(path)),
            Self::Stdout(path) => ("stdout", text(path)),
            Self::Nowhere => ("nowhere", None),
        }
    }

    fn from_columns(target: &str, output: Option<String>) -> Self {
        let path = PathBuf::from(output.unwrap_or_default());
        match target {
            "file" => Self::File(path),
            "named" => Self::Named(path),
            "directory" => Self::Directory(path),
            "stdout" => Self::Stdout(path),
            _ => Self::Nowhere,
        }
    }

    /// The path of the clip of a job. `None` if no clip was requested.
    pub(crate) fn path(&self, job_id: &str) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Named(path) => Some(file_name::with_id(path, job_id)),
            Self::Directory(directory) | Self::Stdout(directory) => Some(directory.join(clip_name(job_id))),
            Self::Nowhere => None,
        }
    }
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) service: String,
    pub(crate) id: String,
    pub(crate) batch: Option<String>,
    pub(crate) line: Option<i64>,
    pub(crate) name: Option<String>,
    pub(crate) attempt: i64,
    pub(crate) key: String,
    pub(crate) request: String,
    pub(crate) seconds: Option<f64>,
    pub(crate) submission: Option<Submission>,
    pub(crate) account: Option<String>,
    pub(crate) destination: Destination,
    pub(crate) replace: bool,
    pub(crate) stage: Stage,
    pub(crate) job_id: Option<String>,
    pub(crate) job_state: Option<String>,
    pub(crate) cost_usd: Option<f64>,
    pub(crate) error: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) bytes: Option<i64>,
    pub(crate) sha256: Option<String>,
    pub(crate) machine: Option<String>,
    /// The process that held the lease when the row was read.
    pub(crate) worker: Option<String>,
    pub(crate) created_at: i64,
}

impl Item {
    /// A clip that was not requested yet.
    pub(crate) fn planned(
        service: &str,
        id: &str,
        key: String,
        request: &ClipRequest,
        destination: Destination,
    ) -> Self {
        Self {
            service: service.to_owned(),
            id: id.to_owned(),
            batch: None,
            line: None,
            name: None,
            attempt: 1,
            key,
            request: request.canonical_json(),
            seconds: request.duration_seconds,
            submission: None,
            account: None,
            destination,
            replace: false,
            stage: Stage::Planned,
            job_id: None,
            job_state: None,
            cost_usd: None,
            error: None,
            error_code: None,
            path: None,
            bytes: None,
            sha256: None,
            machine: None,
            worker: None,
            created_at: 0,
        }
    }

    pub(crate) fn clip_request(&self) -> serde_json::Result<ClipRequest> {
        serde_json::from_str(&self.request)
    }

    /// The prompt, or nothing if the stored request cannot be read.
    pub(crate) fn prompt(&self) -> String {
        self.clip_request().map(|request| request.prompt).unwrap_or_default()
    }

    /// The name under which users know the item.
    pub(crate) fn label(&self) -> String {
        match (&self.name, self.line) {
            (Some(name), _) => name.clone(),
            (None, Some(line)) => format!("line {line}"),
            (None, None) => self.job_id.clone().unwrap_or_else(|| self.key.clone()),
        }
    }

    /// Whether its request may have been accepted, so that it is sent again under its key and charged once.
    pub(crate) fn may_be_charged(&self) -> bool {
        self.stage == Stage::Sent && self.job_id.is_none()
    }

    /// Whether the last known state of its job is final.
    pub(crate) fn has_finished_job(&self) -> bool {
        matches!(self.stage, Stage::Fetched | Stage::Saved)
            || self.job_state.as_deref().is_some_and(|state| JobState::from(state).is_final())
    }

    /// Whether it needs a new request.
    pub(crate) fn is_finished_without_clip(&self) -> bool {
        self.stage.is_final() && self.stage != Stage::Saved
    }

    /// Whether it failed because of what it requests, so that the same request would fail again.
    pub(crate) fn needs_another_request(&self) -> bool {
        match self.stage {
            Stage::Refused => true,
            Stage::Failed => self.error_code.as_deref().is_some_and(blames_the_request),
            _ => false,
        }
    }

    /// Whether `resume` continues it.
    pub(crate) fn is_unfinished(&self) -> bool {
        match self.stage {
            Stage::Accepted => self.destination != Destination::Nowhere,
            stage => stage.is_in_progress(),
        }
    }

    pub(super) fn from_row(row: &Row) -> Result<Self, LedgerError> {
        let submission: Option<String> = row.get("submission")?;
        let target: String = row.get("target")?;
        Ok(Self {
            service: row.get("service")?,
            id: row.get("id")?,
            batch: row.get("batch")?,
            line: row.get("line")?,
            name: row.get("name")?,
            attempt: row.get("attempt")?,
            key: row.get("key")?,
            request: row.get("request")?,
            seconds: row.get("seconds")?,
            submission: submission
                .map(|json| serde_json::from_str(&json).map_err(|error| LedgerError::Sql(error.to_string())))
                .transpose()?,
            account: row.get("account")?,
            destination: Destination::from_columns(&target, row.get("output")?),
            replace: row.get::<i64>("overwrite")? != 0,
            stage: Stage::from_row(row)?,
            job_id: row.get("job_id")?,
            job_state: row.get("job_state")?,
            cost_usd: row.get("cost_usd")?,
            error: row.get("error")?,
            error_code: row.get("error_code")?,
            path: row.get("path")?,
            bytes: row.get("bytes")?,
            sha256: row.get("sha256")?,
            machine: row.get("machine")?,
            worker: row.get("worker")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// Whether the error code of a failed job is about its request, and not about the vendor or the service.
pub(crate) fn blames_the_request(code: &str) -> bool {
    let code = code.to_ascii_uppercase();
    ["REJECTED", "INVALID", "VALIDATION", "UNSUPPORTED", "CONTENT", "PROMPT", "MODERATION", "POLICY"]
        .iter()
        .any(|part| code.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_about_the_request_ask_for_another_one() {
        for code in ["CONTENT_REJECTED", "content_policy_violation", "VALIDATION_FAILED", "INVALID_REQUEST"] {
            assert!(blames_the_request(code), "{code}");
        }
        for code in ["VENDOR_ERROR", "RENDER_TIMEOUT", "INTERNAL", ""] {
            assert!(!blames_the_request(code), "{code}");
        }
    }
}
