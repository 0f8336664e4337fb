//! Waiting for a job and fetching its clip, with something to see meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt as _;
use infrai_video::types::VideoJob;
use infrai_video::{Download, Error, ErrorKind, Overwrite, Wait, WaitError};
use tokio::time::{Instant, interval_at};

use crate::output::Screen;
use crate::progress::{ClipLine, HEARTBEAT, JobLine};
use crate::record::Record;
use crate::target::Target;

/// How long after the deadline of a wait a call that belongs to it may still take.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// How long a call for a link may take that belongs to a wait which began at `since`.
pub(crate) fn link_timeout(timeout: Option<Duration>, since: Instant) -> Option<Duration> {
    timeout.map(|timeout| timeout.saturating_sub(since.elapsed()).saturating_add(GRACE))
}

/// Waits until the job has succeeded.
pub(crate) async fn until_over(
    wait: Wait,
    mut line: JobLine,
    record: &mut Record,
) -> Result<VideoJob, WaitError> {
    let mut updates = wait.updates();
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    let mut last = None;
    loop {
        tokio::select! {
            update = updates.next() => match update {
                Some(update) => {
                    let update = match update {
                        Ok(update) => update,
                        Err(error) => {
                            if let Some(job) = error.last_job() {
                                record.read(job).await;
                            }
                            return Err(error);
                        }
                    };
                    line.update(&update);
                    record.read(&update.job).await;
                    last = Some(update.job);
                }
                None => return Ok(last.expect("a wait that ends well has read the job")),
            },
            _ = heartbeat.tick() => line.heartbeat(),
        }
    }
}

/// A clip that came whole.
pub(crate) struct Clip {
    /// Where it is, unless it went to stdout.
    pub(crate) path: Option<PathBuf>,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Downloads a clip to where it should go.
pub(crate) async fn fetch(
    download: Download,
    job_id: &str,
    target: &Target,
    force: bool,
    screen: &Screen,
    record: &mut Record,
) -> Result<Clip, Error> {
    let line = ClipLine::new(screen);
    let overwrite = if force { Overwrite::Replace } else { Overwrite::Refuse };
    let download = download.with_overwrite(overwrite).with_progress(line.reporter());
    let clip = async {
        match target.path(job_id) {
            Some(path) => {
                let fetched = download.fetch_to(&path).await?;
                record.fetched(&fetched).await;
                let saved = fetched.save().await?;
                record.saved(Some(&saved)).await;
                Ok(Clip { path: Some(saved.path), bytes: saved.bytes, sha256: saved.sha256 })
            }
            None => {
                let written = download.to_writer(tokio::io::stdout()).await?;
                record.saved(None).await;
                Ok(Clip { path: None, bytes: written.bytes, sha256: written.sha256 })
            }
        }
    };
    let mut clip = Box::pin(clip);
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    let fetched: Result<Clip, Error> = loop {
        tokio::select! {
            fetched = &mut clip => break fetched,
            _ = heartbeat.tick() => line.heartbeat(),
        }
    };
    drop(clip);
    if let Err(error) = &fetched
        && error.kind() == ErrorKind::JobFailed
    {
        record.has_no_clip(error).await;
    }
    fetched
}
