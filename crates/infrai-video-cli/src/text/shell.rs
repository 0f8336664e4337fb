//! Words and options of command lines that users copy into a shell.

use std::fmt::Write as _;

use super::escape::is_unsafe;

/// Quotes the text as one word for a shell.
pub(crate) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if !text.contains(is_unsafe) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let mut word = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => word.extend(['\\', c]),
            '\n' => word.push_str("\\n"),
            c if is_unsafe(c) => {
                let _infallible = write!(word, "\\U{:08x}", u32::from(c));
            }
            c => word.push(c),
        }
    }
    word + "'"
}

/// An option with its value. A value that begins with a dash is joined to the option by `=`, or it would be read as an option.
pub(crate) fn option(name: &str, value: &str) -> String {
    let separator = if begins_like_an_option(value) { '=' } else { ' ' };
    format!("{name}{separator}{}", quote(value))
}

/// An operand after all options. One that begins with a dash comes after `--`.
pub(crate) fn operand(value: &str) -> String {
    operands(&[value])
}

/// Several operands, with `--` before them if one begins with a dash.
pub(crate) fn operands(values: &[&str]) -> String {
    let dashes = values.iter().any(|value| begins_like_an_option(value)).then(|| "--".to_owned());
    dashes.into_iter().chain(values.iter().map(|value| quote(value))).collect::<Vec<_>>().join(" ")
}

/// A lone dash means stdin or stdout.
fn begins_like_an_option(value: &str) -> bool {
    value.starts_with('-') && value != "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_one_word() {
        assert_eq!(quote("skyline.mp4"), "skyline.mp4");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quote("a\nb\u{202e}'"), "$'a\\nb\\U0000202e\\''");
    }

    #[test]
    fn a_value_that_begins_with_a_dash_is_not_read_as_an_option() {
        assert_eq!(option("-o", "a b.mp4"), "-o 'a b.mp4'");
        assert_eq!(option("--output", "-x.mp4"), "--output=-x.mp4");
        assert_eq!(option("-o", "-"), "-o -");
        assert_eq!(operand("-x y"), "-- '-x y'");
        assert_eq!(operands(&["x", "-y"]), "-- x -y");
        assert_eq!((operand("x"), operand("-")), ("x".to_owned(), "-".to_owned()));
    }
}
