//! `capabilities`: what each vendor supports.

use std::sync::PoisonError;

use axum::extract::State;
use serde_json::json;

use crate::api::envelope::Reply;
use crate::api::extract::Caller;
use crate::app_state::Shared;
use crate::model::problem::Problem;

pub(crate) async fn capabilities(State(app): Shared, _: Caller) -> Result<Reply, Problem> {
    let catalogue = app.catalogue.read().unwrap_or_else(PoisonError::into_inner);
    Ok(Reply::new(json!({"vendors": catalogue.capabilities()})))
}
