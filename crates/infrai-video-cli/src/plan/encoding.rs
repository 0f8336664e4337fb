//! The encoding of a plan, and which of the two forms it has.

use super::PlanError;

/// The form of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON object on each line.
    Json,
    /// Comma-separated values under a header.
    Csv,
}

/// The text, without a byte order mark at its start.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, PlanError> {
    let save_as = |encoding: &str| Err(format!("it is {encoding} text; save the plan as UTF-8").into());
    // Without a byte order mark: the first character of a plan is ASCII, so its other bytes are zero.
    let is_zero: Vec<bool> = bytes.iter().take(4).map(|byte| *byte == 0).collect();
    match (bytes, &is_zero[..]) {
        ([0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..], _)
        | (_, [false, true, true, true] | [true, true, true, false]) => return save_as("UTF-32"),
        ([0xff, 0xfe, ..], _) | (_, [false, true, ..]) => return save_as("UTF-16 (little-endian)"),
        ([0xfe, 0xff, ..], _) | (_, [true, false, ..]) => return save_as("UTF-16 (big-endian)"),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8 text; save the plan as UTF-8").into()
    })
}

/// A JSON line begins with a brace or a bracket. Another first line is a CSV header if it has the column `prompt` or the file is
/// named `*.csv`.
pub(super) fn form(text: &str, is_named_csv: bool) -> Form {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim_start();
    let is_prompt = |cell: &str| cell.trim().trim_matches('"').eq_ignore_ascii_case("prompt");
    match first.starts_with(['{', '[']) {
        false if is_named_csv || first.split([',', ';', '\t']).any(is_prompt) => Form::Csv,
        _ => Form::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn another_encoding_is_named_and_a_utf_8_byte_order_mark_is_accepted() {
        assert_eq!(decode("\u{feff}{}".as_bytes()), Ok("{}"));
        assert_eq!(decode(b""), Ok(""));
        assert_eq!(decode("東京".as_bytes()), Ok("東京"));
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{{\"prompt\": \"東京\"}}");
            assert!(
                decode(&utf16(&text, u16::to_le_bytes))
                    .unwrap_err()
                    .to_string()
                    .contains("UTF-16 (little-endian)")
            );
            assert!(
                decode(&utf16(&text, u16::to_be_bytes))
                    .unwrap_err()
                    .to_string()
                    .contains("UTF-16 (big-endian)")
            );
            let utf32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
            assert!(decode(&utf32).unwrap_err().to_string().contains("UTF-32"));
        }
        assert_eq!(
            decode(b"{}\n{\"prompt\": \"caf\xe9\"}").unwrap_err().to_string(),
            "line 2 is not UTF-8 text; save the plan as UTF-8"
        );
    }

    #[test]
    fn a_header_is_recognized_by_its_column_or_by_the_file_name() {
        for text in ["prompt\na", "\n name , \"Prompt\"\nx,a", "prompt;name\na;x"] {
            assert_eq!(form(text, false), Form::Csv, "{text}");
        }
        for text in ["", "{\"prompt\": \"a, prompt, b\"}", "[{\"prompt\": \"a\"}]", "a city\na river"] {
            assert_eq!(form(text, false), Form::Json, "{text}");
        }
        assert_eq!(form("promt,name\na,b", true), Form::Csv);
        assert_eq!(form("{\"prompt\": \"a\"}", true), Form::Json);
    }
}
