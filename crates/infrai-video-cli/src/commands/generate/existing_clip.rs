//! A clip that the same command has saved before.

use std::path::PathBuf;

use infrai_video::JobState;

use crate::args::{ClipRequest, GenerateArgs, credentials};
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::file_name::{Use, clip_name};
use crate::ledger::Item;
use crate::runner::{LedgerSession, is_clip, template};
use crate::schema::GenerateReport;

pub(super) struct ExistingClip {
    item: Item,
    path: PathBuf,
}

/// The item of the same request under the same idempotency key.
pub(super) async fn known_item(ctx: &Context, args: &GenerateArgs, request: &ClipRequest) -> Option<Item> {
    let key = args.idempotency_key.as_deref().filter(|_| !args.dry_run)?;
    let ledger = LedgerSession::open(ctx).await;
    let item = ledger.item_of_key(key).await;
    ledger.close().await;
    let account = credentials::api_key_fingerprint();
    item.filter(|item| item.request == request.canonical_json() && item.account == account)
}

impl ExistingClip {
    /// The clip of the item, if it is at its path. With a template that is the recorded path, since the date of today, for
    /// instance, leads to another one.
    pub(super) fn find(args: &GenerateArgs, item: &Item) -> Option<Self> {
        let name = clip_name(item.job_id.as_deref()?);
        let path = match args.output.as_deref().map(|output| template(output, Use::Clip)) {
            None => PathBuf::from(name),
            Some(Ok(Ok(_))) => PathBuf::from(item.path.as_deref()?),
            Some(Ok(Err(output))) if output.is_dir() => output.join(name),
            Some(Ok(Err(output))) => output,
            Some(Err(_)) => return None,
        };
        is_clip(item, &path).then(|| Self { item: item.clone(), path })
    }

    pub(super) fn print(&self, ctx: &Context, args: &GenerateArgs) -> Result<(), Failure> {
        let item = &self.item;
        let (id, path) = (item.job_id.as_deref().unwrap_or_default(), self.path.display().to_string());
        ctx.output.status("done", &format!("already saved  {path}  job {id}; nothing was sent"));
        if !ctx.output.json {
            return ctx.output.line(if args.no_wait { id } else { &path });
        }
        let job = serde_json::json!({"job_id": id, "state": JobState::Succeeded.as_str()});
        let key = args.idempotency_key.as_deref().unwrap_or_default();
        ctx.output.json(&GenerateReport {
            job: &serde_json::from_value(job)
                .map_err(|error| Failure::new(Exit::Other, error.to_string()))?,
            path: Some(path),
            bytes: item.bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            sha256: item.sha256.as_deref(),
            idempotency_key: &key.parse().map_err(|error| Failure::of_call(&ctx.invocation, &error))?,
            cost_usd: item.cost_usd,
        })
    }
}
