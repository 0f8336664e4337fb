use infrai_video::types::VideoJob;
use infrai_video::{Error, ErrorKind, JobId, JobState};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use super::for_each;
use crate::app::App;
use crate::args::DownloadArgs;
use crate::exit::Exit;
use crate::failure::{Failure, describe, has_ended};
use crate::follow::fetch;
use crate::record::Records;
use crate::session::Session;
use crate::target::{Target, check_file};
use crate::text::{clock, size};

/// A clip that was saved.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Downloaded<'a> {
    job_id: &'a str,
    /// Where the clip is.
    path: String,
    /// The size of the clip.
    bytes: u64,
    /// The checksum of the clip, in hexadecimal digits.
    sha256: &'a str,
}

pub(super) async fn run(app: &App, args: &DownloadArgs) -> Result<(), Failure> {
    let ids = app.ids(&args.ids)?;
    let target = target(app, args, &ids)?;
    let session = app.session().await?;
    let mut signals = app.signals()?;
    let records = Records::open(app).await;
    let done = tokio::select! {
        done = for_each(app, &ids, |id| one(app, args, &session, &records, id, &target)) => done,
        signal = signals.next() => Err(Failure::new(signal.exit(), "a later download goes on from here")
            .with_word("stopped")
            .next(app.same_command())),
    };
    records.close().await;
    done
}

/// Looks at every path before anything is fetched.
fn target(app: &App, args: &DownloadArgs, ids: &[JobId]) -> Result<Target, Failure> {
    let target = Target::checked(args.output.as_deref(), args.force, app.screen.stdout_is_terminal)?;
    let usage = |message: &str| Failure::new(Exit::Usage, message).next(app.help());
    match &target {
        Target::Stdout if app.screen.json => return Err(usage("--json and -o - would both write to stdout")),
        Target::Stdout | Target::File(_) if ids.len() > 1 => {
            return Err(usage("`--output` must be a directory that exists, since there are several clips"));
        }
        Target::Directory(_) => {
            for path in ids.iter().filter_map(|id| target.path(id.as_str())) {
                check_file(&path, args.force)?;
            }
        }
        _ => {}
    }
    Ok(target)
}

async fn one(
    app: &App,
    args: &DownloadArgs,
    session: &Session,
    records: &Records,
    id: JobId,
    target: &Target,
) -> Result<(), Failure> {
    let started = Instant::now();
    let job = session.client.status(&id).await.map_err(|error| app.failed_on(id.as_str(), &error))?;
    if job.state != JobState::Succeeded || job.is_without_clip() {
        return Err(no_clip(app, &job));
    }
    let download = session.client.job(id.as_str()).download();
    let mut record = records.job(id.as_str()).await;
    let fetched = fetch(download, id.as_str(), target, args.force, &app.screen, &mut record).await;
    let clip = fetched.map_err(|error| not_saved(app, &id, &error))?;
    let (elapsed, length) = (clock(started.elapsed()), size(clip.bytes));
    let Some(path) = &clip.path else {
        app.screen.say("done", &format!("{elapsed}  written to stdout  {length}  sha256 {}", clip.sha256));
        return Ok(());
    };
    let path = path.display().to_string();
    app.screen.say("done", &format!("{elapsed}  saved {path}  {length}  sha256 {}", clip.sha256));
    match app.screen.json {
        true => app.screen.json(&Downloaded {
            job_id: id.as_str(),
            path,
            bytes: clip.bytes,
            sha256: &clip.sha256,
        }),
        false => app.screen.line(&path),
    }
}

/// Why there is nothing to download.
fn no_clip(app: &App, job: &VideoJob) -> Failure {
    let id = &job.job_id;
    let failure = |exit, what: &str| Failure::new(exit, format!("job {id} {what}"));
    match &job.state {
        JobState::Failed | JobState::Succeeded => {
            failure(Exit::JobFailed, &has_ended(job)).instead(app.about_job("get", id))
        }
        JobState::Cancelled => {
            failure(Exit::Cancelled, "was cancelled and has no clip").instead(app.about_job("get", id))
        }
        state if state.is_final() => {
            failure(Exit::Download, &format!("is {state} and has no clip")).instead(app.about_job("get", id))
        }
        state => {
            let steps =
                app.about_job("wait", id).into_iter().map(|wait| format!("{wait} && {}", app.same_command()));
            failure(Exit::StillRunning, &format!("is still {state} and has no clip yet"))
                .instead(steps.collect())
        }
    }
}

/// Why a clip that is there is not here. A failed call of the API says what it is; all else is the download's fault.
fn not_saved(app: &App, id: &JobId, error: &Error) -> Failure {
    match error.kind() {
        ErrorKind::JobFailed => app.failed_on(id.as_str(), error).instead(app.about_job("get", id.as_str())),
        ErrorKind::Conflict => app.failed_on(id.as_str(), error).with_exit(Exit::Download),
        _ if error.operation().is_some() => app.failed_on(id.as_str(), error),
        _ => Failure::new(Exit::Download, format!("the clip of job {id} is not saved: {}", describe(error)))
            .next(app.same_command()),
    }
}
