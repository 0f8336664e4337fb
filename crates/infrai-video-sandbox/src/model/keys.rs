//! API keys, idempotency keys and job ids: their patterns, and the account that an API key belongs to.

use http::HeaderName;

use super::ids::sha256_hex;

/// The prefix of every API key.
pub(crate) const KEY_PREFIX: &str = "ifr_pk_";

/// The header with the idempotency key of a write.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The name of the account of an API key. It does not reveal the key.
pub(crate) fn account_of(key: &str) -> String {
    format!("acct_{}", &sha256_hex(key.as_bytes())[..16])
}

/// 1 to 256 letters, digits or `. _ ~ : + = @ -`, without a dot first.
pub(crate) fn is_job_id(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && !text.starts_with('.')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._~:+=@-".contains(c))
}

/// 1 to 255 visible ASCII characters.
pub(crate) fn is_key(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| (b'!'..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_ids_and_keys_follow_their_patterns() {
        assert!(is_job_id("vj_0a.b~c:d-e") && is_job_id("ID") && is_job_id("_a+b=@"));
        for wrong in ["", ".a", "..", "a/b", "a b", "ä", &"a".repeat(257)] {
            assert!(!is_job_id(wrong), "{wrong}");
        }
        assert!(is_key("!~") && !is_key("") && !is_key("a b") && !is_key(&"a".repeat(256)));
    }
}
