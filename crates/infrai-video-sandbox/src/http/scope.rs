//! The query of the admin routes.

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use serde::Deserialize;
use serde::de::IntoDeserializer as _;

use super::admin::refusal;
use crate::input::{shortened, unknown};
use crate::model::keys::account_named;
use crate::model::operation::Operation;
use crate::store::journal::{JournalFilter, StatusFilter};

/// The account that a call of the admin API is limited to: the parameter `account`, an account's name or an API key of it.
pub(crate) struct Scope(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for Scope {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let [account] = parameters(parts, ["account"]).map_err(refusal)?;
        Ok(Self(account.map(|value| account_named(&value)).transpose().map_err(refusal)?))
    }
}

impl<S: Sync> FromRequestParts<S> for JournalFilter {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let [account, job, status, hide] =
            parameters(parts, ["account", "job", "status", "hide"]).map_err(refusal)?;
        let account = account.map(|value| account_named(&value)).transpose().map_err(refusal)?;
        let status = status.map(|value| status_named(&value)).transpose().map_err(refusal)?;
        let hide = hide.map(|value| operation_named(&value)).transpose().map_err(refusal)?;
        Ok(Self { account, job, status, hide })
    }
}

fn operation_named(value: &str) -> Result<Operation, String> {
    let name = value.replace('-', "_");
    let name = name.as_str().into_deserializer();
    Operation::deserialize(name)
        .map_err(|error: serde::de::value::Error| format!("the parameter `hide`: {error}"))
}

fn status_named(value: &str) -> Result<StatusFilter, String> {
    let in_range = |status: &u16| (100..600).contains(status);
    match value.split_at_checked(1) {
        Some((class @ ("1" | "2" | "3" | "4" | "5"), "xx")) => {
            Ok(StatusFilter::Class(u16::from(class.as_bytes()[0] - b'0')))
        }
        _ if value == "none" => Ok(StatusFilter::None),
        _ => match value.parse().ok().filter(in_range) {
            Some(status) => Ok(StatusFilter::Exactly(status)),
            None => Err(format!(
                "the parameter `status` cannot be `{}`: use a status such as 429, a class such as 4xx, or none",
                shortened(value)
            )),
        },
    }
}

/// The values of the parameters with these names. Every other parameter is rejected, and one that occurs twice.
fn parameters<const N: usize>(parts: &Parts, known: [&str; N]) -> Result<[Option<String>; N], String> {
    let mut values = [const { None }; N];
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        let Some(place) = known.iter().position(|known| *known == name) else {
            return Err(format!("the parameter {}", unknown(&name, known)));
        };
        if values[place].replace(value.into_owned()).is_some() {
            return Err(format!("several parameters `{name}`: send one"));
        }
    }
    Ok(values)
}

/// Rejects a query where none has a meaning: a parameter `account` would suggest that the call is limited to one.
pub(crate) async fn reject_query(request: Request, next: Next) -> Response {
    match request.uri().query() {
        None | Some("") => next.run(request).await,
        Some(_) => {
            refusal("this route takes no parameters, and is not limited to an account").into_response()
        }
    }
}
