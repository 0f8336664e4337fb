//! Text that readers of YAML 1.1 and 1.2 understand differently, and blocks with a stray line break.

use serde_json::Value;

use super::lines::Scalar;
use super::walk;
use super::{Document, Finding, Rule};

pub(super) const RULES: &[Rule] =
    &[ambiguous_scalars, versions_without_quotes, text_that_ends_with_a_line_break];

fn ambiguous_scalars(document: &Document<'_>) -> Vec<Finding> {
    let scalars = document.lines.scalars.iter().filter(|scalar| scalar.plain);
    scalars
        .filter_map(|scalar| {
            let reading = misreading(scalar)?;
            let problem = format!("`{}` without quotes is {reading} to some readers", scalar.text);
            Some(Finding::new(&scalar.pointer, problem, format!("write '{}'", scalar.text)))
        })
        .collect()
}

/// What a reader could take the plain scalar for.
fn misreading(scalar: &Scalar) -> Option<&'static str> {
    const WORDS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let text = scalar.text.as_str();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if scalar.is_key && is_digits(text) {
        return Some("a number");
    }
    if WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return Some("a boolean");
    }
    if is_base_60(unsigned) {
        return Some("a number in base 60");
    }
    if is_date(text) {
        return Some("a date");
    }
    if is_odd_number(unsigned) {
        return Some("another number");
    }
    None
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_base_60(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or_default();
    let mut parts = whole.split(':');
    let head = parts.next().is_some_and(is_digits);
    let mut tail = parts.peekable();
    head && tail.peek().is_some() && tail.all(|part| is_digits(part) && part.len() <= 2)
}

fn is_date(text: &str) -> bool {
    let day = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split('-').collect();
    matches!(parts.as_slice(), [year, month, day]
        if year.len() == 4 && [year, month, day].iter().all(|part| is_digits(part)))
}

/// Octal and other bases, digits with underscores, and exponents without a point.
fn is_odd_number(text: &str) -> bool {
    let octal = text.len() > 1 && text.starts_with('0') && is_digits(text);
    let based = ["0x", "0o", "0b"].iter().any(|prefix| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    let underscored = text.contains('_') && text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let exponent = text.split_once(['e', 'E']).is_some_and(|(number, power)| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && is_digits(power.trim_start_matches(['-', '+']))
    });
    octal || based || underscored || exponent
}

/// `version: 1.10` is the number 1.1.
fn versions_without_quotes(document: &Document<'_>) -> Vec<Finding> {
    ["/openapi", "/info/version"]
        .iter()
        .filter(|pointer| document.contract.value.pointer(pointer).is_some_and(|value| !value.is_string()))
        .map(|pointer| Finding::new(*pointer, "the version reads as a number", "put it in quotes"))
        .collect()
}

fn text_that_ends_with_a_line_break(document: &Document<'_>) -> Vec<Finding> {
    let objects = walk::objects(document.contract).into_iter();
    objects
        .filter_map(|(pointer, object)| {
            let text = object.get("description").and_then(Value::as_str)?;
            text.ends_with('\n').then(|| {
                Finding::new(
                    format!("{pointer}/description"),
                    "the text ends with a line break",
                    "write |- for |",
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::{broken, only};

    fn reading(text: &str) -> Option<&'static str> {
        misreading(&Scalar { pointer: String::new(), text: text.to_owned(), plain: true, is_key: false })
    }

    #[test]
    fn words_and_numbers_that_are_read_in_two_ways_are_known() {
        for text in [
            "yes",
            "No",
            "ON",
            "off",
            "y",
            "16:9",
            "1:1",
            "+12:30:45.5",
            "2026-11-20",
            "2026-11-20T17:55:00Z",
        ] {
            assert!(reading(text).is_some(), "{text}");
        }
        for text in ["0755", "0x1F", "0o7", "1_000", "1e3", "12e03"] {
            assert_eq!(reading(text), Some("another number"), "{text}");
        }
    }

    #[test]
    fn plain_words_and_numbers_are_left_alone() {
        for text in [
            "720p",
            "1080p",
            "4k",
            "0",
            "0.12",
            "-5",
            "1.0.0",
            "a:b",
            "cl_1",
            "note",
            "https://a.example:80/x",
        ] {
            assert_eq!(reading(text), None, "{text}");
        }
    }

    #[test]
    fn a_ratio_without_quotes_is_reported() {
        let findings = broken("enum: ['16:9',", "enum: [16:9,");
        let wanted = "`16:9` without quotes is a number in base 60 to some readers; write '16:9'";
        assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
    }

    #[test]
    fn a_status_without_quotes_is_reported() {
        let findings = broken("        '402': ", "        402: ");
        assert!(
            findings[0].contains("`402` without quotes is a number to some readers; write '402'"),
            "{findings:?}"
        );
    }

    #[test]
    fn a_version_that_is_a_number_is_reported() {
        let findings = broken("  version: 1.0.0\n", "  version: 1.10\n");
        let wanted = "info > version: the version reads as a number; put it in quotes";
        assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
    }

    #[test]
    fn a_block_that_keeps_its_last_line_break_is_reported() {
        let finding = only(
            "      description: Answers the clip's title.\n",
            "      description: |\n        Answers it.\n",
        );
        assert!(finding.contains("the text ends with a line break; write |- for |"), "{finding}");
    }
}
