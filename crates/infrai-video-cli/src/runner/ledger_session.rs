//! What a command records about single jobs, if there is a ledger.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use infrai_video::download::{Fetched, Saved};
use infrai_video::types::VideoJob;
use infrai_video::{Error, ErrorKind, Job, Response, Submission};

use super::output_path::OutputPath;
use crate::args::{ClipRequest, GenerateArgs, credentials};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::{Failure, Invocation, describe};
use crate::ledger::{
    Destination, Forecast, Heartbeat, Item, LeasedItem, Ledger, LedgerError, Selection, Stage, Usual,
};
use crate::ui::Output;

/// The ledger for commands on jobs that another command may have recorded. It may be missing.
pub(crate) struct LedgerSession(Option<OpenLedger>);

struct OpenLedger {
    ledger: Arc<Ledger>,
    output: Output,
    service: String,
}

impl LedgerSession {
    /// Opens the ledger if it exists. A ledger that cannot be used is reported and ignored.
    pub(crate) async fn open(ctx: &Context) -> Self {
        if !ctx.ledger_location().is_ok_and(|location| location.exists()) {
            return Self(None);
        }
        match ctx.open_ledger().await {
            Ok(ledger) => Self(ledger.map(|ledger| OpenLedger {
                ledger,
                output: ctx.output.clone(),
                service: ctx.service(),
            })),
            Err(failure) => {
                ctx.output.status("note", &format!("{}; nothing is recorded", failure.message()));
                Self(None)
            }
        }
    }

    /// The recorder of a job. It does nothing if the ledger does not know the job, or another process works on it.
    pub(crate) async fn job(&self, job_id: &str) -> Recorder {
        let Some(open) = &self.0 else { return Recorder::none() };
        let Ok(Some(item)) = open.ledger.find(&open.service, job_id).await else { return Recorder::none() };
        let item = open.lease(&item).await;
        Recorder(item.map(|item| Recording::new(&open.ledger, item, &open.output, Sending::Again)))
    }

    /// Records the state of a job that was read, for the report of what was charged. `was_watched` says whether this process has
    /// seen it before it was final.
    pub(crate) async fn set_charge_state(&self, job: &VideoJob, was_watched: bool) {
        let Some(open) = &self.0 else { return };
        // The next process that reads the state records it.
        let _unreachable =
            open.ledger.set_charge_state(&open.service, &job.job_id, &job.state, was_watched).await;
    }

    /// What is known to forecast these jobs.
    pub(crate) async fn forecast(&self, job_ids: &[&str]) -> Forecast {
        match &self.0 {
            Some(open) => open.ledger.forecast(&open.service, job_ids).await,
            None => Forecast::default(),
        }
    }

    /// The item of an idempotency key.
    pub(crate) async fn item_of_key(&self, key: &str) -> Option<Item> {
        let open = self.0.as_ref()?;
        open.ledger.find(&open.service, key).await.ok().flatten().filter(|item| item.key == key)
    }

    /// The item of a job.
    pub(crate) async fn item_of_job(&self, job_id: &str) -> Option<Item> {
        let open = self.0.as_ref()?;
        open.ledger.find(&open.service, job_id).await.ok().flatten()
    }

    /// The paths of clips that are not saved yet.
    pub(crate) async fn into_destinations(self) -> HashSet<PathBuf> {
        let Some(open) = &self.0 else { return HashSet::new() };
        let items = open.ledger.in_progress(&open.service).await.unwrap_or_default();
        let path = |item: &Item| item.destination.path(item.job_id.as_deref().unwrap_or_default());
        let paths = items.iter().filter_map(path).collect();
        self.close().await;
        paths
    }

    /// The items of the API key in use whose clips are not downloaded yet.
    pub(crate) async fn items_without_clips(&self) -> Vec<Item> {
        let Some(open) = &self.0 else { return Vec::new() };
        let account = credentials::api_key_fingerprint();
        let mut items = open.ledger.in_progress(&open.service).await.unwrap_or_default();
        items.retain(|item| {
            item.stage != Stage::Fetched && (item.account.is_none() || item.account == account)
        });
        items
    }

    /// Records that all jobs of the account were deleted, including those of these items.
    pub(crate) async fn set_deleted(&self, items: Vec<Item>) {
        let Some(open) = &self.0 else { return };
        for item in items {
            // Another process may work on it, or have sent a new request.
            let leased = open.lease(&item).await.filter(|leased| leased.attempt == item.attempt);
            if let Some(leased) = leased {
                let recording = Recording::new(&open.ledger, leased, &open.output, Sending::Again);
                Recorder(Some(recording)).set_deleted().await;
            }
        }
    }

    pub(crate) async fn close(self) {
        if let Some(open) = self.0 {
            open.ledger.close().await;
        }
    }
}

impl OpenLedger {
    async fn lease(&self, item: &Item) -> Option<Item> {
        let leased = self.ledger.lease(&self.service, Selection::One(&item.id)).await;
        leased.ok().and_then(|mut items| items.pop())
    }
}

/// Records the progress of one clip in the ledger, or nothing if there is none.
pub(crate) struct Recorder(Option<Recording>);

struct Recording {
    ledger: Arc<Ledger>,
    leased: LeasedItem,
    /// The item before this command changed it.
    before: Box<Item>,
    output: Output,
    sending: Sending,
    /// Whether the user was told that the ledger cannot be written.
    has_warned: bool,
    _heartbeat: Heartbeat,
}

/// Whether the request may have been sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    First,
    Again,
}

/// A request of `generate`.
pub(crate) struct Order<'a> {
    pub(crate) args: &'a GenerateArgs,
    pub(crate) request: &'a ClipRequest,
    pub(crate) output_path: &'a OutputPath,
}

impl Recorder {
    /// Records nothing.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Records the request before it is sent. Returns what to send: if the key was used for the same request before, the bytes of
    /// that request.
    pub(crate) async fn open(
        ctx: &Context,
        order: &Order<'_>,
        submission: Submission,
    ) -> Result<(Self, Submission), Failure> {
        let is_for_later = order.args.no_wait && order.args.output.is_some();
        let ledger = match ctx.open_ledger().await? {
            Some(ledger) => ledger,
            None if is_for_later => {
                let message =
                    "--no-wait with -o needs a ledger, which keeps the path for infrai-video resume";
                return Err(Failure::new(Exit::Usage, message).next(ctx.invocation.help()));
            }
            None => return Ok((Self::none(), submission)),
        };
        let destination = match order.args.no_wait && !is_for_later {
            true => Destination::Nowhere,
            false => order.output_path.destination()?,
        };
        let failed =
            |error: LedgerError| ctx.ledger_failed(&error).with_exit(Exit::Refused).next("nothing was sent");
        let (service, key) = (ctx.service(), submission.idempotency_key().as_str());
        let item = Item::planned(&service, key, key.to_owned(), order.request, destination.clone());
        ledger.add(&[item]).await.map_err(failed)?;
        let leased = ledger.lease(&service, Selection::One(key)).await.map_err(failed)?.pop();
        let Some(item) = leased else {
            let message = format!("another process is working on the key {key}");
            return Err(
                Failure::new(Exit::Other, message).next("wait for it, or use another --idempotency-key")
            );
        };
        let account = credentials::api_key_fingerprint();
        let may_have_job = item.job_id.is_some() || item.may_be_charged();
        if may_have_job && item.account.is_some() && item.account != account {
            let message = format!("nothing was sent: the key {key} was used with another API key");
            return Err(Failure::new(Exit::Refused, message)
                .next("use another --idempotency-key, or none, for a new clip, which is charged")
                .next(format!("{}  (with that API key)", ctx.invocation.command_on("resume", key, ""))));
        }
        let sending = if item.submission.is_some() { Sending::Again } else { Sending::First };
        let submission = same_as_before(&item, order.request, submission)?;
        let mut recording = Recording::new(&ledger, item, &ctx.output, sending);
        let item = &mut recording.leased.item;
        (item.destination, item.replace) = (destination, order.args.force);
        // If the key was used before, its job stays known while the response is read again.
        let stored = match recording.leased.item.job_id.is_some() {
            true => recording.leased.store_changes().await,
            false => recording.leased.set_sent(submission.clone(), account).await,
        };
        stored.map_err(failed)?;
        Ok((Self(Some(recording)), submission))
    }

    /// Whether there is a record, so that `resume` can continue.
    pub(crate) fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the key was used before for a job that has finished.
    pub(crate) fn was_finished(&self) -> bool {
        self.0.as_ref().is_some_and(|recording| recording.before.stage.is_final())
    }

    /// The command that continues with the job.
    pub(crate) fn continuation(&self, invocation: &Invocation, job_id: &str) -> String {
        let subcommand = if self.is_recording() { "resume" } else { "wait" };
        invocation.command_on(subcommand, job_id, "")
    }

    /// The submission failed, or its outcome is unknown.
    pub(crate) async fn set_not_submitted(&mut self, error: &Error) {
        let Some(recording) = &mut self.0 else { return };
        let is_unknown = recording.sending == Sending::Again
            || error.is_outcome_unknown()
            || error.kind() == ErrorKind::AcceptedEarlier;
        // Sending the same request again may succeed.
        let is_temporary = matches!(
            Exit::from(error),
            Exit::Credit | Exit::Unreachable | Exit::RateLimited | Exit::Authentication
        );
        let leased = &mut recording.leased;
        let written = match (is_unknown, is_temporary) {
            // There is a job under this key, or nothing was sent this time: the item stays as it was.
            _ if recording.before.job_id.is_some() || error.kind() == ErrorKind::Expired => {
                leased.item = (*recording.before).clone();
                leased.store_changes().await
            }
            (true, _) => leased.set_error(&describe(error)).await,
            (false, true) => leased.set_planned(&describe(error)).await,
            (false, false) => leased.set_stage(Stage::Refused, &describe(error), error.code()).await,
        };
        recording.warn_once(written);
    }

    /// How long jobs like the one that is recorded usually take.
    pub(crate) async fn usual(&self) -> Option<Usual> {
        let recording = self.0.as_ref()?;
        let item = &recording.leased.item;
        recording.ledger.forecast(&item.service, &[]).await.of_item(item)
    }

    pub(crate) async fn set_accepted(&mut self, job: &Response<Job>) {
        let Some(recording) = &mut self.0 else { return };
        let written = recording.leased.set_accepted(job).await;
        recording.warn_once(written);
    }

    pub(crate) async fn set_job_state(&mut self, job: &VideoJob) {
        let Some(recording) = &mut self.0 else { return };
        let written = recording.leased.set_job_state(job).await;
        recording.warn_once(written);
    }

    /// The job has no clip, as the download found.
    pub(crate) async fn set_failed(&mut self, error: &Error) {
        let Some(recording) = &mut self.0 else { return };
        let written = recording.leased.set_stage(Stage::Failed, error.message(), error.code()).await;
        recording.warn_once(written);
    }

    pub(crate) async fn set_fetched(&mut self, clip: &Fetched) {
        let Some(recording) = &mut self.0 else { return };
        let written = recording.leased.set_fetched(clip).await;
        recording.warn_once(written);
    }

    pub(crate) async fn set_saved(&mut self, clip: Option<&Saved>) {
        let Some(recording) = &mut self.0 else { return };
        let written = recording.leased.set_saved(clip).await;
        recording.warn_once(written);
    }

    /// The job was deleted with its clip.
    pub(crate) async fn set_deleted(&mut self) {
        let Some(recording) = &mut self.0 else { return };
        // A downloaded clip is not lost with its job.
        if !matches!(recording.leased.item.stage, Stage::Saved | Stage::Fetched) {
            let written = recording.leased.set_deleted().await;
            recording.warn_once(written);
        }
    }

    pub(crate) async fn close(self) {
        if let Some(recording) = self.0 {
            recording.ledger.close().await;
        }
    }
}

impl Recording {
    fn new(ledger: &Arc<Ledger>, item: Item, output: &Output, sending: Sending) -> Self {
        Self {
            ledger: Arc::clone(ledger),
            before: Box::new(item.clone()),
            leased: LeasedItem::new(ledger, item),
            output: output.clone(),
            sending,
            has_warned: false,
            _heartbeat: Heartbeat::start(ledger),
        }
    }

    /// Once a job exists, a ledger that fails is no reason to lose the clip.
    fn warn_once(&mut self, written: Result<(), LedgerError>) {
        if let Err(error) = written
            && !std::mem::replace(&mut self.has_warned, true)
        {
            let text = format!("the ledger cannot be written, and the command continues without it: {error}");
            self.output.important("note", &text);
        }
    }
}

/// The request that was sent under the key before, if any. The key cannot be used for another one.
fn same_as_before(item: &Item, request: &ClipRequest, submission: Submission) -> Result<Submission, Failure> {
    let Some(before) = &item.submission else { return Ok(submission) };
    if item.request != request.canonical_json() {
        let message = format!("the key {} was used for another request", item.key);
        return Err(Failure::new(Exit::Refused, message)
            .next("use another --idempotency-key, or none, so that one is generated"));
    }
    Ok(before.clone())
}
