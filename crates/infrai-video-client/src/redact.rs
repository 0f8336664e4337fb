//! Secrets in texts that a server wrote: a message that quotes a request, or a link that was signed.

use std::borrow::Cow;
use std::ops::Range;

const REDACTED: &str = "[redacted]";

/// What project keys begin with.
const KEY_PREFIX: &[u8] = b"ifr_";

/// Parts of the names of parameters and headers whose values give access to something.
const SECRET_NAMES: [&[u8]; 13] = [
    b"sig",
    b"token",
    b"secret",
    b"passw",
    b"credential",
    b"apikey",
    b"api_key",
    b"api-key",
    b"auth",
    b"policy",
    b"key-pair-id",
    b"hmac",
    b"cookie",
];

/// A server's text without its secrets: `key` and whatever else looks like a project key, the user, query and fragment of
/// URLs, and the values of parameters such as `signature`. Percent-encoded ones and those in another case are found too.
///
/// ```
/// use infrai_video_client::redact;
///
/// assert_eq!(redact("no clip for ifr_pk_proj_4f9d2c", None), "no clip for [redacted]");
/// assert_eq!(redact("https://a.example/c.mp4?sig=x is gone", None), "https://a.example/c.mp4?[redacted] is gone");
/// assert_eq!(redact("the key sesame is wrong", Some("sesame")), "the key [redacted] is wrong");
/// ```
pub fn redact<'a>(text: &'a str, key: Option<&str>) -> Cow<'a, str> {
    let key = key.filter(|key| !key.is_empty()).map(str::as_bytes);
    if is_clean(text.as_bytes(), key) {
        return text.into();
    }
    let units = decoded(text);
    let bytes: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
    let mut secrets = Vec::new();
    if let Some(key) = key {
        secrets.extend(occurrences(&bytes, &key.to_ascii_lowercase()));
    }
    secrets.extend(project_keys(&bytes));
    secrets.extend(parts_of_urls(&units, &bytes));
    secrets.extend(values_of_parameters(&bytes));
    for scheme in [&b"bearer "[..], b"basic "] {
        secrets.extend(occurrences(&bytes, scheme).filter_map(|found| credentials(&bytes, found.end)));
    }
    without(text, &units, secrets)
}

/// Whether a text consists of harmless characters, without the key and without what stands before other secrets. Nearly every text
/// does, and this reads it once.
fn is_clean(text: &[u8], key: Option<&[u8]>) -> bool {
    let has = |at: usize, needle: &[u8]| {
        text.get(at..at + needle.len()).is_some_and(|found| found.eq_ignore_ascii_case(needle))
    };
    let first_of_key = key.and_then(|key| key.first()).map(u8::to_ascii_lowercase);
    text.iter().map(u8::to_ascii_lowercase).enumerate().all(|(at, byte)| {
        let is_harmless = match byte {
            b'i' => !has(at, KEY_PREFIX),
            b'b' => !has(at, b"bearer ") && !has(at, b"basic "),
            b'a'..=b'z' | b'0'..=b'9' => true,
            b' ' | b'.' | b',' | b'-' | b'_' | b'(' | b')' | b'\'' | b'!' => true,
            _ => false,
        };
        is_harmless && !(first_of_key == Some(byte) && key.is_some_and(|key| has(at, key)))
    })
}

/// A byte of a text after percent-decoding, in lower case, and where it stands in the text.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    start: usize,
    end: usize,
}

impl Unit {
    fn is_end_of_word(self) -> bool {
        // A space that was encoded stands inside a word.
        self.end - self.start == 1
            && (self.byte.is_ascii_whitespace() || b"\"'<>`{}\\|^".contains(&self.byte))
    }
}

/// Decodes as often as it was encoded, within reason.
fn decoded(text: &str) -> Vec<Unit> {
    let unit = |(at, byte): (usize, u8)| Unit { byte: byte.to_ascii_lowercase(), start: at, end: at + 1 };
    let mut units: Vec<Unit> = text.bytes().enumerate().map(unit).collect();
    for _ in 0..3 {
        let before = units.len();
        let mut shorter = Vec::with_capacity(before);
        let mut at = 0;
        while at < before {
            let hex =
                |offset: usize| units.get(at + offset).and_then(|unit| char::from(unit.byte).to_digit(16));
            match (units[at].byte, hex(1), hex(2)) {
                (b'%', Some(high), Some(low)) => {
                    let byte = u8::try_from(high * 16 + low).unwrap_or_default().to_ascii_lowercase();
                    shorter.push(Unit { byte, start: units[at].start, end: units[at + 2].end });
                    at += 3;
                }
                _ => {
                    shorter.push(units[at]);
                    at += 1;
                }
            }
        }
        units = shorter;
        if units.len() == before {
            break;
        }
    }
    units
}

fn occurrences<'a>(bytes: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let found = move |(at, window): (usize, &[u8])| (window == needle).then_some(at..at + needle.len());
    bytes.windows(needle.len()).enumerate().filter_map(found)
}

/// Where the run of such bytes that begins at `start` ends.
fn run(bytes: &[u8], start: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| !is_part(*byte)).unwrap_or(rest.len())
}

/// The next position where something is found. The positions passed in only grow, so that a text is read once however many
/// there are.
struct Next<F> {
    length: usize,
    at: usize,
    is_found: F,
}

impl<F: Fn(usize) -> bool> Next<F> {
    fn new(length: usize, is_found: F) -> Self {
        Self { length, at: 0, is_found }
    }

    /// The first such position at or after `start`, or the length of the text.
    fn from(&mut self, start: usize) -> usize {
        self.at = self.at.max(start);
        while self.at < self.length && !(self.is_found)(self.at) {
            self.at += 1;
        }
        self.at.min(self.length)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
}

/// Project keys. `ifr_pk_proj_...` in an explanation is none.
fn project_keys(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut end_of_word = Next::new(bytes.len(), |at| !is_word(bytes[at]));
    occurrences(bytes, KEY_PREFIX).filter_map(move |found| {
        let end = end_of_word.from(found.start);
        let rest = &bytes[found.end..end];
        let kind = run(rest, 0, |byte| byte.is_ascii_alphanumeric());
        let own = rest.get(kind + 1..).unwrap_or_default();
        let own = own.strip_prefix(b"proj").unwrap_or(own);
        let is_key = rest.len() >= 16 || own.iter().any(u8::is_ascii_alphanumeric);
        is_key.then_some(found.start..end)
    })
}

/// The secret parts of all URLs: the user, the query and the fragment.
fn parts_of_urls(units: &[Unit], bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let length = bytes.len();
    let mut end_of_word = Next::new(length, |at| units[at].is_end_of_word());
    let mut end_of_authority = Next::new(length, |at| b"/?#".contains(&bytes[at]));
    let mut end_of_path = Next::new(length, |at| b"?#".contains(&bytes[at]));
    occurrences(bytes, b"://").flat_map(move |found| {
        let start = found.end;
        let end = end_of_word.from(start);
        let authority = end_of_authority.from(start).min(end);
        let user = bytes[start..authority].iter().rposition(|byte| *byte == b'@').map(|at| start..start + at);
        let query = end_of_path.from(start) + 1;
        user.into_iter().chain((query < end).then_some(query..end))
    })
}

/// The values of `NAME=VALUE`, `NAME: VALUE` and `"NAME":"VALUE"` where the name is that of a secret.
fn values_of_parameters(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let length = bytes.len();
    let is_between = |byte: &u8| matches!(byte, b'"' | b'\'' | b' ' | b'\\');
    let mut begin_of_value = Next::new(length, move |at| !is_between(&bytes[at]));
    let mut end_of_value =
        Next::new(length, |at| bytes[at].is_ascii_whitespace() || b"\"'&,;<>(){}\\".contains(&bytes[at]));
    let mut next_digit = Next::new(length, |at| bytes[at].is_ascii_digit());
    let mut name_begin = 0;
    let separators = (0..length).filter(|at| matches!(bytes[*at], b'=' | b':'));
    separators.filter_map(move |at| {
        // A name lies between the separator before and this one.
        let name_end = at - bytes[name_begin..at].iter().rev().take_while(|byte| is_between(byte)).count();
        let name_length = bytes[name_begin..name_end].iter().rev().take_while(|byte| is_word(**byte)).count();
        name_begin = at + 1;
        let name = &bytes[name_end - name_length..name_end];
        let is_secret =
            name == b"key" || SECRET_NAMES.iter().any(|part| name.windows(part.len()).any(|w| w == *part));
        if !is_secret {
            return None;
        }
        let start = begin_of_value.from(at + 1);
        let end = end_of_value.from(start);
        // After a colon there may be words: "signature: does not match".
        let is_word = bytes[at] == b':' && !(end - start >= 8 && next_digit.from(start) < end);
        (start < end && !is_word).then_some(start..end)
    })
}

/// What follows `Bearer` or `Basic`, unless it is a word.
fn credentials(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let end = run(bytes, start, |byte| byte.is_ascii_alphanumeric() || b"_-.~+/=".contains(&byte));
    let value = &bytes[start..end];
    let is_secret = value.len() >= 20 || value.len() >= 6 && value.iter().any(u8::is_ascii_digit);
    is_secret.then_some(start..end)
}

fn without<'a>(text: &'a str, units: &[Unit], mut secrets: Vec<Range<usize>>) -> Cow<'a, str> {
    secrets.retain(|secret| !secret.is_empty());
    if secrets.is_empty() {
        return text.into();
    }
    secrets.sort_by_key(|secret| secret.start);
    let (mut safe, mut copied) = (String::new(), 0);
    for secret in secrets {
        let (start, end) = (units[secret.start].start, units[secret.end - 1].end);
        if start >= copied {
            safe.push_str(&text[copied..start]);
            safe.push_str(REDACTED);
        }
        copied = copied.max(end);
    }
    (safe + &text[copied..]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_removed_in_every_spelling() {
        for (text, safe) in [
            ("no: ifr_pk_proj_4f9d2c", "no: [redacted]"),
            ("IFR_PK_PROJ_4F9D2C is unknown", "[redacted] is unknown"),
            ("(ifr_sk_live_abc-def),", "([redacted]),"),
            ("ifr_pk_x and ifr_rk_y1", "[redacted] and [redacted]"),
            ("ifr_abcdefghijklmnop", "[redacted]"),
            ("ifr%5Fpk%5Fproj%5Fa1 sent", "[redacted] sent"),
            ("ifr%255Fpk%255Fproj%255Fa1 sent", "[redacted] sent"),
            ("%69%66%72%5f%70%6b%5f%61", "[redacted]"),
            ("Authorization: Bearer sk-1234567890", "Authorization: Bearer [redacted]"),
            ("Basic dXNlcjpwYXNzd29yZA== is refused", "Basic [redacted] is refused"),
            ("https://a.example/ifr_pk_proj_a1/c.mp4", "https://a.example/[redacted]/c.mp4"),
        ] {
            assert_eq!(redact(text, None), safe);
        }
        for (text, safe) in [
            ("open Sesame!, says the key", "open [redacted], says the key"),
            ("openSESAME!now", "open[redacted]now"),
            ("k=%53esame%21", "k=[redacted]"),
        ] {
            assert_eq!(redact(text, Some("Sesame!")), safe);
        }
    }

    #[test]
    fn a_signed_link_keeps_its_host_and_path() {
        for (text, safe) in [
            (
                "see https://f.example/a/c.mp4?X-Amz-Signature=ab%20c&e=1, it expired",
                "see https://f.example/a/c.mp4?[redacted] it expired",
            ),
            ("\"https://f.example/c.mp4?e=1\"", "\"https://f.example/c.mp4?[redacted]\""),
            ("https://u:p@f.example/c.mp4#access=1", "https://[redacted]@f.example/c.mp4#[redacted]"),
            ("https%3A%2F%2Ff.example%2Fc%3Fsignature%3Dabc", "https%3A%2F%2Ff.example%2Fc%3F[redacted]"),
            ("s3://bucket/c.mp4?versionId=3", "s3://bucket/c.mp4?[redacted]"),
            ("/c.mp4?expires=5&signature=abc&x=1", "/c.mp4?expires=5&signature=[redacted]&x=1"),
            ("X-Amz-Credential=AKIA/2026; ok", "X-Amz-Credential=[redacted]; ok"),
            (r#"{"access_token":"abc123def","id":1}"#, r#"{"access_token":"[redacted]","id":1}"#),
        ] {
            assert_eq!(redact(text, None), safe);
        }
    }

    /// One that is read in quadratic time would take hours.
    #[test]
    fn a_long_text_is_read_once() {
        for part in
            ["sig=", "sig:", "://", "a://b", "ifr_", "ifr", "bearer ", "\"", "sig=\"", " :", "%25", "@://@"]
        {
            let text = part.repeat(1024 * 1024 / part.len());
            assert!(!redact(&text, Some("sesame")).is_empty(), "{part}");
        }
    }

    #[test]
    fn a_text_without_secrets_stays_as_it_is() {
        for text in [
            "",
            "the vendor refused the prompt",
            "send a key such as ifr_pk_proj_... or ifr_pk_...",
            "signature: does not match",
            "authorization: missing",
            "a bearer token is missing",
            "basic authentication",
            "see https://docs.example/errors/402",
            "100% of 3 = 3: 5%",
            "99 % größer — Straße",
            "`duration_seconds` must be above 0; idempotency_key=skyline-1",
        ] {
            assert_eq!(redact(text, Some("ifr_pk_proj_4f9d2c")), text);
        }
    }
}
