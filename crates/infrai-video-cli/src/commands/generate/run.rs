//! The steps after the request is recorded: submit, wait, download, report.

use infrai_video::types::VideoJob;
use infrai_video::wait::WaitError;
use infrai_video::{Error, ErrorKind, Job, Response, Submission};
use tokio::time::Instant;

use super::cancel_or_detach::{Interrupted, InterruptedWait};
use crate::args::GenerateArgs;
use crate::context::{Context, Session};
use crate::exit_code::Exit;
use crate::failure::advice::{self, Resubmission};
use crate::failure::{Facts, Failure, describe, has_code};
use crate::ledger::Usual;
use crate::money::Usd;
use crate::runner::{self, AfterSave, Clip, OutputPath, Recorder, link_timeout, overwrite};
use crate::schema::GenerateReport;
use crate::signals::Signals;
use crate::spending::SingleCharge;
use crate::text::{clock, size, usd};
use crate::ui::JobProgress;

/// One run of `generate`.
pub(super) struct Run<'a> {
    pub(super) ctx: &'a Context,
    pub(super) args: &'a GenerateArgs,
    pub(super) session: &'a Session,
    pub(super) output_path: &'a OutputPath,
    pub(super) charge: SingleCharge,
    pub(super) submission: Submission,
    pub(super) recorder: Recorder,
    pub(super) signals: Signals,
}

/// A job that this run has started.
struct Started {
    job: Response<Job>,
    submitted_at: Instant,
    accepted_at: Instant,
}

impl Run<'_> {
    pub(super) async fn make_clip(&mut self) -> Result<(), Failure> {
        let of_key = Facts::of_key(self.submission.idempotency_key());
        let started = self.submit().await.map_err(|failure| failure.with_facts(of_key.clone()))?;
        if self.args.no_wait {
            return match self.ctx.output.json {
                true => self.print_report(&started, started.job.snapshot(), None),
                false => self.ctx.output.line(started.job.id()),
            };
        }
        let with_facts =
            |failure: Failure| failure.with_facts(Facts::of_job(started.job.id())).with_facts(of_key.clone());
        let job = self.wait(&started).await.map_err(with_facts)?;
        let clip = self.download(&started).await.map_err(with_facts)?;
        self.report(&started, &job, &clip)?;
        let after_save =
            AfterSave { args: &self.args.after_save, output: &self.ctx.output, collects_output: false };
        match &clip.path {
            Some(path) => after_save.run(path).await.map_err(with_facts),
            None => Ok(()),
        }
    }

    async fn submit(&mut self) -> Result<Started, Failure> {
        let submitted_at = Instant::now();
        let job = tokio::select! {
            job = self.session.client.submit(&self.submission) => job,
            signal = self.signals.next() => {
                let key = self.submission.idempotency_key();
                let message = format!("interrupted during the submission: the job may exist, under the idempotency key {key}");
                return Err(Failure::new(signal.exit(), message).next(self.resubmission().command()));
            }
        };
        let job = match job {
            Ok(job) => job,
            Err(error) => {
                self.recorder.set_not_submitted(&error).await;
                return Err(self.not_submitted(&error));
            }
        };
        self.recorder.set_accepted(&job).await;
        self.report_submission(&job);
        Ok(Started { job, submitted_at, accepted_at: Instant::now() })
    }

    fn report_submission(&self, job: &Response<Job>) {
        let uses_sandbox = self.ctx.options.sandbox();
        let cost = match (job.metadata().cache_hit, job.metadata().cost_usd) {
            (Some(true), _) => ", sent before: not charged again".to_owned(),
            (_, Some(cost)) if uses_sandbox => format!(", {} USD of play money", usd(cost)),
            (_, Some(cost)) => format!(", {} USD", usd(cost)),
            _ => String::new(),
        };
        let line = format!("job {}{cost}", job.id());
        // With `--quiet` too: if this process is killed during the wait, the user needs the id of the paid job.
        match self.args.no_wait {
            true => self.ctx.output.status("submitted", &line),
            false => self.ctx.output.important("submitted", &line),
        }
        let charged = job.metadata().cost_usd.and_then(Usd::from_dollars);
        if let Some(note) = charged.and_then(|charged| self.charge.surprise(self.ctx, self.args, charged)) {
            self.ctx.output.important("note", &note);
        }
        if uses_sandbox && self.args.no_wait {
            self.ctx.output.status("note", "the sandbox ends with this command, and the job with it");
            self.ctx.output.status("next", advice::SANDBOX_ENDS);
        }
        if !uses_sandbox {
            let resume = self.recorder.continuation(&self.ctx.invocation, job.id());
            self.ctx.output.status("resume", &resume);
        }
    }

    fn resubmission(&self) -> Resubmission<'_> {
        Resubmission {
            invocation: &self.ctx.invocation,
            args: self.args,
            key: self.submission.idempotency_key(),
            is_recorded: self.recorder.is_recording(),
        }
    }

    /// Why there is no job, or its existence is unknown.
    fn not_submitted(&self, error: &Error) -> Failure {
        let (key, resubmission) = (self.submission.idempotency_key(), self.resubmission());
        let failure = Failure::of_call(&self.ctx.invocation, error);
        let unknown = |exit: Exit, next: Vec<String>| {
            let message = format!("{}; the job may exist, under the idempotency key {key}", describe(error));
            Failure::new(exit, message).with_facts(Facts::from(error)).with_next(next)
        };
        match failure.exit() {
            exit if has_code(error, "IDEMPOTENCY_CONFLICT") => unknown(exit, vec![resubmission.find_job()]),
            exit if error.kind() == ErrorKind::AcceptedEarlier => {
                unknown(exit, vec![resubmission.command(), resubmission.find_job()])
            }
            _ if error.kind() == ErrorKind::Expired && self.recorder.was_finished() => {
                failure.with_exit(Exit::Refused).with_next(vec![
                    "use another --idempotency-key, or none, for a new clip, which is charged".to_owned(),
                ])
            }
            exit if error.kind() == ErrorKind::Expired => unknown(exit, resubmission.after_expiry()),
            Exit::OutcomeUnknown => unknown(Exit::OutcomeUnknown, resubmission.after_unknown_outcome(error)),
            Exit::Credit => failure.with_next(resubmission.after_insufficient_credit()),
            _ => failure,
        }
    }

    async fn wait(&mut self, started: &Started) -> Result<VideoJob, Failure> {
        let wait = self.session.wait(&started.job).with_max_wait(self.args.timeout.0);
        let before = started.submitted_at.elapsed();
        let usual = self.recorder.usual().await.map(|usual| Usual { before, ..usual });
        let progress = JobProgress::new(&self.ctx.output, None, usual);
        let signal = tokio::select! {
            result = runner::wait(wait, progress, &mut self.recorder) => {
                return result.map_err(|error| self.wait_failed(started, &error));
            }
            signal = self.signals.next() => signal,
        };
        let wait = InterruptedWait { ctx: self.ctx, session: self.session, job: &started.job, signal };
        let on_interrupt = self.args.on_interrupt;
        match wait.cancel_or_detach(on_interrupt, &mut self.recorder, &mut self.signals).await {
            Interrupted::Succeeded(job) => Ok(job),
            Interrupted::Exit(failure, Some(job)) if self.ctx.output.json => {
                self.print_report(started, Some(&job), None).and(Err(failure))
            }
            Interrupted::Exit(failure, _) => Err(failure),
        }
    }

    /// Why there is no clip to download. With `--json` the job is printed too.
    fn wait_failed(&self, started: &Started, error: &WaitError) -> Failure {
        if self.ctx.output.json
            && let Err(failure) = self.print_report(started, error.last_job(), None)
        {
            return failure;
        }
        let invocation = &self.ctx.invocation;
        let failure = Failure::of_wait(invocation, error);
        match failure.exit() {
            // The ledger has the destination of the clip.
            Exit::StillRunning | Exit::Unreachable if self.recorder.is_recording() => {
                let mut next = vec![self.recorder.continuation(invocation, started.job.id())];
                next.extend(advice::if_state_is_unknown(invocation, error.last_job()));
                failure.with_next(next)
            }
            _ => failure,
        }
    }

    async fn download(&mut self, started: &Started) -> Result<Clip, Failure> {
        let (id, invocation) = (started.job.id(), &self.ctx.invocation);
        let output = self.args.output.as_ref().map(|output| output.to_string_lossy());
        let next = advice::save_clip(invocation, id, self.recorder.is_recording(), output.as_deref());
        let download = started.job.download();
        let download = download.with_link_timeout(link_timeout(self.args.timeout.0, started.accepted_at));
        let (path, overwrite) = (self.output_path.path(id), overwrite(self.args.force));
        let result = tokio::select! {
            result = runner::download(download, path, overwrite, &self.ctx.output, &mut self.recorder) => result,
            signal = self.signals.next() => {
                let lost = match invocation.uses_sandbox() {
                    true => "the sandbox ends with this command, and the clip with it",
                    false => "nothing is lost",
                };
                let message = format!("interrupted while the clip of job {id} was being saved; {lost}");
                return Err(Failure::new(signal.exit(), message).with_next(next));
            }
        };
        result.map_err(|error| {
            if error.kind() == ErrorKind::JobFailed {
                return Failure::of_job_call(invocation, id, &error);
            }
            let message = format!("job {id} succeeded, but its clip was not saved: {}", describe(&error));
            Failure::new(Exit::Download, message).with_facts(Facts::from(&error)).with_next(next)
        })
    }

    fn report(&self, started: &Started, job: &VideoJob, clip: &Clip) -> Result<(), Failure> {
        let output = &self.ctx.output;
        let elapsed = clock(started.submitted_at.elapsed());
        let place = match &clip.path {
            Some(path) => format!("saved {}", path.display()),
            None => "written to stdout".to_owned(),
        };
        let text = format!("{elapsed}  {place}  {}", size(clip.bytes));
        output.status("done", &text);
        output.status("sha256", &clip.sha256);
        match &clip.path {
            _ if output.json => self.print_report(started, Some(job), Some(clip)),
            Some(path) => output.line(&path.display().to_string()),
            None => Ok(()),
        }
    }

    fn print_report(
        &self,
        started: &Started,
        job: Option<&VideoJob>,
        clip: Option<&Clip>,
    ) -> Result<(), Failure> {
        let Some(job) = job.or(started.job.snapshot()) else { return Ok(()) };
        self.ctx.output.json(&GenerateReport {
            job,
            path: clip.and_then(|clip| clip.path.as_ref()).map(|path| path.display().to_string()),
            bytes: clip.map(|clip| clip.bytes),
            sha256: clip.map(|clip| clip.sha256.as_str()),
            idempotency_key: self.submission.idempotency_key(),
            cost_usd: started.job.metadata().cost_usd,
        })
    }
}
