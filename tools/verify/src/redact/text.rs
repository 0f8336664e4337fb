//! Texts for people.

use std::cmp::Reverse;
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use super::{REDACTED, Redactor};

/// A value of this length is replaced even within a word.
const LONG_VALUE: usize = 8;
/// Shorter numbers are statuses, limits and lengths rather than ids.
const LONG_NUMBER: usize = 4;
/// A word of this length with a digit may be an id or a key.
const LONG_WORD: usize = 16;
/// No member that evidence itself has is so long.
const LONG_NAME: usize = 16;

impl Redactor<'_> {
    /// A text for people, without ids, keys, links and addresses.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, REDACTED);
        }
        let is_unusual = |kind: &str, value: &str| match value.bytes().all(|byte| byte.is_ascii_digit()) {
            true => value.len() >= LONG_NUMBER,
            // The name of a member can be any word of a sentence.
            false => kind != "name" || value.bytes().any(|byte| !byte.is_ascii_lowercase() && byte != b'_'),
        };
        let mut known: Vec<_> =
            self.placeholders.iter().filter(|((kind, value), _)| is_unusual(kind, value)).collect();
        known.sort_by_key(|((kind, value), _)| (Reverse(value.len()), *kind));
        for ((_, value), placeholder) in known {
            text = replace(text, value, placeholder);
        }
        text.split_inclusive(is_edge)
            .map(|word| {
                let end =
                    word.len() - word.chars().next_back().filter(|c| is_edge(*c)).map_or(0, char::len_utf8);
                let (word, edge) = word.split_at(end);
                if is_private(word) { format!("{REDACTED}{edge}") } else { format!("{word}{edge}") }
            })
            .collect()
    }

    /// Removes the secrets from all texts of a value, whatever they are.
    pub(crate) fn without_secrets(&self, value: Value) -> Value {
        let clean = |text: String, shortest: usize| {
            let secrets = self.secrets.iter().filter(|secret| secret.len() >= shortest.max(1));
            secrets.fold(text, |text, secret| text.replace(secret, REDACTED))
        };
        match value {
            Value::String(text) => clean(text, 0).into(),
            Value::Array(items) => items.into_iter().map(|item| self.without_secrets(item)).collect(),
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| (clean(name, LONG_NAME), self.without_secrets(value)))
                .collect(),
            other => other,
        }
    }
}

/// Whether a word may belong to an account.
pub(super) fn is_private(word: &str) -> bool {
    let address = word.trim_end_matches(['.', ':']);
    let is_address = address.parse::<IpAddr>().is_ok() || address.parse::<SocketAddr>().is_ok();
    // A path of the API is public.
    let rest = word.strip_prefix("/v1/").unwrap_or(word);
    let is_long = rest.len() >= LONG_WORD && rest.bytes().any(|byte| byte.is_ascii_digit());
    word.contains("://") || word.contains('@') || is_long && !is_time(word) || is_address
}

/// Whether a word is a time such as `2026-01-01T00:15:00.123Z`.
fn is_time(word: &str) -> bool {
    const LONGEST: usize = "2026-01-01T00:15:00.123456789+00:00".len();
    let bytes = word.as_bytes();
    let is_form = |byte: &u8| byte.is_ascii_digit() || b"-:.+TZ".contains(byte);
    bytes.len() <= LONGEST && bytes.iter().all(is_form) && [bytes[4], bytes[7], bytes[10]] == *b"--T"
}

fn is_edge(c: char) -> bool {
    const EDGES: &[char] = &['"', '\'', '`', '<', '>', '(', ')', '[', ']', '{', '}', ',', ';', '='];
    c.is_whitespace() || EDGES.contains(&c)
}

/// Replaces a value where it stands alone; a long one everywhere.
fn replace(text: String, value: &str, placeholder: &str) -> String {
    if value.len() >= LONG_VALUE {
        return text.replace(value, placeholder);
    }
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut replaced = String::new();
    let mut end = 0;
    for (start, found) in text.match_indices(value) {
        let after = start + found.len();
        if is_part(text[..start].chars().next_back()) || is_part(text[after..].chars().next()) {
            continue;
        }
        replaced.push_str(&text[end..start]);
        replaced.push_str(placeholder);
        end = after;
    }
    match end {
        0 => text,
        _ => replaced + &text[end..],
    }
}
