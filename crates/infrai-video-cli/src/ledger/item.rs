//! One clip that is wanted, and how far it is.

use std::fmt;
use std::path::PathBuf;

use infrai_video::Submission;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use crate::target::clip_name;
use crate::wish::Wish;

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Nothing was sent.
    Planned,
    /// The request may have been sent; what became of it is not known.
    Sent,
    /// There is a job.
    Accepted,
    /// The clip is here, whole and checked, under the name of a part.
    Fetched,
    /// The clip is where it should be.
    Saved,
    /// The job failed.
    Failed,
    /// The job was cancelled.
    Cancelled,
    /// The service, or a check before it was asked, said no. There is no job.
    Refused,
    /// The user wants no more of it.
    Dropped,
    /// The clip was saved, and is not where it was. Never stored: it follows from what lies on the disk.
    Missing,
}

impl Stage {
    /// What the ledger can hold.
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

    /// Whether it was begun and is not at its end.
    pub(crate) fn is_under_way(self) -> bool {
        matches!(self, Self::Sent | Self::Accepted | Self::Fetched)
    }

    /// Whether nothing more is to be done.
    pub(crate) fn is_final(self) -> bool {
        !self.is_under_way() && !matches!(self, Self::Planned | Self::Missing)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a clip goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    /// Into that directory, under the name `JOB_ID.mp4`.
    Directory(PathBuf),
    /// It went to the stdout of a process that may be gone. A later one puts it into that directory.
    Stdout(PathBuf),
    /// The job alone was wanted.
    Nowhere,
}

impl Place {
    pub(super) fn columns(&self) -> (&'static str, Option<String>) {
        let text = |path: &PathBuf| Some(path.to_string_lossy().into_owned());
        match self {
            Self::File(path) => ("file", text(path)),
            Self::Directory(path) => ("directory", text(path)),
            Self::Stdout(path) => ("stdout", text(path)),
            Self::Nowhere => ("nowhere", None),
        }
    }

    fn read(target: &str, output: Option<String>) -> Self {
        let path = PathBuf::from(output.unwrap_or_default());
        match target {
            "file" => Self::File(path),
            "directory" => Self::Directory(path),
            "stdout" => Self::Stdout(path),
            _ => Self::Nowhere,
        }
    }

    /// The path of the clip of a job, if it is to be kept at all.
    pub(crate) fn path(&self, job_id: &str) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
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
    pub(crate) place: Place,
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
    /// The process that worked on it when it was read.
    pub(crate) worker: Option<String>,
    pub(crate) created_at: i64,
}

impl Item {
    /// A clip that is wanted, and for which nothing was sent.
    pub(crate) fn planned(service: &str, id: &str, key: String, wish: &Wish, place: Place) -> Self {
        Self {
            service: service.to_owned(),
            id: id.to_owned(),
            batch: None,
            line: None,
            name: None,
            attempt: 1,
            key,
            request: wish.canonical(),
            seconds: wish.duration_seconds,
            submission: None,
            account: None,
            place,
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

    /// The words of the prompt, to tell one item from another.
    pub(crate) fn prompt(&self) -> String {
        let request: serde_json::Value = serde_json::from_str(&self.request).unwrap_or_default();
        request["prompt"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether there is something left to do for it that nobody has to be asked about.
    pub(crate) fn is_unfinished(&self) -> bool {
        match self.stage {
            Stage::Accepted => self.place != Place::Nowhere,
            stage => stage.is_under_way(),
        }
    }
}

impl FromRow<'_, AnyRow> for Item {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let stage: String = row.try_get("stage")?;
        let known = Stage::STORED.into_iter().find(|known| known.as_str() == stage);
        let submission: Option<String> = row.try_get("submission")?;
        let damaged = |what: String| sqlx::Error::Decode(what.into());
        Ok(Self {
            service: row.try_get("service")?,
            id: row.try_get("id")?,
            batch: row.try_get("batch")?,
            line: row.try_get("line")?,
            name: row.try_get("name")?,
            attempt: row.try_get("attempt")?,
            key: row.try_get("key")?,
            request: row.try_get("request")?,
            seconds: row.try_get("seconds")?,
            submission: submission
                .map(|json| serde_json::from_str(&json).map_err(|error| damaged(error.to_string())))
                .transpose()?,
            account: row.try_get("account")?,
            place: Place::read(row.try_get("target")?, row.try_get("output")?),
            replace: row.try_get::<i64, _>("overwrite")? != 0,
            stage: known.ok_or_else(|| damaged(format!("the stage {stage:?} is of a newer version")))?,
            job_id: row.try_get("job_id")?,
            job_state: row.try_get("job_state")?,
            cost_usd: row.try_get("cost_usd")?,
            error: row.try_get("error")?,
            error_code: row.try_get("error_code")?,
            path: row.try_get("path")?,
            bytes: row.try_get("bytes")?,
            sha256: row.try_get("sha256")?,
            machine: row.try_get("machine")?,
            worker: row.try_get("worker")?,
            created_at: row.try_get("created_at")?,
        })
    }
}
