//! What `resume` would do with each item: told without a request, and without a change to any item.

use infrai_video::{JobState, Submission};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::PROMPT;
use crate::app::App;
use crate::args::ResumeArgs;
use crate::failure::Failure;
use crate::layout::fit;
use crate::ledger::{Item, Ledger, Stage};
use crate::report::ItemReport;
use crate::table::Table;

/// An item as `resume --dry-run --json` prints it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ResumeStep {
    /// What `resume` would do with it, in words.
    to_do: String,
    #[serde(flatten)]
    item: ItemReport,
}

pub(super) async fn show(
    app: &App,
    args: &ResumeArgs,
    ledger: &Ledger,
    items: &[Item],
) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for item in items {
        let taken = ledger.is_taken(&app.service(), &item.id).await;
        let to_do = match taken.map_err(|error| app.ledger_failed(&error))? {
            true => "nothing: another process is working on it".to_owned(),
            false => to_do(app, args, item),
        };
        if app.screen.json {
            app.screen.json(&ResumeStep { to_do, item: ItemReport::of(item) })?;
            continue;
        }
        let name = item.job_id.clone().unwrap_or_else(|| item.key.clone());
        rows.push(vec![name, item.stage.to_string(), to_do, fit(&item.prompt(), PROMPT).into_owned()]);
    }
    app.screen.say("dry run", "nothing was sent");
    match app.screen.json {
        true => Ok(()),
        false => app.screen.table(&Table::whole(&["JOB OR KEY", "STATE", "TO DO", "PROMPT"], &rows, 2)),
    }
}

fn to_do(app: &App, args: &ResumeArgs, item: &Item) -> String {
    let words = match item.stage {
        stage if args.drop && stage.is_final() => "nothing: it is over already",
        _ if args.drop => "forget it",
        Stage::Planned if item.batch.is_some() && !args.again => "nothing: `batch run PLAN` begins it",
        Stage::Planned => "send",
        Stage::Sent if args.again => "send under a new key, which may be charged on top",
        Stage::Sent => return sent(app, item),
        Stage::Accepted => return accepted(args, item),
        Stage::Fetched => "save",
        Stage::Missing if args.again => "download again; send under a new key if its job is gone too",
        Stage::Missing => "download again",
        Stage::Saved => "nothing: its clip is there",
        _ if args.again => "send under a new key, which is charged",
        _ => "nothing: it is over; --again asks for it anew",
    };
    words.to_owned()
}

/// Only the service's clock tells the age of a key. This one tells what is to be expected.
fn sent(app: &App, item: &Item) -> String {
    let ask = "ask for --again or --drop";
    let account = app.account();
    if item.account.is_some() && account.is_some() && item.account != account {
        return format!("{ask}: it may have been sent with another API key");
    }
    let age =
        item.submission.as_ref().map(|submission| Timestamp::now().duration_since(submission.prepared_at()));
    match age {
        Some(age) if !(SignedDuration::ZERO..Submission::KEY_LIFETIME).contains(&age) => {
            format!("send again under its key if the service still remembers it, else {ask}")
        }
        _ => "send again under its key".to_owned(),
    }
}

fn accepted(args: &ResumeArgs, item: &Item) -> String {
    let state = item.job_state.as_deref().and_then(|state| state.parse().ok());
    let words = if state == Some(JobState::Succeeded) { "download" } else { "wait, download" };
    let path = item.job_id.as_deref().and_then(|job_id| item.place.path(job_id));
    match path.filter(|path| !item.replace && !args.force && path.symlink_metadata().is_ok()) {
        Some(path) => format!("{words}; {} is there already", path.display()),
        None => words.to_owned(),
    }
}
