//! Text from servers, files and users, made safe to print on a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// Maximum number of combining marks on one character. More of them would overlap the lines above and below.
const MOST_MARKS: usize = 6;

/// Whether a character can change how a terminal shows the text around it: control characters, marks that change the writing
/// direction, and invisible characters.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a character only joins its neighbours, as in an emoji of several people or in Persian.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Escapes every unsafe character. A joiner between two non-ASCII characters is kept.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.contains(is_unsafe) {
        return text.into();
    }
    let joins = |c: Option<&char>| c.is_some_and(|c| !c.is_ascii() && !c.is_whitespace() && !is_unsafe(*c));
    let mut safe = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let (mut before, mut marks) = (None, 0);
    while let Some(c) = chars.next() {
        let is_unseen = c.width() == Some(0);
        marks = if is_unseen { marks + 1 } else { 0 };
        let stays = match is_unsafe(c) {
            true => is_joiner(c) && joins(before.as_ref()) && joins(chars.peek()),
            false => marks <= MOST_MARKS,
        };
        match stays {
            true => safe.push(c),
            false if c.is_control() => safe.extend(c.escape_default()),
            false => safe.extend(c.escape_unicode()),
        }
        before = Some(c);
    }
    safe.into()
}

/// Escapes every unsafe character of a JSON document, all of which are inside strings.
pub(crate) fn clean_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_unsafe) {
        return json.into();
    }
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_change_a_terminal_is_escaped() {
        assert_eq!(clean("a city"), "a city");
        assert_eq!(clean("\u{1b}[2J\u{202e}gnp\u{9b}\n"), "\\u{1b}[2J\\u{202e}gnp\\u{9b}\\n");
        assert_eq!(clean("Straße, 東京, 🌆"), "Straße, 東京, 🌆");
    }

    #[test]
    fn escaped_json_says_the_same() {
        let text = "\u{202e}\u{9b}\u{e0041}\u{7f} 東京";
        let json = serde_json::to_string(text).unwrap();
        let safe = clean_json(&json);
        assert!(!safe.contains(is_unsafe));
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }

    #[test]
    fn a_joiner_stays_where_it_joins() {
        let joined = "👩\u{200d}🚀 می\u{200c}خواهم";
        assert_eq!(clean(joined), joined);
        assert_eq!(clean("a\u{200d}b"), "a\\u{200d}b");
        assert_eq!(clean("👩\u{200d} 🚀\u{200d}"), "👩\\u{200d} 🚀\\u{200d}");
        assert_eq!(clean("👩\u{200d}\u{200d}🚀"), "👩\\u{200d}\\u{200d}🚀");
    }

    #[test]
    fn marks_do_not_pile_up() {
        assert_eq!(clean("e\u{301}\u{323}"), "e\u{301}\u{323}");
        let piled = format!("e{}", "\u{301}".repeat(MOST_MARKS + 2));
        let shown = clean(&piled);
        assert!(shown.ends_with("\\u{301}\\u{301}") && !shown.starts_with("e\\"), "{shown}");
    }
}
