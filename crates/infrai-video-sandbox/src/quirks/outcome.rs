//! Changes the outcome of a handler: another status or code, or success instead of an error.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::json;

use super::{Quirk, Quirks};
use crate::api::call::Call;
use crate::api::envelope::{Outcome, Reply};
use crate::model::operation::Operation;
use crate::model::problem::Problem;

pub(crate) fn change(call: &Call, outcome: &mut Outcome) {
    let quirks = call.quirks;
    match outcome {
        Outcome::Reply(reply) if reply.cache_hit && quirks.has(Quirk::ReplayConflict) => {
            *outcome = Outcome::Problem(Problem::key_conflict());
        }
        Outcome::Problem(problem)
            if problem.code == "JOB_FINISHED"
                && call.operation == Some(Operation::Cancel)
                && quirks.has_any(&[Quirk::CancelFinal, Quirk::CancelNotOk]) =>
        {
            *outcome = Outcome::Reply(Reply::new(json!({"ok": !quirks.has(Quirk::CancelNotOk)})));
        }
        Outcome::Problem(problem) => change_status(quirks, problem),
        Outcome::Reply(_) => {}
    }
}

fn change_status(quirks: Quirks, problem: &mut Problem) {
    let (status, code) = match problem.status.as_u16() {
        404 if problem.code == "NOT_FOUND" && quirks.has(Quirk::GoneJobs) => (StatusCode::GONE, "GONE"),
        404 if problem.code == "NOT_FOUND" && quirks.has(Quirk::ForbiddenJobs) => {
            (StatusCode::FORBIDDEN, "FORBIDDEN")
        }
        401 if quirks.has(Quirk::ForbiddenKeys) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
        422 if quirks.has(Quirk::Validation400) => {
            problem.status = StatusCode::BAD_REQUEST;
            return;
        }
        401 if quirks.has(Quirk::NoWwwAuthenticate) => {
            problem.headers.retain(|(name, _)| name != WWW_AUTHENTICATE);
            return;
        }
        _ => return,
    };
    problem.status = status;
    code.clone_into(&mut problem.code);
    problem.headers.retain(|(name, _)| name != WWW_AUTHENTICATE);
}
