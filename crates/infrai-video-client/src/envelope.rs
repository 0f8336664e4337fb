use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use crate::answer::{Answer, FromAnswer};
use crate::text::one_line;
use crate::types::{ErrorDetail, ErrorEnvelope, Metadata};

/// What every answer is wrapped in.
///
/// Reading asks for less than the contract promises. `error` and `metadata` may be missing, null, empty or misshapen.
/// A server that answers with the bare result and no envelope is understood too.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Envelope<T> {
    /// Whether the call was carried out. The one member that may be relied on.
    pub ok: bool,
    /// The result. `None` where `ok` is false.
    pub data: Option<T>,
    /// What went wrong. `None` where `ok` is true.
    pub error: Option<ErrorDetail>,
    /// About the call itself.
    pub metadata: Metadata,
}

/// The members of an envelope before anything is known of them.
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

/// An envelope of success as the contract describes it. Nearly every answer is one.
#[derive(Deserialize)]
struct Exact<T> {
    ok: bool,
    data: Option<T>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

impl<T: DeserializeOwned + Serialize> FromAnswer for Envelope<T> {
    fn from_answer(answer: &Answer) -> serde_json::Result<Self> {
        // One look at all the bytes is cheaper than one at each text in them.
        match std::str::from_utf8(&answer.body) {
            Ok(text) => Self::read(text),
            Err(_) => serde_json::from_slice(&answer.body),
        }
    }
}

impl FromAnswer for ErrorEnvelope {
    /// Whatever the body is: a proxy's page says little, and the status is known all the same.
    fn from_answer(answer: &Answer) -> serde_json::Result<Self> {
        serde_json::from_slice(&answer.body).or_else(|_| {
            let otherwise = format!("the server answered {} without an envelope", answer.status);
            Ok(ErrorBody::read(&answer.body).into_envelope(&otherwise))
        })
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

    /// Takes an envelope apart first, so that what is wrong with one member costs none of the others.
    fn read_members(text: &str) -> serde_json::Result<Self> {
        let members: Members<'_> = serde_json::from_str(text)?;
        let metadata =
            members.metadata.and_then(|metadata| read_leniently(metadata.get()).ok()).unwrap_or_default();
        let refused = |metadata| {
            let error = ErrorBody::read(text.as_bytes()).into_api_error("the server gave no reason");
            Self { ok: false, data: None, error: Some(error), metadata }
        };
        if members.says("false") {
            return Ok(refused(metadata));
        }
        // `{"ok": true}` alone is the bare result of a write, so the absence of `data` tells the two forms apart.
        let result = match members.data {
            Some(data) => read_leniently(data.get()),
            None => read_leniently(text).and_then(says_something),
        };
        match result {
            Ok(data) => Ok(Self { ok: true, data: Some(data), error: None, metadata }),
            Err(_) if !members.says("true") && members.has_error() => Ok(refused(metadata)),
            // The answer is JSON, whatever is wrong in it: it was neither cut nor garbled on its way.
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

/// The members that only name something. A server may have numbers for them.
const IDS: [&str; 3] = ["job_id", "next_cursor", "request_id"];

/// The same JSON with the integers of such members as text, digit by digit: as numbers, long ones would lose their end.
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

/// Behind the string that begins at `start`.
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

/// Some results have no required member, so any object would pass for one that stands alone: a page of a proxy, say.
fn says_something<T: Serialize>(result: T) -> serde_json::Result<T> {
    match serde_json::to_value(&result)? {
        Value::Object(members) if members.is_empty() => Err(serde::de::Error::custom("there is no result")),
        _ => Ok(result),
    }
}

/// How many misshapen members a result may have before it is given up.
const MAX_MISSHAPEN: usize = 100;

/// A result that was paid for is not lost over an optional member of the wrong type: such a member is left out, and so is
/// a list's element without its required members. Only what is required and missing fails.
fn read_leniently<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let first = match serde_json::from_str(text) {
        Ok(result) => return Ok(result),
        Err(error) => error,
    };
    let mut value: Value = serde_json::from_str(text)?;
    for _ in 0..MAX_MISSHAPEN {
        match serde_path_to_error::deserialize(&value) {
            Ok(result) => return Ok(result),
            Err(error) if leave_out(&mut value, error.path()) => {}
            Err(_) => break,
        }
    }
    Err(first)
}

/// Takes out what stands at `path`; nothing can be taken out at the root.
fn leave_out(value: &mut Value, path: &serde_path_to_error::Path) -> bool {
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

/// As much of an error as could be read from an answer, whatever its body was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorBody {
    /// The error's name in UPPER_SNAKE case, where there was one. An open vocabulary.
    pub code: Option<String>,
    /// What went wrong, in words for people.
    pub message: Option<String>,
    /// What to do about it, in words for people.
    pub hint: Option<String>,
    /// Whether the server says that a repetition can help.
    pub retryable: Option<bool>,
    /// Names the call.
    pub request_id: Option<String>,
}

impl ErrorBody {
    /// Reads what there is. A body that is no JSON, such as a proxy's page, gives an empty result.
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

    /// What an error in the contract's shape says.
    pub fn from_api_error(error: ErrorDetail, request_id: Option<String>) -> Self {
        let ErrorDetail { code, message, hint, retryable, .. } = error;
        Self { code: Some(code), message: Some(message), hint, retryable, request_id }
    }

    /// The same in the contract's shape, with `otherwise` for a message that was not there.
    pub fn into_api_error(self, otherwise: &str) -> ErrorDetail {
        ErrorDetail {
            code: self.code.unwrap_or_else(|| "UNKNOWN".to_owned()),
            message: self.message.unwrap_or_else(|| otherwise.to_owned()),
            hint: self.hint,
            retryable: self.retryable,
            ..ErrorDetail::default()
        }
    }

    /// An envelope in the contract's shape, for a reader that knows no other.
    pub(crate) fn into_envelope(self, otherwise: &str) -> ErrorEnvelope {
        let metadata = Metadata { request_id: self.request_id.clone(), ..Metadata::default() };
        ErrorEnvelope {
            ok: false,
            data: None,
            error: self.into_api_error(otherwise),
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
    fn a_misshapen_member_of_metadata_leaves_the_others() {
        let envelope: Envelope<Acknowledgement> =
            read(r#"{"ok":true,"data":{"ok":true},"metadata":{"cost_usd":"much","request_id":"r1"}}"#);
        assert_eq!(envelope.metadata.cost_usd, None);
        assert_eq!(envelope.metadata.request_id.as_deref(), Some("r1"));
    }

    #[test]
    fn an_object_that_says_nothing_is_no_result() {
        for text in ["{}", r#"{"message":"maintenance"}"#, r#"{"ok":true,"data":null}"#, r#"{"ok":true}"#] {
            assert!(serde_json::from_str::<Envelope<VideoJobPage>>(text).is_err(), "{text}");
        }
        let envelope: Envelope<Acknowledgement> = read(r#"{"error":{"code":"X"}}"#);
        assert_eq!((envelope.ok, envelope.error.unwrap().code.as_str()), (false, "X"));
    }

    #[test]
    fn misshapen_members_cost_nobody_the_job() {
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
    fn what_is_wrong_in_a_result_is_no_fault_of_the_line() {
        let read = |text: &'static str| {
            let body = bytes::Bytes::from_static(text.as_bytes());
            let answer = Answer::new(http::StatusCode::OK, http::HeaderMap::new(), body);
            Envelope::<VideoJob>::from_answer(&answer).unwrap_err().classify()
        };
        assert_eq!(
            read(r#"{"ok":true,"data":{"job_id":"\ud800","state":"x"}}"#),
            serde_json::error::Category::Data
        );
        assert_eq!(read(r#"{"ok":true,"data":{"job_id""#), serde_json::error::Category::Eof);
        assert_eq!(read(r#"{"ok":true;"data":{}}"#), serde_json::error::Category::Syntax);
    }

    #[test]
    fn an_error_page_becomes_an_envelope_with_its_status() {
        let body = bytes::Bytes::from_static(b"<html>bad gateway</html>");
        let answer = Answer::new(http::StatusCode::BAD_GATEWAY, http::HeaderMap::new(), body);
        let envelope = ErrorEnvelope::from_answer(&answer).unwrap();
        assert_eq!(envelope.error.message, "the server answered 502 Bad Gateway without an envelope");
    }

    #[test]
    fn a_refusal_keeps_its_reason_whatever_its_shape() {
        let envelope: Envelope<Acknowledgement> = read(r#"{"ok":false,"error":{"code":"X","message":"y"}}"#);
        assert_eq!(envelope.error.unwrap().code, "X");
        let envelope: Envelope<Acknowledgement> = read(r#"{"ok":false}"#);
        assert_eq!(envelope.error.unwrap().message, "the server gave no reason");
        let envelope: Envelope<Acknowledgement> = read(r#"{"ok":false,"data":{"ok":true},"error":"broken"}"#);
        assert_eq!(envelope.data, None);
        assert_eq!(envelope.error.unwrap().message, "broken");
    }
}
