//! What a command writes into the ledger about one clip, where there is a ledger.

use std::sync::Arc;

use infrai_video::types::VideoJob;
use infrai_video::{Error, ErrorKind, Fetched, Job, Response, Saved, Submission};

use crate::app::App;
use crate::args::GenerateArgs;
use crate::exit::Exit;
use crate::failure::{Failure, describe};
use crate::ledger::{Entry, Item, Ledger, LedgerError, Location, Place, Stage, Take};
use crate::output::Screen;
use crate::target::Target;
use crate::text::quote;
use crate::wish::Wish;
use crate::work::Heartbeat;

/// The item of a clip in the ledger, or nothing.
pub(crate) struct Record(Option<Kept>);

/// The ledger, for commands on jobs that another command may have asked for.
pub(crate) struct Records(Option<(Arc<Ledger>, Screen, String)>);

impl Records {
    /// Opens the ledger if there is one. These commands work without.
    pub(crate) async fn open(app: &App) -> Self {
        let there = Location::find(app.global.ledger.as_deref()).is_ok_and(|location| location.is_there());
        if !there {
            return Self(None);
        }
        match app.ledger().await {
            Ok(ledger) => Self(ledger.map(|ledger| (ledger, app.screen.clone(), app.service()))),
            Err(failure) => {
                app.screen.say("note", &format!("{}; this is not written down", failure.message()));
                Self(None)
            }
        }
    }

    /// What the ledger has of a job, unless another process works on it.
    pub(crate) async fn job(&self, job_id: &str) -> Record {
        let Some((ledger, screen, service)) = &self.0 else { return Record::none() };
        let Ok(Some(item)) = ledger.find(service, job_id).await else { return Record::none() };
        match ledger.take(service, Take::One(&item.id)).await.ok().and_then(|mut items| items.pop()) {
            Some(item) => Record(Some(Kept::new(ledger, item, screen, Resent::Yes))),
            None => Record::none(),
        }
    }

    /// The item that was asked for under an idempotency key.
    pub(crate) async fn under_key(&self, key: &str) -> Option<Item> {
        let (ledger, _, service) = self.0.as_ref()?;
        ledger.find(service, key).await.ok().flatten().filter(|item| item.key == key)
    }

    /// What was asked for with the API key in use and has no clip here yet.
    pub(crate) async fn without_clips(&self, app: &App) -> Vec<Item> {
        let Some((ledger, _, service)) = &self.0 else { return Vec::new() };
        let account = app.account();
        let mut items = ledger.begun(service).await.unwrap_or_default();
        items.retain(|item| {
            item.stage != Stage::Fetched && (item.account.is_none() || item.account == account)
        });
        items
    }

    /// All jobs of the account were deleted, those of these items among them.
    pub(crate) async fn all_deleted(&self, items: Vec<Item>) {
        let Some((ledger, screen, service)) = &self.0 else { return };
        for item in items {
            let taken =
                ledger.take(service, Take::One(&item.id)).await.ok().and_then(|mut items| items.pop());
            // Another process may work on it, or have asked for it anew.
            if let Some(taken) = taken.filter(|taken| taken.attempt == item.attempt) {
                Record(Some(Kept::new(ledger, taken, screen, Resent::Yes))).deleted().await;
            }
        }
    }

    /// Lets go of the ledger.
    pub(crate) async fn close(self) {
        if let Some((ledger, ..)) = self.0 {
            ledger.close().await;
        }
    }
}

struct Kept {
    ledger: Arc<Ledger>,
    entry: Entry,
    /// The item as it was when it was taken.
    before: Box<Item>,
    screen: Screen,
    resent: Resent,
    /// Whether the user knows that the ledger cannot be written.
    warned: bool,
    _heartbeat: Heartbeat,
}

/// Whether the request may have left before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resent {
    Yes,
    No,
}

impl Record {
    /// For a command that keeps no record.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Writes the request down before it is sent. Answers what is to be sent: where the key was used for the same before,
    /// the very bytes of then.
    pub(crate) async fn open(
        app: &App,
        args: &GenerateArgs,
        wish: &Wish,
        target: &Target,
        submission: Submission,
    ) -> Result<(Self, Submission), Failure> {
        let is_for_later = args.no_wait && args.output.is_some();
        let ledger = match app.ledger().await? {
            Some(ledger) => ledger,
            None if is_for_later => {
                let message = "--no-wait with -o needs a ledger, which keeps the path for `resume`";
                return Err(Failure::new(Exit::Usage, message).next(app.help()));
            }
            None => return Ok((Self::none(), submission)),
        };
        let place = if args.no_wait && !is_for_later { Place::Nowhere } else { target.place()? };
        let failed =
            |error: LedgerError| app.ledger_failed(&error).with_exit(Exit::Refused).next("nothing was sent");
        let key = submission.idempotency_key().as_str();
        let item = Item::planned(&app.service(), key, key.to_owned(), wish, place.clone());
        ledger.add(&[item]).await.map_err(failed)?;
        let taken = ledger.take(&app.service(), Take::One(key)).await.map_err(failed)?.pop();
        let Some(taken) = taken else {
            return Err(Failure::new(Exit::Other, format!("another process is working on the key {key}"))
                .next("wait for it, or use another --idempotency-key"));
        };
        let resent = if taken.submission.is_some() { Resent::Yes } else { Resent::No };
        let submission = same_as_before(&taken, wish, submission)?;
        let mut kept = Kept::new(&ledger, taken, &app.screen, resent);
        (kept.entry.item.place, kept.entry.item.replace) = (place, args.force);
        // The job of a key that was used before stays known while its response is read again.
        match kept.entry.item.job_id.is_some() {
            true => kept.entry.stays().await,
            false => kept.entry.leaves(submission.clone(), app.account()).await,
        }
        .map_err(failed)?;
        Ok((Self(Some(kept)), submission))
    }

    /// Whether `resume` can go on with it.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the key was used before, for a job that came to its end.
    pub(crate) fn was_over(&self) -> bool {
        self.0.as_ref().is_some_and(|kept| kept.before.stage.is_final())
    }

    /// The command that goes on with the job.
    pub(crate) fn go_on(&self, app: &App, job_id: &str) -> String {
        let command = if self.is_kept() { "resume" } else { "wait" };
        app.command(&format!("{command} {}", quote(job_id)))
    }

    /// The request did not lead to a job, or it is not known whether it did.
    pub(crate) async fn not_submitted(&mut self, error: &Error) {
        let Some(kept) = &mut self.0 else { return };
        let is_unknown = kept.resent == Resent::Yes
            || error.is_outcome_unknown()
            || error.kind() == ErrorKind::AcceptedEarlier;
        // What is worth another try of the same: no credit, no network, no patience.
        let is_worth_it = matches!(
            Exit::from(error),
            Exit::Credit | Exit::Unreachable | Exit::RateLimited | Exit::Authentication
        );
        let written = match (is_unknown, is_worth_it) {
            // There is a job under this key, or the request was not sent this time: what was known stays as it was.
            _ if kept.before.job_id.is_some() || error.kind() == ErrorKind::Expired => {
                kept.entry.item = (*kept.before).clone();
                kept.entry.stays().await
            }
            (true, _) => kept.entry.troubled(&describe(error)).await,
            (false, true) => kept.entry.is_planned_again(&describe(error)).await,
            (false, false) => kept.entry.ended(Stage::Refused, &describe(error), error.code()).await,
        };
        kept.warn(written);
    }

    /// There is a job.
    pub(crate) async fn accepted(&mut self, job: &Response<Job>) {
        let Some(kept) = &mut self.0 else { return };
        let written = kept.entry.accepted(job).await;
        kept.warn(written);
    }

    /// A state of the job was read.
    pub(crate) async fn read(&mut self, job: &VideoJob) {
        let Some(kept) = &mut self.0 else { return };
        let written = kept.entry.read(job).await;
        kept.warn(written);
    }

    /// The job is over without a clip, as a download found.
    pub(crate) async fn has_no_clip(&mut self, error: &Error) {
        let Some(kept) = &mut self.0 else { return };
        let written = kept.entry.ended(Stage::Failed, error.message(), error.code()).await;
        kept.warn(written);
    }

    /// The clip is here, and gets its name next.
    pub(crate) async fn fetched(&mut self, clip: &Fetched) {
        let Some(kept) = &mut self.0 else { return };
        let written = kept.entry.fetched(clip).await;
        kept.warn(written);
    }

    /// The clip is where it should be.
    pub(crate) async fn saved(&mut self, clip: Option<&Saved>) {
        let Some(kept) = &mut self.0 else { return };
        let written = kept.entry.saved(clip).await;
        kept.warn(written);
    }

    /// The job was deleted with its clip.
    pub(crate) async fn deleted(&mut self) {
        let Some(kept) = &mut self.0 else { return };
        // A clip that is here is not lost with its job.
        if !matches!(kept.entry.item.stage, Stage::Saved | Stage::Fetched) {
            let written = kept.entry.ended(Stage::Dropped, "deleted by its user", None).await;
            kept.warn(written);
        }
    }

    /// Lets go of the ledger.
    pub(crate) async fn close(self) {
        if let Some(kept) = self.0 {
            kept.ledger.close().await;
        }
    }
}

impl Kept {
    fn new(ledger: &Arc<Ledger>, item: Item, screen: &Screen, resent: Resent) -> Self {
        Self {
            ledger: Arc::clone(ledger),
            before: Box::new(item.clone()),
            entry: Entry::new(ledger, item),
            screen: screen.clone(),
            resent,
            warned: false,
            _heartbeat: Heartbeat::start(ledger),
        }
    }

    /// Once there is a job, a ledger that fails is no reason to lose the clip too.
    fn warn(&mut self, written: Result<(), LedgerError>) {
        if let Err(error) = written
            && !std::mem::replace(&mut self.warned, true)
        {
            self.screen
                .tell("note", &format!("the ledger cannot be written, and this goes on without it: {error}"));
        }
    }
}

/// What a key was used for stays what it was.
fn same_as_before(item: &Item, wish: &Wish, submission: Submission) -> Result<Submission, Failure> {
    let Some(before) = &item.submission else { return Ok(submission) };
    let key = &item.key;
    if item.request != wish.canonical() {
        return Err(Failure::new(Exit::Refused, format!("the key {key} was used for another request"))
            .next("use another --idempotency-key, or none, so that one is made"));
    }
    Ok(before.clone())
}
