//! Waits for a job and downloads its clip, with progress.

use std::path::PathBuf;
use std::time::Duration;

use infrai_video::download::{Download, Overwrite};
use infrai_video::types::VideoJob;
use infrai_video::wait::{Wait, WaitError};
use infrai_video::{Error, ErrorKind};
use tokio::time::{Instant, interval_at};

use super::ledger_session::Recorder;
use crate::ui::{DownloadProgress, HEARTBEAT, JobProgress, Output};

/// How long after the deadline of a wait one of its calls may still take.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Timeout of the request for a link that belongs to a wait which began at `since`.
pub(crate) fn link_timeout(timeout: Option<Duration>, since: Instant) -> Option<Duration> {
    timeout.map(|timeout| timeout.saturating_sub(since.elapsed()).saturating_add(GRACE))
}

/// Waits until the job has succeeded.
pub(crate) async fn wait(
    wait: Wait,
    mut progress: JobProgress,
    recorder: &mut Recorder,
) -> Result<VideoJob, WaitError> {
    let mut updates = wait.updates();
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    let mut last = None;
    loop {
        tokio::select! {
            update = updates.next() => match update {
                Some(Ok(update)) => {
                    progress.update(&update);
                    recorder.set_job_state(&update.job).await;
                    last = Some(update.job);
                }
                Some(Err(error)) => {
                    if let Some(job) = error.last_job() {
                        recorder.set_job_state(job).await;
                    }
                    return Err(error);
                }
                None => return Ok(last.expect("a successful wait has polled the job")),
            },
            _ = heartbeat.tick() => progress.heartbeat(),
        }
    }
}

/// A complete clip.
pub(crate) struct Clip {
    /// `None` for stdout.
    pub(crate) path: Option<PathBuf>,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Downloads a clip to a file or to stdout.
pub(crate) async fn download(
    download: Download,
    path: Option<PathBuf>,
    overwrite: Overwrite,
    output: &Output,
    recorder: &mut Recorder,
) -> Result<Clip, Error> {
    let progress = DownloadProgress::new(output);
    let download = download.with_overwrite(overwrite).with_progress(progress.callback());
    let clip = async {
        match path {
            Some(path) => {
                let fetched = download.fetch_to(&path).await?;
                recorder.set_fetched(&fetched).await;
                let saved = fetched.save().await?;
                recorder.set_saved(Some(&saved)).await;
                Ok(Clip { path: Some(saved.path), bytes: saved.bytes, sha256: saved.sha256 })
            }
            None => {
                let written = download.to_writer(tokio::io::stdout()).await?;
                recorder.set_saved(None).await;
                Ok(Clip { path: None, bytes: written.bytes, sha256: written.sha256 })
            }
        }
    };
    let mut clip = Box::pin(clip);
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    let result: Result<Clip, Error> = loop {
        tokio::select! {
            result = &mut clip => break result,
            _ = heartbeat.tick() => progress.heartbeat(),
        }
    };
    drop(clip);
    if let Err(error) = &result
        && error.kind() == ErrorKind::JobFailed
    {
        recorder.set_failed(error).await;
    }
    result
}
