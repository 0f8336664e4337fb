//! The query of the admin routes.

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use super::admin::refusal;
use crate::input::unknown;
use crate::model::keys::account_named;

/// The account that a call of the admin API is limited to: the parameter `account`, an account's name or an API key of it.
pub(crate) struct Scope(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for Scope {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let mut account = None;
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if name != "account" {
                return Err(refusal(format!("the parameter {}", unknown(&name, ["account"]))));
            }
            let named = account_named(&value).map_err(refusal)?;
            if account.replace(named).is_some() {
                return Err(refusal("several parameters `account`: send one"));
            }
        }
        Ok(Self(account))
    }
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
