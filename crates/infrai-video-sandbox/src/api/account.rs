//! `topup`, and the checkout page that takes the place of a payment.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::Method;
use serde_json::json;

use crate::api::envelope::Reply;
use crate::api::extract::{Caller, HeaderKey, JsonBody};
use crate::api::fields::Fields;
use crate::app_state::Shared;
use crate::model::money::Usd;
use crate::model::operation::Operation;
use crate::model::problem::Problem;
use crate::store::{Change, Topup, Write};

const DEFAULT_TOPUP: f64 = 10.0;

pub(crate) async fn topup(
    State(app): Shared,
    Caller(account): Caller,
    key: HeaderKey,
    JsonBody(body): JsonBody,
) -> Result<Reply, Problem> {
    let amount = Usd::from_dollars(Fields(&body).amount_usd(DEFAULT_TOPUP)?);
    let key = key.for_write(Operation::Topup, "", &body);
    let written = app.store.write(app.now(), &account, key.as_ref(), |records, now| {
        let id = app.seed.id("co_", now, records.topups_opened());
        let data = json!({"checkout_url": format!("{}/checkout/{id}", app.api_base)});
        let topup = Topup { id, account: account.clone(), amount, paid: false };
        Ok::<_, Problem>(Write { changes: vec![Change::TopupOpened(topup)], data, vendor: None })
    })?;
    Ok(written.into())
}

/// Opening the page counts as the payment. `HEAD` does not.
pub(crate) async fn checkout(State(app): Shared, Path(id): Path<String>, method: Method) -> Response {
    if method == Method::HEAD {
        return ().into_response();
    }
    match app.store.pay(app.now(), &id) {
        Some((amount, true)) => {
            page("Paid", &format!("{} USD were credited to the account.", amount.dollars()))
        }
        Some((_, false)) => {
            page("Already paid", "This checkout was opened before and is credited only once.")
        }
        None => Problem::no_route("GET", "/checkout/{id} of that id").into_response(),
    }
}

fn page(title: &str, text: &str) -> Response {
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p>{text}</p>\n<p>This is a sandbox: no money was moved.</p>\n</html>\n"
    ))
    .into_response()
}
