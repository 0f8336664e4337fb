//! `generate`: validates a request, selects the vendor, charges the account, and schedules the job.

use axum::Extension;
use axum::extract::State;
use jiff::Timestamp;

use super::view;
use crate::api::call::Call;
use crate::api::envelope::Reply;
use crate::api::extract::{Caller, HeaderKey, JsonBody, fingerprint};
use crate::api::fields::Fields;
use crate::app_state::{AppState, Shared};
use crate::faults::Action;
use crate::model::catalogue::Quote;
use crate::model::operation::Operation;
use crate::model::order::Order;
use crate::model::problem::Problem;
use crate::model::time::{DAY, later};
use crate::store::{Change, Failure, Job, KeyUse, State as Records, Write, Written, charge};

/// A job with this text in its prompt fails.
const FAIL_MARK: &str = "[fail]";

pub(crate) async fn generate(
    State(app): Shared,
    Extension(call): Extension<Call>,
    Caller(account): Caller,
    key: HeaderKey,
    JsonBody(body): JsonBody,
) -> Result<Reply, Problem> {
    let order = Fields(&body).order()?;
    let key = key.or_field(Operation::Generate, "", &body)?;
    let now = app.now();
    // A retry of an accepted request succeeds even if no vendor is up now.
    if let Some(earlier) = app.store.replay(now, &account, key.as_ref())? {
        return Ok(replayed(&app, earlier));
    }
    let quote = app.quote(&order)?;
    let failure = failure_of(&order, call.fault.as_ref());
    let request = fingerprint(Operation::Generate, "", &body);

    let mut accepted = None;
    let written = app.store.write(now, &account, key.as_ref(), |records, now| {
        let balance = records.balance(&account);
        if balance < quote.cost {
            return Err(Problem::insufficient_credit(quote.cost.dollars(), balance.dollars()));
        }
        let job = schedule(&app, &call, records, &account, key.as_ref(), (order, &quote, failure), now);
        let data = view::video_job(&app, &job, now);
        let changes = vec![charge(&job, &request), Change::JobAccepted(Box::new(job.clone()))];
        accepted = Some(job);
        Ok(Write { changes, data, vendor: Some(quote.vendor.clone()) })
    })?;
    match (&written, &accepted) {
        (Written::Done { .. }, Some(job)) => {
            let clip = app.clip_request(job);
            app.clips.job_accepted(&clip);
            if app.settings().prerender && job.failure.is_none() {
                app.clips.prepare(clip);
            }
            Ok(Reply { cost: quote.cost, accepted: Some(job.number), ..written.into() })
        }
        _ => Ok(replayed(&app, written)),
    }
}

fn replayed(app: &AppState, earlier: Written) -> Reply {
    let reply = Reply::from(earlier);
    let accepted = reply.data["job_id"].as_str().and_then(|id| app.store.number_of(id));
    Reply { accepted, ..reply }
}

fn failure_of(order: &Order, fault: Option<&Action>) -> Option<Failure> {
    if let Some(Action::FailJob { code, message }) = fault {
        return Some(Failure { code: code.clone(), message: message.clone() });
    }
    order.prompt.contains(FAIL_MARK).then(|| Failure {
        code: "CONTENT_REJECTED".to_owned(),
        message: "the prompt requests a failure with [fail]: remove it and generate again".to_owned(),
    })
}

fn schedule(
    app: &AppState,
    call: &Call,
    records: &Records,
    account: &str,
    key: Option<&KeyUse>,
    (order, quote, failure): (Order, &Quote, Option<Failure>),
    now: Timestamp,
) -> Job {
    let number = records.next_number();
    let settings = app.settings();
    let run = settings.times.run(order.duration_seconds, &order.resolution, quote.speed);
    let starts = later(now, settings.times.queued);
    // Jobs fail midway.
    let ends = later(starts, if failure.is_some() { run / 2 } else { run });
    Job {
        number,
        id: app.seed.id("vj_", now, number),
        account: account.to_owned(),
        request_id: call.request_id.clone(),
        order,
        vendor: quote.vendor.clone(),
        model: quote.model.clone(),
        cost: quote.cost,
        idempotency_key: key.map(|key| key.key.clone()),
        created: now,
        starts,
        ends,
        failure,
        cancelled: None,
        expires: later(ends, DAY * settings.retention_days),
        gone: false,
    }
}
