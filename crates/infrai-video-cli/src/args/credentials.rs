//! The API key in use; API keys and passwords in arguments, which are rejected there and never printed.

use std::sync::OnceLock;

use infrai_video::API_KEY_VARIABLE;
use sha2::{Digest as _, Sha256};

use super::set;

/// The prefix of every project key.
const KEY_PREFIX: &str = "ifr_pk_";

/// A shorter key could be part of ordinary text.
const SHORTEST_KEY: usize = 8;

/// Minimum length of an API key whose last characters may be shown.
const SHORTEST_KEY_WITH_SUFFIX: usize = 16;

/// The API key of the profile, which counts if the environment has none.
static KEY_OF_PROFILE: OnceLock<String> = OnceLock::new();

/// Sets the API key of the profile for the rest of this process.
pub(crate) fn set_key_of_profile(key: String) {
    let _set_before = KEY_OF_PROFILE.set(key);
}

/// The API key in use. `None` if there is none yet.
pub(crate) fn api_key() -> Option<String> {
    let from_environment = set(API_KEY_VARIABLE).and_then(|key| key.into_string().ok());
    from_environment.or_else(|| KEY_OF_PROFILE.get().cloned())
}

/// Identifies the API key in use without revealing it.
pub(crate) fn api_key_fingerprint() -> Option<String> {
    let key = api_key()?;
    let digest = Sha256::new().chain_update("infrai-video ledger\n").chain_update(key.trim()).finalize();
    Some(digest[..6].iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The last characters of the API key in use, which tell it from others. `None` for a short key.
pub(crate) fn api_key_suffix() -> Option<String> {
    let key = api_key()?;
    let key: Vec<char> = key.trim().chars().collect();
    let start = key.len().checked_sub(4).filter(|_| key.len() >= SHORTEST_KEY_WITH_SUFFIX)?;
    Some(key[start..].iter().collect())
}

/// Whether a URL, a path or an argument may contain an API key or a password.
///
/// A password is expected between `:` and `@`, with or without a scheme before it, or after `password=`.
pub(crate) fn may_contain_secret(text: &str) -> bool {
    let own_key = api_key();
    let own_key = own_key.as_deref().map(str::trim).filter(|key| key.len() >= SHORTEST_KEY);
    let lower = text.to_ascii_lowercase();
    lower.starts_with(KEY_PREFIX)
        || lower.contains(&format!("={KEY_PREFIX}"))
        || own_key.is_some_and(|key| text.contains(key))
        || lower.contains("password=")
        || has_user_info(text)
}

/// Whether the text contains an API key, by its prefix.
pub(crate) fn contains_api_key(text: &str) -> bool {
    text.to_ascii_lowercase().contains(KEY_PREFIX)
}

/// Whether the text has the form `SCHEME://...@...`, or a part of it the form `USER:PASSWORD@...`. A text that starts like a path,
/// such as `./a:b@c`, is taken as one.
fn has_user_info(text: &str) -> bool {
    if let Some((_, rest)) = text.split_once("://") {
        return rest.contains('@');
    }
    let is_user_info = |part: &str| {
        !part.contains(char::is_whitespace)
            && part.split_once(':').is_some_and(|(_, rest)| rest.contains('@'))
    };
    !text.starts_with(['.', '/', '\\', '~']) && text.split(['/', '\\']).any(is_user_info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_passwords_are_recognized_in_any_form() {
        for text in [
            "ifr_pk_proj_4f9d2c",
            "--api-key=ifr_pk_proj_4f9d2c",
            "postgres://me:secret@db/clips",
            "--ledgr=postgresql://me:sec/ret@db/clips",
            "https://user@api.example",
            "me:secret@db/clips",
            "postgres//me:secret@db/clips",
            "host=db user=me password=secret",
            "jdbc:postgresql://db/clips?PASSWORD=secret",
        ] {
            assert!(may_contain_secret(text), "{text}");
        }
        for text in [
            "ledger.db",
            "./a:b@c.db",
            "C:\\Users\\a@b\\ledger.db",
            "postgres://db/clips?host=/run/x",
            "https://api.infrai.cc",
            "a city, 12:30 at dusk",
        ] {
            assert!(!may_contain_secret(text), "{text}");
        }
    }
}
