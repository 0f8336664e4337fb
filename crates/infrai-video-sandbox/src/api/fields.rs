//! Validates the fields of a request body, in the order of the contract.

use serde_json::{Map, Value};

use crate::model::keys::is_key;
use crate::model::order::{Order, Prefer};
use crate::model::problem::{Problem, quoted};

type Checked<T> = Result<T, Problem>;

const DEFAULT_SECONDS: f64 = 5.0;
const MAX_PROMPT: usize = 32_768;
const MAX_URL: usize = 2_048;
const MAX_RESOLUTION: usize = 32;
const MAX_SECONDS: f64 = 3_600.0;
const MAX_TOPUP: f64 = 10_000.0;
const ASPECTS: [&str; 3] = ["16:9", "9:16", "1:1"];

/// The members of a JSON object, read as the types of the contract. None of them accepts `null`.
pub(crate) struct Fields<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The whole body of `generate`, except for the key.
    pub(crate) fn order(&self) -> Checked<Order> {
        let prompt = self.prompt()?;
        let reference_image_url = self.reference_image_url()?;
        let duration_seconds = self.duration_seconds()?;
        let aspect = self.aspect()?;
        let resolution = self.resolution()?;
        let prefer = self.prefer()?;
        Ok(Order { prompt, reference_image_url, duration_seconds, aspect, resolution, prefer })
    }

    /// `days` of `set_retention`.
    pub(crate) fn days(&self, max: u32) -> Checked<u32> {
        let hint = "send the number of days that the clip is to be kept";
        let rule = format!("must be a whole number from 1 to {max}");
        let value = self.get("days").ok_or_else(|| Problem::validation("days", "is missing", hint))?;
        value
            .as_f64()
            .filter(|days| days.fract() == 0.0 && (1.0..=f64::from(max)).contains(days))
            .map(|days| days as u32)
            .ok_or_else(|| Problem::validation("days", format!("{rule}, not {}", shown(value)), hint))
    }

    /// `amount_usd` of a top-up.
    pub(crate) fn amount_usd(&self, default: f64) -> Checked<f64> {
        let Some(value) = self.get("amount_usd") else {
            return Ok(default);
        };
        let rule = format!("must be a number above 0 and at most {MAX_TOPUP}");
        value.as_f64().filter(|amount| *amount > 0.0 && *amount <= MAX_TOPUP).ok_or_else(|| {
            Problem::validation(
                "amount_usd",
                format!("{rule}, not {}", shown(value)),
                "send US dollars, such as 10",
            )
        })
    }

    /// A `job_id` that repeats the path's. The documentation's own placeholder counts as absent.
    pub(crate) fn repeated_job_id(&self, path_id: &str) -> Checked<()> {
        let Some(id) = self.string("job_id", "send the id that the path has, or leave it out")? else {
            return Ok(());
        };
        if id == path_id || id == "..." {
            return Ok(());
        }
        Err(Problem::validation(
            "job_id",
            format!("is {}, and the path says {path_id:?}", quoted(id)),
            "send the id that the path has, or leave it out",
        ))
    }

    /// `idempotency_key`.
    pub(crate) fn idempotency_key(&self) -> Checked<Option<&'a str>> {
        let hint = "send 1 to 255 visible ASCII characters without a space, such as a UUID";
        match self.string("idempotency_key", hint)? {
            Some(key) if !is_key(key) => Err(Problem::validation(
                "idempotency_key",
                format!("is not a valid key: {}", quoted(key)),
                hint,
            )),
            other => Ok(other),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    fn string(&self, name: &str, hint: &str) -> Checked<Option<&'a str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                Err(Problem::validation(name, format!("must be a string, not {}", shown(other)), hint))
            }
        }
    }

    fn prompt(&self) -> Checked<String> {
        let hint = "send the text that describes the video";
        let Some(prompt) = self.string("prompt", hint)? else {
            return Err(Problem::validation("prompt", "is missing", hint));
        };
        let length = prompt.chars().count();
        if prompt.chars().all(is_space) {
            return Err(Problem::validation("prompt", "must hold more than spaces", hint));
        }
        if length > MAX_PROMPT {
            let wrong = format!("must have at most {MAX_PROMPT} characters, not {length}");
            return Err(Problem::validation("prompt", wrong, "send a shorter text"));
        }
        Ok(prompt.to_owned())
    }

    fn reference_image_url(&self) -> Checked<Option<String>> {
        let hint = "send an address that starts with https:// or http://, of at most 2048 characters, or leave it out";
        let Some(text) = self.string("reference_image_url", hint)? else {
            return Ok(None);
        };
        if !is_web(text) || text.chars().count() > MAX_URL {
            let wrong = format!("must be an http or https URL, not {}", quoted(text));
            return Err(Problem::validation("reference_image_url", wrong, hint));
        }
        Ok(Some(text.to_owned()))
    }

    fn duration_seconds(&self) -> Checked<f64> {
        let Some(value) = self.get("duration_seconds") else {
            return Ok(DEFAULT_SECONDS);
        };
        value.as_f64().filter(|seconds| *seconds > 0.0 && *seconds <= MAX_SECONDS).ok_or_else(|| {
            Problem::validation(
                "duration_seconds",
                format!("must be a number above 0 and at most {MAX_SECONDS}, not {}", shown(value)),
                "send a number of seconds, such as 5",
            )
        })
    }

    fn aspect(&self) -> Checked<String> {
        let aspect = self.one_of("aspect", &ASPECTS)?;
        let ratio = self.one_of("aspect_ratio", &ASPECTS)?;
        match (aspect, ratio) {
            (Some(aspect), Some(ratio)) if aspect != ratio => Err(Problem::validation(
                "aspect_ratio",
                format!("is {ratio:?}, and `aspect` is {aspect:?}"),
                "they mean the same: send one of them, or the same value in both",
            )),
            (first, second) => Ok(first.or(second).unwrap_or(ASPECTS[0]).to_owned()),
        }
    }

    fn resolution(&self) -> Checked<String> {
        let hint = "send 720p, 1080p or 4k, or leave it out for 720p";
        let Some(text) = self.string("resolution", hint)? else {
            return Ok("720p".to_owned());
        };
        if !(1..=MAX_RESOLUTION).contains(&text.chars().count()) {
            let wrong = format!("must have 1 to {MAX_RESOLUTION} characters");
            return Err(Problem::validation("resolution", wrong, hint));
        }
        Ok(text.to_owned())
    }

    fn prefer(&self) -> Checked<Prefer> {
        Ok(match self.one_of("prefer", &["balanced", "cheapest", "smartest"])? {
            Some("cheapest") => Prefer::Cheapest,
            Some("smartest") => Prefer::Smartest,
            _ => Prefer::Balanced,
        })
    }

    fn one_of(&self, name: &str, allowed: &[&str]) -> Checked<Option<&'a str>> {
        let hint = format!("send one of {}, or leave it out", allowed.join(", "));
        match self.string(name, &hint)? {
            Some(text) if !allowed.contains(&text) => {
                let wrong = format!("must be one of {}, not {}", allowed.join(", "), quoted(text));
                Err(Problem::validation(name, wrong, hint))
            }
            other => Ok(other),
        }
    }
}

/// A wrong value in a message: its kind, and itself if it is short.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the string {}", quoted(text)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}

/// What the contract's pattern `\S` takes for a space: ECMA-262's white space and ends of lines, which are not quite those of
/// Unicode.
fn is_space(c: char) -> bool {
    c == '\u{feff}' || c.is_whitespace() && c != '\u{85}'
}

/// Whether a text is an http or https URL with a host. The rest of it is for the server that it leads to.
fn is_web(text: &str) -> bool {
    let Some((scheme, rest)) = text.trim().split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    ["http", "https"].iter().any(|web| web.eq_ignore_ascii_case(scheme))
        && !host.is_empty()
        && !host.starts_with(':')
        && !host.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn order(body: Value) -> Checked<Order> {
        Fields(body.as_object().expect("an object")).order()
    }

    fn message(body: Value) -> String {
        order(body).expect_err("must be refused").message
    }

    #[test]
    fn the_defaults_are_filled_in() {
        let order = order(json!({"prompt": "a"})).expect("valid");
        assert_eq!((order.aspect.as_str(), order.resolution.as_str()), ("16:9", "720p"));
        assert_eq!((order.duration_seconds, order.prefer), (5.0, Prefer::Balanced));
    }

    #[test]
    fn null_is_no_value_of_any_field() {
        for field in
            ["reference_image_url", "duration_seconds", "aspect", "aspect_ratio", "resolution", "prefer"]
        {
            let message = message(json!({"prompt": "a", field: null}));
            assert!(
                message.starts_with(&format!("`{field}` must be ")) && message.ends_with("not null"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_first_wrong_field_in_the_order_of_the_contract_is_named() {
        assert_eq!(message(json!({"prefer": "best", "duration_seconds": "5"})), "`prompt` is missing");
        assert_eq!(
            message(json!({"prompt": "a", "prefer": "best", "duration_seconds": "5"})),
            "`duration_seconds` must be a number above 0 and at most 3600, not the string \"5\""
        );
    }

    #[test]
    fn a_prompt_is_counted_in_characters() {
        assert!(order(json!({"prompt": "ö".repeat(32_768)})).is_ok());
        assert!(message(json!({"prompt": "ö".repeat(32_769)})).contains("not 32769"));
        for spaces in ["", " \n", "\u{a0}\u{feff}\u{2003}"] {
            assert!(message(json!({"prompt": spaces})).contains("more than spaces"), "{spaces:?}");
        }
        // A control character is no space of regular expressions.
        assert!(order(json!({"prompt": "\u{85}"})).is_ok());
    }

    #[test]
    fn the_two_names_of_the_aspect_must_agree() {
        assert_eq!(order(json!({"prompt": "a", "aspect_ratio": "9:16"})).expect("valid").aspect, "9:16");
        let body = json!({"prompt": "a", "aspect": "1:1", "aspect_ratio": "1:1"});
        assert_eq!(order(body).expect("valid").aspect, "1:1");
        let wrong = message(json!({"prompt": "a", "aspect": "1:1", "aspect_ratio": "9:16"}));
        assert_eq!(wrong, "`aspect_ratio` is \"9:16\", and `aspect` is \"1:1\"");
    }

    #[test]
    fn days_are_whole_numbers_from_1_to_90() {
        for (value, expected) in [(json!(1), Some(1)), (json!(7.0), Some(7)), (json!(90), Some(90))] {
            assert_eq!(Fields(&Map::from_iter([("days".to_owned(), value)])).days(90).ok(), expected);
        }
        for value in [json!(0), json!(91), json!(1.5), json!("7"), json!(true), json!(null)] {
            assert!(Fields(&Map::from_iter([("days".to_owned(), value)])).days(90).is_err());
        }
        let refused =
            Fields(&Map::from_iter([("days".to_owned(), json!(91))])).days(90).expect_err("too long");
        assert_eq!(refused.message, "`days` must be a whole number from 1 to 90, not 91");
    }

    #[test]
    fn a_reference_image_must_be_a_web_address() {
        assert!(order(json!({"prompt": "a", "reference_image_url": "https://example.com/a.png"})).is_ok());
        for wrong in ["", "ftp://example.com/a", "https://", "/a.png"] {
            assert!(order(json!({"prompt": "a", "reference_image_url": wrong})).is_err(), "{wrong}");
        }
    }
}
