//! `capabilities`: what each vendor makes.

use std::sync::PoisonError;

use axum::extract::State;
use serde_json::json;

use super::Shared;
use crate::envelope::Reply;
use crate::extract::Caller;
use crate::problem::Problem;

pub(crate) async fn capabilities(State(app): Shared, _: Caller) -> Result<Reply, Problem> {
    let catalogue = app.catalogue.read().unwrap_or_else(PoisonError::into_inner);
    Ok(Reply::new(json!({"vendors": catalogue.capabilities()})))
}
