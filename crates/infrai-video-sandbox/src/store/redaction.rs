//! Redaction of API keys and signatures in texts of the journal.

use std::borrow::Cow;

use crate::clips::links;
use crate::model::keys::KEY_PREFIX;

/// Redacts API keys in a text. A key may occur in an unexpected place, such as a query.
pub(crate) fn without_keys(text: &str) -> Cow<'_, str> {
    let mut parts = text.split(KEY_PREFIX);
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let belongs_to_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '~');
    let cleaned = parts.fold(first.to_owned(), |cleaned, part| {
        let rest = part.trim_start_matches(belongs_to_key);
        // The prefix alone is no key.
        cleaned + KEY_PREFIX + if rest.len() < part.len() { "redacted" } else { "" } + rest
    });
    Cow::Owned(cleaned)
}

/// Redacts API keys in a path, also percent-encoded ones.
pub(crate) fn in_path(path: &str) -> String {
    in_parts(path, "/")
}

/// Redacts each part that contains an API key, also a percent-encoded one.
fn in_parts(text: &str, separator: &str) -> String {
    let is_hidden = |part: &str| part.contains('%') && decoded(part).contains(KEY_PREFIX);
    let parts = text.split(separator).map(|part| match is_hidden(part) {
        true => Cow::Owned(format!("{KEY_PREFIX}redacted")),
        false => without_keys(part),
    });
    parts.collect::<Vec<_>>().join(separator)
}

/// Decodes percent-encoding. A plus sign, which no key has, becomes a space.
fn decoded(segment: &str) -> String {
    form_urlencoded::parse(segment.as_bytes()).map(|(name, value)| format!("{name}={value}&")).collect()
}

/// Redacts API keys and signatures in a query.
pub(crate) fn in_query(query: &str) -> String {
    links::redacted(&in_parts(query, "&"))
}

/// Redacts API keys and, in links, signatures in the value of a header.
pub(crate) fn in_header(value: &str) -> String {
    match value.split_once('?') {
        Some((start, query)) => format!("{}?{}", in_path(start), in_query(query)),
        None => without_keys(value).into_owned(),
    }
}

/// Whether a header with this name in lower case holds a secret of any kind.
pub(crate) fn is_secret_header(name: &str) -> bool {
    ["token", "api-key", "apikey", "secret", "password"].iter().any(|word| name.contains(word))
}

/// Redacts API keys, and the signatures of links, in a body.
pub(crate) fn in_text(text: &str) -> Cow<'_, str> {
    let cleaned = without_keys(text);
    let mut parts = cleaned.split(SIGNATURE);
    let first = parts.next().unwrap_or_default();
    if first.len() == cleaned.len() {
        return cleaned;
    }
    let belongs_to_signature = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let redacted = parts.fold(first.to_owned(), |redacted, part| {
        let rest = part.trim_start_matches(belongs_to_signature);
        let signature = &part[..part.len() - rest.len()];
        redacted + &links::redacted(&format!("{SIGNATURE}{signature}")) + rest
    });
    Cow::Owned(redacted)
}

/// What is before a signature in a query.
const SIGNATURE: &str = "signature=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_redacted_wherever_it_occurs() {
        for (text, cleaned) in [
            ("nothing", "nothing"),
            ("a key begins with `ifr_pk_`", "a key begins with `ifr_pk_`"),
            ("ifr_pk_proj_1", "ifr_pk_redacted"),
            ("a=ifr_pk_1&b=ifr_pk_2-3", "a=ifr_pk_redacted&b=ifr_pk_redacted"),
            (r#"{"key":"ifr_pk_1"}"#, r#"{"key":"ifr_pk_redacted"}"#),
            ("ifr_pk_ifr_pk_1 ä", "ifr_pk_ifr_pk_redacted ä"),
        ] {
            assert_eq!(without_keys(text), cleaned);
        }
    }

    #[test]
    fn the_signatures_of_links_in_a_body_are_redacted() {
        let body = r#"{"url":"http://a/1.mp4?expires=1&signature=no_nce.sec-ret_1","b":"?signature=x.y&c=ifr_pk_1"}"#;
        let redacted = r#"{"url":"http://a/1.mp4?expires=1&signature=no_nce.redacted","b":"?signature=x.redacted&c=ifr_pk_redacted"}"#;
        assert_eq!(in_text(body), redacted);
        assert_eq!(in_text("signature=secret"), "signature=.redacted");
        assert!(matches!(in_text(r#"{"signature":1}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn the_signature_of_a_link_in_a_header_is_redacted() {
        let value = "http://a/clips/vj_1.mp4?expires=1&signature=nonce.secret";
        assert_eq!(in_header(value), "http://a/clips/vj_1.mp4?expires=1&signature=nonce.redacted");
        assert_eq!(in_header("text/plain"), "text/plain");
    }

    #[test]
    fn a_percent_encoded_key_is_redacted() {
        assert_eq!(in_path("/v1/%69fr_pk_1/x"), "/v1/ifr_pk_redacted/x");
        assert_eq!(in_query("a=1&k=ifr%5Fpk_1&b=%20"), "a=1&ifr_pk_redacted&b=%20");
        assert_eq!(in_header("/x?k=%69fr_pk_1"), "/x?ifr_pk_redacted");
    }

    #[test]
    fn the_names_of_secret_headers_are_known() {
        for name in ["x-api-key", "x-auth-token", "client-secret"] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in ["idempotency-key", "content-type", "x-request-id"] {
            assert!(!is_secret_header(name), "{name}");
        }
    }
}
