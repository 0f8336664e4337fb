//! Extractors of handlers, with the errors of the contract.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use serde_json::{Map, Value};

use crate::api::call::Call;
use crate::api::fields::Fields;
use crate::model::ids::sha256_hex;
use crate::model::keys::{IDEMPOTENCY_KEY, account_in, is_job_id, is_key};
use crate::model::operation::{Operation, RequestBody};
use crate::model::problem::Problem;
use crate::quirks::Quirk;
use crate::quirks::ids::RealId;
use crate::store::KeyUse;

/// The account of the API key of a request.
pub(crate) struct Caller(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(AUTHORIZATION) else {
            return Err(Problem::unauthorized("there is no Authorization header"));
        };
        let account = account_in(value);
        account
            .map(Self)
            .ok_or_else(|| Problem::unauthorized("the Authorization header holds no project key"))
    }
}

/// The job id in the path.
pub(crate) struct JobPath(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for JobPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(RealId(id)) = parts.extensions.get() {
            return Ok(Self(id.clone()));
        }
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) if is_job_id(&id) => Ok(Self(id)),
            _ => Err(Problem::invalid_request(
                "the path holds no valid job id",
                "use job_id of the response to generate: letters, digits and .-_~: in up to 256 characters",
            )),
        }
    }
}

/// The JSON object in the body. If the contract makes the body optional, an absent body and `null` count as an empty
/// object.
pub(crate) struct JsonBody(pub(crate) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let operation = request.extensions().get::<Call>().and_then(|call| call.operation);
        let taken = operation.map_or(RequestBody::Ignored, Operation::body);
        let refused = |message: String| Problem::invalid_request(message, taken.hint());
        let is_json = declares_json(request.headers());
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| Problem::invalid_request("the body cannot be read", "send it again"))?;
        let is_empty = body.iter().all(u8::is_ascii_whitespace);
        if !is_empty && !is_json {
            return Err(Problem::unsupported_media_type());
        }
        let value = if is_empty { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        match (value, taken) {
            (Ok(Value::Object(fields)), _) => Ok(Self(fields)),
            (Ok(Value::Null), RequestBody::Optional { .. }) => Ok(Self(Map::new())),
            (Ok(Value::Null), _) if is_empty => Err(refused("the body is empty".to_owned())),
            (Ok(other), _) => Err(refused(format!("the body is {}, not a JSON object", kind(&other)))),
            (Err(error), _) => Err(refused(format!("the body is not JSON in UTF-8: {error}"))),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn declares_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The validated `Idempotency-Key` header.
pub(crate) struct HeaderKey {
    key: Option<String>,
    /// Whether the key stands for any body.
    any_body: bool,
}

impl<S: Sync> FromRequestParts<S> for HeaderKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let quirks = parts.extensions.get::<Call>().map(|call| call.quirks).unwrap_or_default();
        let any_body = quirks.has(Quirk::ReplayOtherBody);
        let Some(value) = parts.headers.get(IDEMPOTENCY_KEY) else {
            return Ok(Self { key: None, any_body });
        };
        match value.to_str() {
            Ok(key) if is_key(key) => Ok(Self { key: Some(key.to_owned()), any_body }),
            _ => Err(Problem::invalid_request(
                "the Idempotency-Key header is not a valid key",
                "send 1 to 255 visible ASCII characters without a space, such as a UUID",
            )),
        }
    }
}

impl HeaderKey {
    /// The key of a write whose body has no idempotency_key.
    pub(crate) fn for_write(
        self,
        operation: Operation,
        id: &str,
        body: &Map<String, Value>,
    ) -> Option<KeyUse> {
        let fingerprint = match self.any_body {
            true => fingerprint(operation, id, &Map::new()),
            false => fingerprint(operation, id, body),
        };
        self.key.map(|key| KeyUse { key, operation, fingerprint })
    }

    /// The key of a write whose body may also contain it.
    pub(crate) fn or_field(
        self,
        operation: Operation,
        id: &str,
        body: &Map<String, Value>,
    ) -> Result<Option<KeyUse>, Problem> {
        let field = Fields(body).idempotency_key()?.map(str::to_owned);
        match (&self.key, &field) {
            (Some(header), Some(field)) if header != field => Err(Problem::validation(
                "idempotency_key",
                "differs from the Idempotency-Key header",
                "send one of them, or the same key in both",
            )),
            _ => Ok(Self { key: self.key.or(field), ..self }.for_write(operation, id, body)),
        }
    }
}

/// The identity of a request: everything except the key, independent of the order of members.
pub(crate) fn fingerprint(operation: Operation, id: &str, body: &Map<String, Value>) -> String {
    let mut text = format!("{operation}\n{id}\n");
    let fields = body.iter().filter(|(name, _)| *name != "idempotency_key");
    canonical_object(fields, &mut text);
    sha256_hex(text.as_bytes())
}

fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => canonical_object(fields.iter(), text),
        Value::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Number(number) => {
            // 5 and 5.0 are the same number.
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15);
            match whole {
                Some(whole) => text.push_str(&(whole as i64).to_string()),
                None => text.push_str(&number.to_string()),
            }
        }
        other => text.push_str(&other.to_string()),
    }
}

fn canonical_object<'a>(fields: impl Iterator<Item = (&'a String, &'a Value)>, text: &mut String) {
    let mut fields: Vec<_> = fields.collect();
    fields.sort_by_key(|(name, _)| *name);
    text.push('{');
    for (name, value) in fields {
        text.push_str(&Value::from(name.as_str()).to_string());
        text.push(':');
        canonical(value, text);
        text.push(',');
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn print(body: Value) -> String {
        fingerprint(Operation::Generate, "", body.as_object().expect("an object"))
    }

    #[test]
    fn key_and_formatting_do_not_change_the_fingerprint() {
        let plain = print(json!({"prompt": "a", "duration_seconds": 5}));
        assert_eq!(plain, print(json!({"duration_seconds": 5.0, "prompt": "a"})));
        assert_eq!(plain, print(json!({"duration_seconds": 5, "prompt": "a", "idempotency_key": "k"})));
        assert_ne!(plain, print(json!({"duration_seconds": 6, "prompt": "a"})));
        assert_ne!(plain, print(json!({"duration_seconds": 5, "prompt": "b"})));
    }

    #[test]
    fn operation_and_id_are_part_of_the_fingerprint() {
        let body = Map::new();
        let one = fingerprint(Operation::Cancel, "a", &body);
        assert_ne!(one, fingerprint(Operation::Cancel, "b", &body));
        assert_ne!(one, fingerprint(Operation::Delete, "a", &body));
    }
}
