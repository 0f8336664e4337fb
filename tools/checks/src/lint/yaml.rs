//! Scalars that YAML 1.1 and YAML 1.2 read differently.

use super::{Context, Finding, Rule};
use crate::lines::Scalar;

pub(super) const RULES: &[Rule] = &[ambiguous_scalars];

fn ambiguous_scalars(context: &Context<'_>) -> Vec<Finding> {
    let scalars = context.lines.scalars.iter().filter(|scalar| scalar.plain);
    scalars
        .filter_map(|scalar| {
            let reading = misreading(scalar)?;
            let problem = format!("`{}` without quotes is {reading} for some parsers", scalar.text);
            Some(Finding::new(&scalar.pointer, problem, format!("write '{}'", scalar.text)))
        })
        .collect()
}

/// What the plain scalar is in YAML 1.1.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::broken;

    fn reading(text: &str) -> Option<&'static str> {
        misreading(&Scalar { pointer: String::new(), text: text.to_owned(), plain: true, is_key: false })
    }

    #[test]
    fn ambiguous_words_and_numbers_are_reported() {
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
    fn other_words_and_numbers_are_not_reported() {
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
        let wanted = "`16:9` without quotes is a number in base 60 for some parsers; write '16:9'";
        assert!(findings.iter().any(|finding| finding.contains(wanted)), "{findings:?}");
    }

    #[test]
    fn a_status_without_quotes_is_reported() {
        let findings = broken("        '402': ", "        402: ");
        assert!(
            findings[0].contains("`402` without quotes is a number for some parsers; write '402'"),
            "{findings:?}"
        );
    }
}
