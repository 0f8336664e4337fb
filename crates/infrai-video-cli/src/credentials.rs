//! Recognizes API keys and passwords in what was typed, so that they are refused where they do not belong and never shown.

use infrai_video::API_KEY_VARIABLE;

/// What every project key begins with.
const KEY_PREFIX: &str = "ifr_pk_";

/// A key shorter than this could be part of ordinary text.
const SHORTEST_KEY: usize = 8;

/// Whether a URL, a path or an argument may hold an API key or a password.
///
/// A password is expected between `:` and `@`, whether or not a scheme stands before it, or after `password=`.
pub(crate) fn may_hold(text: &str) -> bool {
    let own_key = std::env::var(API_KEY_VARIABLE).ok();
    let own_key = own_key.as_deref().map(str::trim).filter(|key| key.len() >= SHORTEST_KEY);
    let lower = text.to_ascii_lowercase();
    lower.starts_with(KEY_PREFIX)
        || lower.contains(&format!("={KEY_PREFIX}"))
        || own_key.is_some_and(|key| text.contains(key))
        || lower.contains("password=")
        || has_user_info(text)
}

/// Whether the text has the form `SCHEME://...@...`, or a part of it the form `USER:PASSWORD@...`. A path that says that it is one,
/// as `./a:b@c` does, is taken as it is.
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
            assert!(may_hold(text), "{text}");
        }
        for text in [
            "ledger.db",
            "./a:b@c.db",
            "C:\\Users\\a@b\\ledger.db",
            "postgres://db/clips?host=/run/x",
            "https://api.infrai.cc",
            "a city, 12:30 at dusk",
        ] {
            assert!(!may_hold(text), "{text}");
        }
    }
}
