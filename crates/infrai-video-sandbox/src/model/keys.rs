//! API keys, idempotency keys and job ids: their patterns, and the account that an API key belongs to.

use http::{HeaderName, HeaderValue};

use super::ids::sha256_hex;

/// The prefix of every API key.
pub(crate) const KEY_PREFIX: &str = "ifr_pk_";

/// The prefix of the name of every account.
const ACCOUNT_PREFIX: &str = "acct_";

/// The header with the idempotency key of a write.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The name of the account of an API key. It does not reveal the key.
pub(crate) fn account_of(key: &str) -> String {
    format!("{ACCOUNT_PREFIX}{}", &sha256_hex(key.as_bytes())[..16])
}

/// The account of the API key in an `Authorization` header.
pub(crate) fn account_in(header: &HeaderValue) -> Option<String> {
    let (scheme, key) = header.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && is_api_key(key)).then(|| account_of(key))
}

/// The account that a text stands for: its name, or an API key of it.
pub(crate) fn account_named(text: &str) -> Result<String, InvalidAccount> {
    let digits = text.strip_prefix(ACCOUNT_PREFIX).filter(|digits| digits.len() == 16);
    if digits.is_some_and(|digits| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))) {
        Ok(text.to_owned())
    } else if is_api_key(text) {
        Ok(account_of(text))
    } else {
        Err(InvalidAccount)
    }
}

/// The error of a text that names no account. It does not contain the text, which may be an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`account` is neither an API key, which begins with `ifr_pk_`, nor the name of an account, which is acct_ and 16 hexadecimal digits; in a query, percent-encode + and &"
)]
pub(crate) struct InvalidAccount;

/// The prefix, and at least one visible ASCII character.
fn is_api_key(text: &str) -> bool {
    text.len() > KEY_PREFIX.len()
        && text.starts_with(KEY_PREFIX)
        && text.bytes().all(|byte| byte.is_ascii_graphic())
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
    fn an_account_is_named_by_its_name_or_its_key() {
        let name = account_of("ifr_pk_a");
        assert_eq!(account_named("ifr_pk_a").as_ref(), Ok(&name));
        assert_eq!(account_named(&name).as_ref(), Ok(&name));
        for wrong in
            ["", "acct_", "acct_0123456789ABCDEF", "acct_0123456789abcdef0", "ifr_pk_", "ifr_pk_a b", "a"]
        {
            assert_eq!(account_named(wrong), Err(InvalidAccount), "{wrong}");
        }
    }

    #[test]
    fn job_ids_and_keys_follow_their_patterns() {
        assert!(is_job_id("vj_0a.b~c:d-e") && is_job_id("ID") && is_job_id("_a+b=@"));
        for wrong in ["", ".a", "..", "a/b", "a b", "ä", &"a".repeat(257)] {
            assert!(!is_job_id(wrong), "{wrong}");
        }
        assert!(is_key("!~") && !is_key("") && !is_key("a b") && !is_key(&"a".repeat(256)));
    }
}
