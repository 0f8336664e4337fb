use std::collections::{HashMap, HashSet};

use infrai_video::types::VideoJob;
use infrai_video::{Error, ErrorKind, JobId, JobState};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{for_each, job_ids};
use crate::args::DownloadArgs;
use crate::context::{Context, Session};
use crate::exit_code::Exit;
use crate::failure::{Failure, advice, describe, job_outcome};
use crate::file_name::Values;
use crate::runner::{self, AfterSave, LedgerSession, OutputPath, WantedPath, check_file, overwrite};
use crate::schema::DownloadReport;
use crate::text::{clock, size};

pub(crate) async fn run(ctx: &Context, args: &DownloadArgs) -> Result<(), Failure> {
    let ids = job_ids(ctx, &args.ids)?;
    let ledger = LedgerSession::open(ctx).await;
    let output_paths = output_paths(ctx, args, &ids, &ledger).await?;
    let session = ctx.connect().await?;
    let mut signals = ctx.signals()?;
    let downloads = Downloads { ctx, args, session: &session, ledger: &ledger, output_paths: &output_paths };
    let result = tokio::select! {
        result = for_each(ctx, &ids, |id| downloads.download(id)) => result,
        signal = signals.next() => Err(Failure::new(signal.exit(), "a later download continues from here")
            .with_label("stopped")
            .next(ctx.invocation.repeat())),
    };
    ledger.close().await;
    result
}

/// Checks every path before anything is downloaded. Returns that of each job.
async fn output_paths(
    ctx: &Context,
    args: &DownloadArgs,
    ids: &[JobId],
    ledger: &LedgerSession,
) -> Result<HashMap<JobId, OutputPath>, Failure> {
    let usage = |message: &str| Failure::new(Exit::Usage, message).next(ctx.invocation.help());
    let (at, mut paths, mut taken) = (Timestamp::now(), HashMap::new(), HashSet::new());
    for id in ids {
        let item = ledger.item_of_job(id.as_str()).await;
        let request = item.and_then(|item| item.clip_request().ok());
        let values =
            request.as_ref().map_or_else(|| Values::of_unknown(at), |request| Values::of(request, at));
        let path = OutputPath::checked(&WantedPath {
            output: args.output.as_deref(),
            force: args.force,
            stdout_is_terminal: ctx.output.stdout_is_terminal,
            values: values.with_id(Some(id.as_str())),
            taken: taken.clone(),
            creates_directories: true,
        })
        .map_err(|failure| failure.naming_settings(&ctx.invocation))?;
        match &path {
            OutputPath::Stdout if !args.after_save.is_empty() => {
                return Err(usage("--open and --exec need a clip that is saved to a file"));
            }
            OutputPath::Stdout if ctx.output.json => {
                return Err(usage("--json and -o - cannot be combined: both write to stdout"));
            }
            OutputPath::Directory(_) => {
                if let Some(path) = path.path(id.as_str()) {
                    check_file(&path, args.force)?;
                }
            }
            OutputPath::File(file) | OutputPath::Named(file)
                if taken.insert(std::path::absolute(file).unwrap_or_default()) => {}
            OutputPath::Stdout if ids.len() == 1 => {}
            _ => {
                let message =
                    "--output must be an existing directory for several clips, or have a field such as {id}";
                return Err(usage(message));
            }
        }
        paths.insert(id.clone(), path);
    }
    Ok(paths)
}

/// The downloads of one command.
struct Downloads<'a> {
    ctx: &'a Context,
    args: &'a DownloadArgs,
    session: &'a Session,
    ledger: &'a LedgerSession,
    output_paths: &'a HashMap<JobId, OutputPath>,
}

impl Downloads<'_> {
    async fn download(&self, id: JobId) -> Result<(), Failure> {
        let (started, output) = (Instant::now(), &self.ctx.output);
        let failed = |error| Failure::of_job_call(&self.ctx.invocation, id.as_str(), &error);
        let job = self.session.client.status(&id).await.map_err(failed)?;
        // In a state that this version does not know, the clip may be there.
        let may_have_clip = match &job.state {
            JobState::Unknown(_) => !job.state.is_final(),
            state => *state == JobState::Succeeded,
        };
        if !may_have_clip || job.is_without_clip() {
            return Err(self.no_clip(&job));
        }
        let download = self.session.client.job(id.as_str()).download();
        let mut recorder = self.ledger.job(id.as_str()).await;
        let path = self.output_paths.get(&id).and_then(|path| path.path(id.as_str()));
        let overwrite = overwrite(self.args.force);
        let clip = runner::download(download, path, overwrite, output, &mut recorder).await;
        let clip = clip.map_err(|error| self.not_saved(&id, &error))?;
        let (elapsed, length) = (clock(started.elapsed()), size(clip.bytes));
        let Some(path) = &clip.path else {
            let text = format!("{elapsed}  written to stdout  {length}  sha256 {}", clip.sha256);
            output.status("done", &text);
            return Ok(());
        };
        let saved = path.clone();
        let path = path.display().to_string();
        output.status("done", &format!("{elapsed}  saved {path}  {length}  sha256 {}", clip.sha256));
        match output.json {
            true => output.json(&DownloadReport {
                job_id: id.as_str(),
                path,
                bytes: clip.bytes,
                sha256: &clip.sha256,
            }),
            false => output.line(&path),
        }?;
        AfterSave { args: &self.args.after_save, output, collects_output: false }.run(&saved).await
    }

    /// Why the job has no clip.
    fn no_clip(&self, job: &VideoJob) -> Failure {
        let (id, invocation) = (&job.job_id, &self.ctx.invocation);
        let failure = |exit, what: &str| Failure::new(exit, format!("job {id} {what}"));
        let get = || advice::on_job(invocation, "get", id);
        match &job.state {
            JobState::Failed | JobState::Succeeded => {
                failure(Exit::JobFailed, &job_outcome(job)).with_next(get())
            }
            JobState::Cancelled => failure(Exit::Cancelled, "was cancelled and has no clip").with_next(get()),
            state if state.is_final() => {
                failure(Exit::Download, &format!("is {state} and has no clip")).with_next(get())
            }
            state => failure(Exit::StillRunning, &format!("is still {state} and has no clip yet"))
                .with_next(advice::wait_and_repeat(invocation, id)),
        }
    }

    /// Why an existing clip was not saved: a failed call of the API, or the download itself.
    fn not_saved(&self, id: &JobId, error: &Error) -> Failure {
        let invocation = &self.ctx.invocation;
        let call = || Failure::of_job_call(invocation, id.as_str(), error);
        match error.kind() {
            ErrorKind::JobFailed => call().with_next(advice::on_job(invocation, "get", id.as_str())),
            ErrorKind::Conflict => call().with_exit(Exit::Download),
            _ if error.operation().is_some() => call(),
            _ => Failure::new(
                Exit::Download,
                format!("the clip of job {id} was not saved: {}", describe(error)),
            )
            .next(invocation.repeat()),
        }
    }
}
