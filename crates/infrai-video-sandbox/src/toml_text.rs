//! Reading TOML that a person wrote.

use serde::de::DeserializeOwned;

/// The value in a text, or one line that says where it is wrong, and how.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let wrong = error.message();
        match error.span() {
            Some(span) => format!("line {}: {wrong}", text[..span.start].matches('\n').count() + 1),
            None => wrong.to_owned(),
        }
    })
}
