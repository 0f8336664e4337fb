use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use crate::response::{FromResponse, RawResponse};
use crate::text::one_line;
use crate::types::{ErrorDetail, ErrorEnvelope, Metadata};

/// The envelope of every response.
///
/// Decoding is more lenient than the contract. `error` and `metadata` may be missing, null, empty or of the wrong type, and a
/// bare result without an envelope is accepted too.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Envelope<T> {
    /// Whether the call succeeded. The one member that is always present.
    pub ok: bool,
    /// The result. `None` if `ok` is false.
    pub data: Option<T>,
    /// The error. `None` if `ok` is true.
    pub error: Option<ErrorDetail>,
    /// About the call itself.
    pub metadata: Metadata,
}

/// The members of an envelope before they are decoded.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    ok: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

impl Members<'_> {
    fn says(&self, value: &str) -> bool {
        self.ok.is_some_and(|ok| ok.get() == value)
    }

    fn has_error(&self) -> bool {
        self.error.is_some_and(|error| !matches!(error.get(), "{}" | "\"\""))
    }
}

impl<'de, T: DeserializeOwned + Serialize> Deserialize<'de> for Envelope<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = <Box<RawValue>>::deserialize(deserializer)?;
        Self::read(whole.get()).map_err(serde::de::Error::custom)
    }
}

/// A successful envelope as the contract describes it, which nearly every response is.
#[derive(Deserialize)]
struct Exact<T> {
    ok: bool,
    data: Option<T>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

impl<T: DeserializeOwned + Serialize> FromResponse for Envelope<T> {
    fn from_response(response: &RawResponse) -> serde_json::Result<Self> {
        // One UTF-8 check of the whole body is cheaper than one of each string in it.
        match std::str::from_utf8(&response.body) {
            Ok(text) => Self::read(text),
            Err(_) => serde_json::from_slice(&response.body),
        }
    }
}

impl FromResponse for ErrorEnvelope {
    /// Never fails. In the envelope of a body that is something else, such as a proxy's page, `code` and `message` are empty.
    fn from_response(response: &RawResponse) -> serde_json::Result<Self> {
        serde_json::from_slice(&response.body)
            .or_else(|_| Ok(ErrorBody::read(&response.body).into_envelope()))
    }
}

impl<T: DeserializeOwned + Serialize> Envelope<T> {
    fn read(text: &str) -> serde_json::Result<Self> {
        match serde_json::from_str(text) {
            Ok(Exact { ok: true, data: Some(data), metadata }) => {
                Ok(Self { ok: true, data: Some(data), error: None, metadata: metadata.unwrap_or_default() })
            }
            _ => Self::read_members(&ids_as_text(text)),
        }
    }

    /// Decodes the members one by one, so that a member of the wrong type does not affect the others.
    fn read_members(text: &str) -> serde_json::Result<Self> {
        let members: Members<'_> = serde_json::from_str(text)?;
        let metadata =
            members.metadata.and_then(|metadata| read_leniently(metadata.get()).ok()).unwrap_or_default();
        let refused = |metadata| {
            let error = ErrorBody::read(text.as_bytes()).into_detail();
            Self { ok: false, data: None, error: Some(error), metadata }
        };
        if members.says("false") {
            return Ok(refused(metadata));
        }
        // `{"ok": true}` alone is the bare result of a write, so the absence of `data` tells the two forms apart.
        let result = match members.data {
            Some(data) => read_leniently(data.get()),
            None => read_leniently(text).and_then(reject_empty),
        };
        match result {
            Ok(data) => Ok(Self { ok: true, data: Some(data), error: None, metadata }),
            Err(_) if !members.says("true") && members.has_error() => Ok(refused(metadata)),
            // The response is JSON, so it was neither cut nor garbled in transit.
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

/// Members that are opaque identifiers. Some servers send numbers for them.
const IDS: [&str; 3] = ["job_id", "next_cursor", "request_id"];

/// Converts integers in these members to strings, digit by digit: as numbers, long ones would lose precision.
fn ids_as_text(json: &str) -> Cow<'_, str> {
    let mut texts = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(start) = json[at..].find('"').map(|found| at + found) {
        let Some(end) = end_of_string(json, start) else { break };
        at = end;
        let Some(value) = json[end..].trim_start().strip_prefix(':').map(str::trim_start) else { continue };
        let digits = value.strip_prefix('-').unwrap_or(value);
        let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_integer = rest.len() < digits.len() && !rest.starts_with(['.', 'e', 'E']);
        if is_integer && IDS.contains(&&json[start + 1..end - 1]) {
            let (from, to) = (json.len() - value.len(), json.len() - rest.len());
            texts.push_str(&json[copied..from]);
            texts.extend(["\"", &json[from..to], "\""]);
            (copied, at) = (to, to);
        }
    }
    if copied == 0 { json.into() } else { (texts + &json[copied..]).into() }
}

/// The index after the string that begins at `start`.
fn end_of_string(json: &str, start: usize) -> Option<usize> {
    let mut bytes = json.bytes().enumerate().skip(start + 1);
    while let Some((index, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(index + 1),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    None
}

/// Rejects an empty result. Some results have no required member, so any JSON object would pass for a bare one.
fn reject_empty<T: Serialize>(result: T) -> serde_json::Result<T> {
    match serde_json::to_value(&result)? {
        Value::Object(members) if members.is_empty() => Err(serde::de::Error::custom("there is no result")),
        _ => Ok(result),
    }
}

/// The maximum number of members of the wrong type in a result.
const MAX_INVALID_MEMBERS: usize = 100;

/// Decodes a result without its optional members of the wrong type, and without list elements that lack required members: a
/// result that was paid for must not be lost because of them.
fn read_leniently<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let first = match serde_json::from_str(text) {
        Ok(result) => return Ok(result),
        Err(error) => error,
    };
    let mut value: Value = serde_json::from_str(text)?;
    for _ in 0..MAX_INVALID_MEMBERS {
        match serde_path_to_error::deserialize(&value) {
            Ok(result) => return Ok(result),
            Err(error) if remove_at(&mut value, error.path()) => {}
            Err(_) => break,
        }
    }
    Err(first)
}

/// Removes the value at `path`. Returns whether there was one; the root cannot be removed.
fn remove_at(value: &mut Value, path: &serde_path_to_error::Path) -> bool {
    let steps: Vec<&Segment> = path.iter().collect();
    let Some((last, parents)) = steps.split_last() else { return false };
    let mut place = value;
    for step in parents {
        let next = match step {
            Segment::Map { key } => place.get_mut(key),
            Segment::Seq { index } => place.get_mut(index),
            _ => None,
        };
        let Some(next) = next else { return false };
        place = next;
    }
    match (last, place) {
        (Segment::Map { key }, Value::Object(members)) => members.remove(key).is_some(),
        (Segment::Seq { index }, Value::Array(items)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}

#[cfg(feature = "schemars")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Envelope<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}Envelope", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let data = generator.subschema_for::<T>();
        let metadata = generator.subschema_for::<Metadata>();
        schemars::json_schema!({
            "type": "object",
            "required": ["ok", "data"],
            "properties": {
                "ok": {"type": "boolean"},
                "data": data,
                "error": {"type": ["object", "null"]},
                "metadata": {"anyOf": [metadata, {"type": "null"}]},
            },
        })
    }
}

/// The parts of an error that a response contains, whatever its body is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ErrorBody {
    /// The error's name in UPPER_SNAKE case. An open vocabulary.
    pub code: Option<String>,
    /// The message for people.
    pub message: Option<String>,
    /// The advice for people.
    pub hint: Option<String>,
    /// Whether the server says that a retry can succeed.
    pub retryable: Option<bool>,
    /// The identifier of the call.
    pub request_id: Option<String>,
}

impl ErrorBody {
    /// Decodes the members that are present. The result is empty for a body that is not JSON, such as a proxy's page.
    pub fn read(body: &[u8]) -> Self {
        let Ok(Value::Object(envelope)) = serde_json::from_slice(body) else { return Self::default() };
        let text = |value: Option<&Value>| {
            let text = match value? {
                Value::String(text) => one_line(text),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some(text).filter(|text| !text.is_empty())
        };
        let request_id = text(envelope.get("metadata").and_then(|metadata| metadata.get("request_id")));
        match envelope.get("error") {
            Some(Value::Object(error)) => Self {
                code: text(error.get("code")),
                message: text(error.get("message")),
                hint: text(error.get("hint")),
                retryable: error.get("retryable").and_then(Value::as_bool),
                request_id,
            },
            other => Self { message: text(other), request_id, ..Self::default() },
        }
    }

    /// Converts an error of the contract. Empty texts count as missing.
    pub fn from_detail(error: ErrorDetail, request_id: Option<String>) -> Self {
        let line = |text: String| Some(one_line(&text)).filter(|text| !text.is_empty());
        let ErrorDetail { code, message, hint, retryable, .. } = error;
        Self {
            code: line(code),
            message: line(message),
            hint: hint.and_then(line),
            retryable,
            request_id: request_id.and_then(line),
        }
    }

    /// Converts to an error of the contract. A missing code or message is empty.
    pub fn into_detail(self) -> ErrorDetail {
        ErrorDetail {
            code: self.code.unwrap_or_default(),
            message: self.message.unwrap_or_default(),
            hint: self.hint,
            retryable: self.retryable,
            ..ErrorDetail::default()
        }
    }

    fn into_envelope(self) -> ErrorEnvelope {
        let metadata = Metadata { request_id: self.request_id.clone(), ..Metadata::default() };
        ErrorEnvelope {
            ok: false,
            data: None,
            error: self.into_detail(),
            metadata: Some(metadata),
            ..ErrorEnvelope::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Acknowledgement, DownloadLink, VideoJob, VideoJobPage};

    fn read<T: DeserializeOwned + Serialize>(text: &str) -> Envelope<T> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_envelope_without_error_and_metadata_is_read() {
        for rest in
            ["", r#","error":null,"metadata":null"#, r#","error":{},"metadata":{}"#, r#","metadata":7"#]
        {
            let envelope: Envelope<VideoJob> =
                read(&format!(r#"{{"ok":true,"data":{{"job_id":"vj_1","state":"queued"}}{rest}}}"#));
            assert_eq!(envelope.data.unwrap().job_id, "vj_1");
        }
    }

    #[test]
    fn a_bare_result_is_read() {
        let envelope: Envelope<VideoJob> = read(r#"{"job_id":"vj_1","state":"failed","error":"no"}"#);
        assert_eq!(envelope.data.unwrap().error.unwrap().message, "no");
        let envelope: Envelope<Acknowledgement> = read(r#"{"ok":true}"#);
        assert_eq!(envelope.data.unwrap().ok, Some(true));
    }

    #[test]
    fn a_metadata_member_of_the_wrong_type_leaves_the_others() {
        let envelope: Envelope<Acknowledgement> =
            read(r#"{"ok":true,"data":{"ok":true},"metadata":{"cost_usd":"much","request_id":"r1"}}"#);
        assert_eq!(envelope.metadata.cost_usd, None);
        assert_eq!(envelope.metadata.request_id.as_deref(), Some("r1"));
    }

    #[test]
    fn an_empty_object_is_not_a_result() {
        for text in ["{}", r#"{"message":"maintenance"}"#, r#"{"ok":true,"data":null}"#, r#"{"ok":true}"#] {
            assert!(serde_json::from_str::<Envelope<VideoJobPage>>(text).is_err(), "{text}");
        }
        let envelope: Envelope<Acknowledgement> = read(r#"{"error":{"code":"X"}}"#);
        assert_eq!((envelope.ok, envelope.error.unwrap().code.as_str()), (false, "X"));
    }

    #[test]
    fn members_of_the_wrong_type_do_not_cost_the_job() {
        let envelope: Envelope<VideoJob> = read(
            r#"{"ok":true,"data":{"job_id":"vj_1","state":"queued","video_url":7,"thumbnail_url":[],"more":{}}}"#,
        );
        let job = envelope.data.unwrap();
        assert_eq!((job.job_id.as_str(), job.video_url, job.thumbnail_url), ("vj_1", None, None));
        let envelope: Envelope<VideoJobPage> = read(
            r#"{"ok":true,"data":{"items":[{"job_id":"a","state":"x","video_url":1},{"odd":1},null],"next_cursor":2}}"#,
        );
        let page = envelope.data.unwrap();
        assert_eq!((page.items.unwrap().len(), page.next_cursor.as_deref()), (1, Some("2")));
        let envelope: Envelope<DownloadLink> =
            read(r#"{"ok":true,"data":{"url":"https://example.com","expires_at":"tomorrow"}}"#);
        assert_eq!(envelope.data.unwrap().url.as_deref(), Some("https://example.com"));
        assert!(
            serde_json::from_str::<Envelope<VideoJob>>(r#"{"ok":true,"data":{"job_id":[7],"state":"x"}}"#)
                .is_err()
        );
    }

    #[test]
    fn an_id_that_is_an_integer_is_read_as_its_digits() {
        for id in ["7", "-1", "0", "9007199254740993", "340282366920938463463374607431768211456"] {
            for text in [
                format!(
                    r#"{{"ok":true,"data":{{"state":"x","job_id" : {id} ,"video_url":null}},"metadata":{{"request_id":{id}}}}}"#
                ),
                format!(r#"{{"job_id":{id},"state":"x","error":"\"job_id\":5"}}"#),
            ] {
                let envelope: Envelope<VideoJob> = read(&text);
                assert_eq!(envelope.data.unwrap().job_id, id);
                assert!(envelope.metadata.request_id.is_none_or(|request_id| request_id == id));
            }
            let envelope: Envelope<VideoJobPage> = read(&format!(
                r#"{{"ok":true,"data":{{"items":[{{"job_id":{id},"state":"x"}},{{"job_id":"b","state":"y"}}],"next_cursor":{id}}}}}"#
            ));
            let page = envelope.data.unwrap();
            let ids: Vec<String> = page.items.unwrap().into_iter().map(|job| job.job_id).collect();
            assert_eq!((ids, page.next_cursor), (vec![id.to_owned(), "b".to_owned()], Some(id.to_owned())));
        }
        for id in ["7.5", "1e3", "true", "null", "{}"] {
            let text = format!(r#"{{"ok":true,"data":{{"job_id":{id},"state":"x"}}}}"#);
            assert!(serde_json::from_str::<Envelope<VideoJob>>(&text).is_err(), "{id}");
        }
    }

    #[test]
    fn a_defect_in_a_result_is_not_a_transmission_error() {
        let read = |text: &'static str| {
            let body = bytes::Bytes::from_static(text.as_bytes());
            let response = RawResponse::new(http::StatusCode::OK, http::HeaderMap::new(), body);
            Envelope::<VideoJob>::from_response(&response).unwrap_err().classify()
        };
        assert_eq!(
            read(r#"{"ok":true,"data":{"job_id":"\ud800","state":"x"}}"#),
            serde_json::error::Category::Data
        );
        assert_eq!(read(r#"{"ok":true,"data":{"job_id""#), serde_json::error::Category::Eof);
        assert_eq!(read(r#"{"ok":true;"data":{}}"#), serde_json::error::Category::Syntax);
    }

    #[test]
    fn the_envelope_of_an_error_page_is_empty() {
        let body = bytes::Bytes::from_static(b"<html>bad gateway</html>");
        let response = RawResponse::new(http::StatusCode::BAD_GATEWAY, http::HeaderMap::new(), body);
        let envelope = ErrorEnvelope::from_response(&response).unwrap();
        assert_eq!(ErrorBody::from_detail(envelope.error, None), ErrorBody::default());
    }

    #[test]
    fn a_refusal_keeps_its_reason_whatever_its_shape() {
        let envelope: Envelope<Acknowledgement> = read(r#"{"ok":false,"error":{"code":"X","message":"y"}}"#);
        assert_eq!(envelope.error.unwrap().code, "X");
        let envelope: Envelope<Acknowledgement> = read(r#"{"ok":false}"#);
        assert_eq!(envelope.error.unwrap(), ErrorDetail::default());
        let envelope: Envelope<Acknowledgement> = read(r#"{"ok":false,"data":{"ok":true},"error":"broken"}"#);
        assert_eq!(envelope.data, None);
        assert_eq!(envelope.error.unwrap().message, "broken");
    }
}
