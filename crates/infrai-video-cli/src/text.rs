//! Text that came from elsewhere, made safe to show; and numbers in words. How wide text is, `layout.rs` knows.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use unicode_width::UnicodeWidthChar as _;

/// How many marks may stand on one character. More of them would reach into the lines above and below.
const MOST_MARKS: usize = 6;

/// Whether a character can change what a terminal shows around it: controls, and marks that turn the writing direction or
/// cannot be seen.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a character only says how its neighbours are joined, as in an emoji of several people or in Persian.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// The text with every unsafe character written as its number. A joiner stays where it has something to join, which is
/// never ASCII.
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

/// JSON with every unsafe character written as JSON writes its number. They can only stand inside strings.
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

/// The text as one word for a shell.
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

/// Which of the known words a word was meant to be, if it is like one of them.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let likeness = known.iter().map(|known| (strsim::jaro_winkler(&word, known), *known));
    let likely = likeness.filter(|(likeness, _)| *likeness > 0.8);
    likely.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, known)| known)
}

/// `01:57`, or `1:02:03` from an hour on.
pub(crate) fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes:02}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// `8.4 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        let decimals = usize::from(unit != "B");
        if value < 999.95 || unit == "GB" {
            return format!("{value:.decimals$} {unit}");
        }
        value /= 1000.0;
    }
    format!("{bytes} B")
}

/// `1 job`, `2 jobs`.
pub(crate) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// `0.20`, or more digits where they matter.
pub(crate) fn usd(amount: f64) -> String {
    let cents = amount * 100.0;
    let decimals = if (cents - cents.round()).abs() < 1e-6 { 2 } else { 4 };
    format!("{amount:.decimals$}")
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
    fn a_quoted_word_is_one_word() {
        assert_eq!(quote("skyline.mp4"), "skyline.mp4");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quote("a\nb\u{202e}'"), "$'a\\nb\\U0000202e\\''");
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

    #[test]
    fn a_word_is_known_by_its_likeness() {
        let known = ["prompt", "duration_seconds", "aspect_ratio", "aspect", "name"];
        for (word, meant) in [
            ("promt", Some("prompt")),
            ("Prompt", Some("prompt")),
            ("duration", Some("duration_seconds")),
            ("aspectRatio", Some("aspect_ratio")),
            ("nmae", Some("name")),
            ("seed", None),
            ("", None),
        ] {
            assert_eq!(closest(word, &known), meant, "{word}");
        }
    }

    #[test]
    fn times_and_sizes_are_short() {
        assert_eq!(clock(Duration::from_secs(117)), "01:57");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(8_400_000), "8.4 MB");
        assert_eq!(size(999_960), "1.0 MB");
        assert_eq!(count(1, "job"), "1 job");
        assert_eq!(count(2, "job"), "2 jobs");
    }

    #[test]
    fn money_has_cents_or_more() {
        assert_eq!(usd(0.2), "0.20");
        assert_eq!(usd(0.0), "0.00");
        assert_eq!(usd(0.0125), "0.0125");
    }
}
