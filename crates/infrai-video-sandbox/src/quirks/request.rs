//! Changes a request before its handler, or rejects it.

use bytes::Bytes;
use http::header::{AUTHORIZATION, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};
use serde_json::{Map, Value};

use super::ids::{self, RealId};
use super::{Quirk, Quirks};
use crate::api::call::Call;
use crate::api::list::limit;
use crate::app_state::AppState;
use crate::model::keys::{IDEMPOTENCY_KEY, account_in};
use crate::model::operation::{Host, Operation};
use crate::model::problem::Problem;

/// The highest limit of a server with [`Quirk::LimitCapped`] or [`Quirk::LimitRejected`].
const LOW_LIMIT: usize = 50;

/// Returns the body that the handler gets.
pub(crate) fn change(app: &AppState, call: &Call, parts: &mut Parts, body: Bytes) -> Result<Bytes, Problem> {
    if call.quirks.is_empty() {
        return Ok(body);
    }
    if call.host == Host::Files {
        return change_of_files(call, &mut parts.headers).map(|()| body);
    }
    // The handler rejects the others.
    let (Some(account), Some(operation)) = (&call.account, call.operation) else {
        return Ok(body);
    };
    let quirks = call.quirks;
    if quirks.has(Quirk::NoRetryAfter) && app.first_calls.is_first(account, operation) {
        return Err(Problem::rate_limited());
    }
    if quirks.has_any(&[Quirk::HeaderKeyIgnored, Quirk::KeysIgnored]) {
        parts.headers.remove(IDEMPOTENCY_KEY);
    }
    if operation.takes_job_id() && ids::are_changed(quirks) {
        let segment = call.path.rsplit('/').next().unwrap_or_default();
        let id = ids::in_path(app, quirks, account, segment).ok_or_else(|| Problem::no_job(segment))?;
        parts.extensions.insert(RealId(id));
    }
    if operation == Operation::List {
        parts.uri = with_query(&parts.uri, &list_query(app, quirks, account, call.query())?);
    }
    match serde_json::from_slice(&body) {
        Ok(Value::Object(mut members)) => {
            change_body(app, quirks, (account, operation), &mut members)?;
            Ok(Value::Object(members).to_string().into())
        }
        _ => Ok(body),
    }
}

fn change_of_files(call: &Call, headers: &mut HeaderMap) -> Result<(), Problem> {
    let quirks = call.quirks;
    if quirks.has(Quirk::NoRanges) {
        headers.remove(RANGE);
    }
    if quirks.has(Quirk::NoValidators) {
        // A validator cannot be one of this server. With it, a range is for another version of the file.
        headers.remove(IF_NONE_MATCH);
        headers.remove(IF_MODIFIED_SINCE);
        if headers.remove(IF_RANGE).is_some() {
            headers.remove(RANGE);
        }
    }
    let caller = headers.get(AUTHORIZATION).and_then(account_in);
    if quirks.has(Quirk::LinksNeedKey)
        && (caller.is_none() || call.account.is_some() && caller != call.account)
    {
        return Err(Problem::unauthorized("the file host requires the API key of the job's account"));
    }
    Ok(())
}

fn list_query(app: &AppState, quirks: Quirks, account: &str, query: &str) -> Result<String, Problem> {
    let mut changed = form_urlencoded::Serializer::new(String::new());
    for (name, mut value) in form_urlencoded::parse(query.as_bytes()) {
        let is_valid = match &*name {
            "limit" => {
                let number = limit(Some(&value)).ok();
                if number.is_some_and(|number| number > LOW_LIMIT) {
                    if quirks.has(Quirk::LimitRejected) {
                        return Err(Problem::invalid_request(
                            format!("`limit` must be at most {LOW_LIMIT}, not {value}"),
                            "send a lower limit",
                        ));
                    }
                    if quirks.has(Quirk::LimitCapped) {
                        value = LOW_LIMIT.to_string().into();
                    }
                }
                number.is_some()
            }
            "cursor" => {
                if quirks.has(Quirk::NumericCursors) {
                    let number = value.parse().map_err(|_| Problem::invalid_cursor());
                    match number {
                        Ok(number) => value = app.cursors.seal(account, number).into(),
                        Err(problem) if !quirks.has(Quirk::LenientList) => return Err(problem),
                        Err(_) => {}
                    }
                }
                app.cursors.open(account, &value).is_some()
            }
            _ => true,
        };
        if is_valid || !quirks.has(Quirk::LenientList) {
            changed.append_pair(&name, &value);
        }
    }
    Ok(changed.finish())
}

fn with_query(uri: &Uri, query: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    let path = format!("{}?{query}", uri.path());
    parts.path_and_query = PathAndQuery::try_from(path).ok().or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

fn change_body(
    app: &AppState,
    quirks: Quirks,
    (account, operation): (&str, Operation),
    members: &mut Map<String, Value>,
) -> Result<(), Problem> {
    if quirks.has_any(&[Quirk::BodyKeyIgnored, Quirk::KeysIgnored]) {
        members.remove("idempotency_key");
    }
    if operation == Operation::Generate {
        for (quirk, name) in [(Quirk::AspectUnknown, "aspect"), (Quirk::AspectRatioUnknown, "aspect_ratio")] {
            if quirks.has(quirk) && members.contains_key(name) {
                return Err(Problem::validation(name, "is not a field of this request", "leave it out"));
            }
        }
        if quirks.has(Quirk::AspectRatioIgnored) {
            members.remove("aspect_ratio");
        }
    }
    if let Some(id) = members.get_mut("job_id")
        && ids::are_changed(quirks)
    {
        let text = match &*id {
            Value::Number(number) => number.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        // The placeholder of the documentation stays.
        if text != "..." {
            *id = Value::String(ids::real(app, quirks, account, &text).unwrap_or(text));
        }
    }
    Ok(())
}
