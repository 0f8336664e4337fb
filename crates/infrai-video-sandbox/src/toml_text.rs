//! Reading TOML that a person wrote.

use serde::de::DeserializeOwned;

/// The value in a text, or one line that says where it is wrong, and how.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let wrong = error.message();
        match error.span() {
            Some(span) => format!("line {}: {wrong}", line_at(text, span.start)),
            None => wrong.to_owned(),
        }
    })
}

/// The line in which a byte of a text stands, counted from 1.
pub(crate) fn line_at(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count() + 1
}
