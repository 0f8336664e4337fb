//! Reads TOML that was written by hand.

use serde::de::DeserializeOwned;

/// Parses a text. An error is one line that states place and reason.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let wrong = error.message();
        match error.span() {
            Some(span) => format!("line {}: {wrong}", line_at(text, span.start)),
            None => wrong.to_owned(),
        }
    })
}

/// The line of a byte of a text, counted from 1.
pub(crate) fn line_at(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count() + 1
}
