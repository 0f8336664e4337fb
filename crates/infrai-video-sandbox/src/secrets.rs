//! What a journal must not show, taken out of text.

use std::borrow::Cow;

use crate::extract::KEY_PREFIX;
use crate::links;

/// A text without the project keys in it: a key may stand where it does not belong, such as in a query.
pub(crate) fn without_keys(text: &str) -> Cow<'_, str> {
    let mut parts = text.split(KEY_PREFIX);
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let belongs_to_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '~');
    let cleaned = parts.fold(first.to_owned(), |cleaned, part| {
        cleaned + KEY_PREFIX + "redacted" + part.trim_start_matches(belongs_to_key)
    });
    Cow::Owned(cleaned)
}

/// A query without keys and without the secret half of a link.
pub(crate) fn in_query(query: &str) -> String {
    links::redacted(&without_keys(query))
}

/// The value of a header without keys and, where it is a link, without its secret half.
pub(crate) fn in_header(value: &str) -> String {
    match value.split_once('?') {
        Some((start, query)) => format!("{}?{}", without_keys(start), in_query(query)),
        None => without_keys(value).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_out_wherever_it_stands() {
        for (text, cleaned) in [
            ("nothing", "nothing"),
            ("ifr_pk_proj_1", "ifr_pk_redacted"),
            ("a=ifr_pk_1&b=ifr_pk_2-3", "a=ifr_pk_redacted&b=ifr_pk_redacted"),
            (r#"{"key":"ifr_pk_1"}"#, r#"{"key":"ifr_pk_redacted"}"#),
            ("ifr_pk_ifr_pk_1 ä", "ifr_pk_redactedifr_pk_redacted ä"),
        ] {
            assert_eq!(without_keys(text), cleaned);
        }
    }

    #[test]
    fn a_link_in_a_header_loses_its_secret_half() {
        let value = "http://a/clips/vj_1.mp4?expires=1&signature=nonce.secret";
        assert_eq!(in_header(value), "http://a/clips/vj_1.mp4?expires=1&signature=nonce.redacted");
        assert_eq!(in_header("text/plain"), "text/plain");
    }
}
