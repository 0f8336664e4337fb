//! `generate`: takes an order, chooses who makes it, charges for it, and plans the job.

use axum::Extension;
use axum::extract::State;
use jiff::Timestamp;

use super::{Shared, view};
use crate::app::App;
use crate::call::Call;
use crate::catalogue::Quote;
use crate::clock::{DAY, later};
use crate::envelope::Reply;
use crate::extract::{Caller, HeaderKey, JsonBody, fingerprint};
use crate::faults::Action;
use crate::operation::Operation;
use crate::problem::Problem;
use crate::store::{Change, Failure, Job, KeyUse, State as Records, Write, Written, charge};
use crate::validate::{Fields, Order};

/// A prompt that holds this fails its job on purpose.
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
    // A request that was accepted before is answered even if no vendor is left to make it today.
    if let Some(earlier) = app.store.replay(now, &account, key.as_ref())? {
        return Ok(replayed(&app, earlier));
    }
    let quote = app.quote(&order)?;
    let failure = failure_of(&order, call.fault.as_ref());
    let request = fingerprint(Operation::Generate, "", &body);

    let mut accepted = None;
    let written = app.store.write(now, &account, key.as_ref(), |records| {
        let balance = records.balance(&account);
        if balance < quote.cost {
            return Err(Problem::insufficient_credit(quote.cost.dollars(), balance.dollars()));
        }
        let job = plan(&app, &call, records, &account, key.as_ref(), (order, &quote, failure), now);
        let data = view::video_job(&app, &job, now);
        let changes = vec![charge(&job, &request), Change::JobAccepted(Box::new(job.clone()))];
        accepted = Some(job);
        Ok(Write { changes, data, vendor: Some(quote.vendor.clone()) })
    })?;
    match (&written, &accepted) {
        (Written::Done { .. }, Some(job)) => {
            let scene = app.clip_request(job);
            app.studio.claim(&scene);
            if app.settings().prerender && job.failure.is_none() {
                app.studio.prepare(scene);
            }
            Ok(Reply { cost: quote.cost, accepted: Some(job.number), ..written.into() })
        }
        _ => Ok(replayed(&app, written)),
    }
}

fn replayed(app: &App, earlier: Written) -> Reply {
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
        message: "the prompt asks for a failure with [fail]: take it out and generate again".to_owned(),
    })
}

fn plan(
    app: &App,
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
    // A job that fails does so midway.
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
