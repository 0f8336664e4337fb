//! Shows what `resume` would do with each item, without a request and without a change to any item.

use std::time::SystemTime;

use infrai_video::{JobState, Submission, Timestamp};

use crate::args::{ResumeArgs, credentials};
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{Item, Ledger, Stage};
use crate::schema::{ItemReport, ResumeStep};
use crate::text::fit;
use crate::ui::Table;

/// Maximum columns of a prompt, which tells items apart.
const PROMPT_WIDTH: usize = 40;

pub(super) async fn show(
    ctx: &Context,
    args: &ResumeArgs,
    ledger: &Ledger,
    items: &[Item],
) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for item in items {
        let leased = ledger.is_leased_elsewhere(&ctx.service(), &item.id).await;
        let to_do = match leased.map_err(|error| ctx.ledger_failed(&error))? {
            true => "nothing: another process is working on it".to_owned(),
            false => to_do(args, item),
        };
        if ctx.output.json {
            ctx.output.json(&ResumeStep { to_do, item: ItemReport::of(item) })?;
            continue;
        }
        let name = item.job_id.clone().unwrap_or_else(|| item.key.clone());
        rows.push(vec![name, item.stage.to_string(), to_do, fit(&item.prompt(), PROMPT_WIDTH).into_owned()]);
    }
    ctx.output.status("dry run", "nothing was sent");
    match ctx.output.json {
        true => Ok(()),
        false => ctx.output.table(&Table::new(&["JOB OR KEY", "STATE", "TO DO", "PROMPT"], rows, 2)),
    }
}

fn to_do(args: &ResumeArgs, item: &Item) -> String {
    let words = match item.stage {
        stage if args.drop && stage.is_final() => "nothing: already finished",
        _ if args.drop => "forget it",
        Stage::Planned if item.batch.is_some() && !args.again => "nothing: batch run PLAN starts it",
        Stage::Planned => "send",
        Stage::Sent if args.again => "send under a new key; may be charged again",
        Stage::Sent => return sent(item),
        Stage::Accepted => return accepted(args, item),
        Stage::Fetched => "save",
        Stage::Missing if args.again => "download again, or send under a new key if its job is gone",
        Stage::Missing => "download again",
        Stage::Saved => "nothing: its clip is saved",
        _ if args.again => "send under a new key; is charged",
        _ => "nothing: finished; --again sends a new request",
    };
    words.to_owned()
}

/// The age of a key counts by the service's clock. This estimate uses the local clock.
fn sent(item: &Item) -> String {
    let decide = "nothing until you choose --again or --drop";
    let account = credentials::api_key_fingerprint();
    if item.account.is_some() && account.is_some() && item.account != account {
        return format!("{decide}: it may have been sent with another API key");
    }
    let is_remembered = |submission: &Submission| {
        let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MAX);
        let age = now.checked_duration_since(submission.prepared_at());
        age.is_some_and(|age| age < Submission::KEY_LIFETIME)
    };
    match item.submission.as_ref().is_none_or(is_remembered) {
        true => "send again under its key".to_owned(),
        false => format!("send again under its key if the service still remembers it, else {decide}"),
    }
}

fn accepted(args: &ResumeArgs, item: &Item) -> String {
    let state = item.job_state.as_deref().and_then(|state| state.parse().ok());
    let words = if state == Some(JobState::Succeeded) { "download" } else { "wait, download" };
    let path = item.job_id.as_deref().and_then(|job_id| item.destination.path(job_id));
    match path.filter(|path| !item.replace && !args.force && path.symlink_metadata().is_ok()) {
        Some(path) => format!("{words}; {} already exists", path.display()),
        None => words.to_owned(),
    }
}
