//! Text of prompts, plans and servers in names of files.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::text::is_unsafe;

/// Maximum length of a file name in bytes. File systems allow 255, and a part file has a suffix.
pub(super) const MAX_NAME: usize = 240;

/// Maximum length of the words of a prompt in bytes.
pub(super) const MAX_SLUG: usize = 60;

/// Device names on Windows, with any extension. COM0 to COM9 and LPT0 to LPT9 are devices too.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Whether a name is that of a device on Windows.
pub(crate) fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let is_port = |port: &str| {
        let number = stem.strip_prefix(port).unwrap_or_default();
        number.chars().count() == 1 && number.chars().all(|c| c.is_ascii_digit() || "¹²³".contains(c))
    };
    DEVICES.contains(&stem.as_str()) || is_port("COM") || is_port("LPT")
}

/// The value of a field as a part of a name: no separators, no reserved or invisible characters.
pub(super) fn safe(text: &str) -> String {
    let allowed = |c: char| if is_unsafe(c) || "/\\:*?\"<>|".contains(c) { '-' } else { c };
    let text: String = text.nfc().map(allowed).collect();
    let trimmed = text.trim_matches(['-', '.', ' ']);
    if trimmed.is_empty() { "x".to_owned() } else { trimmed.to_owned() }
}

/// A component of a path with fields. A name that Windows reserves gets a prefix, and what it would remove at the end is left out.
pub(super) fn safe_component(name: &str) -> String {
    let name = name.trim_end_matches(['.', ' ']);
    match name {
        "" => "x".to_owned(),
        name if is_device(name) => format!("_{name}"),
        name => name.to_owned(),
    }
}

/// The first words of a prompt in lower case with dashes between, in the letters of its language.
pub(super) fn slug(prompt: &str, max: usize) -> String {
    let is_selector = |c: char| matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    let is_kept = |c: &char| (c.is_alphanumeric() || is_combining_mark(*c)) && !is_selector(*c);
    let prompt: String = prompt.nfc().collect::<String>().to_lowercase().nfc().collect();
    let (mut slug, mut is_gap) = (String::new(), false);
    for grapheme in prompt.graphemes(true) {
        if matches!(grapheme, "'" | "\u{2019}") {
            continue;
        }
        if !grapheme.starts_with(char::is_alphanumeric) {
            is_gap = !slug.is_empty();
            continue;
        }
        let kept: String = grapheme.chars().filter(is_kept).collect();
        if slug.len() + usize::from(is_gap) + kept.len() > max {
            // A word is cut only if nothing else would be left.
            if let (false, Some(end)) = (is_gap, slug.rfind('-')) {
                slug.truncate(end);
            }
            break;
        }
        if std::mem::take(&mut is_gap) {
            slug.push('-');
        }
        slug.push_str(&kept);
    }
    if slug.is_empty() { "clip".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_the_words_of_any_language() {
        for (prompt, expected) in [
            ("A city, at dusk!", "a-city-at-dusk"),
            ("it's a Café\n\tÜBER  all", "its-a-café-über-all"),
            ("東京の夜", "東京の夜"),
            ("हिन्दी फ़िल्म", "हिन्दी-फ़िल्म"),
            ("مدينة في الليل", "مدينة-في-الليل"),
            ("cafe\u{301}", "café"),
            ("../../etc/passwd", "etc-passwd"),
            ("C:\\windows\\con", "c-windows-con"),
            ("🦀 a crab 👨\u{200d}👩\u{200d}👧", "a-crab"),
            ("a\u{202e}b\u{0}c", "a-b-c"),
            ("1\u{fe0f}\u{20e3} first", "1\u{20e3}-first"),
            ("...", "clip"),
            ("", "clip"),
            ("🦀", "clip"),
        ] {
            assert_eq!(slug(prompt, MAX_SLUG), expected, "{prompt:?}");
        }
    }

    #[test]
    fn a_slug_is_cut_between_words_and_never_inside_a_character() {
        assert_eq!(slug("one two three", 7), "one-two");
        assert_eq!(slug("one two three", 9), "one-two");
        assert_eq!(slug("abcdefghij", 4), "abcd");
        assert_eq!(slug(&"é".repeat(9), 5), "éé");
        assert_eq!(slug(&"e\u{301}\u{302}".repeat(9), 5), "é\u{302}");
        for length in 1..80 {
            let long = slug(&"東京 ab é".repeat(40), length);
            assert!(long.len() <= length.max("clip".len()) && !long.ends_with('-'), "{long}");
        }
    }

    #[test]
    fn a_value_cannot_leave_its_component() {
        for (text, expected) in [
            ("16:9", "16-9"),
            ("../x", "x"),
            ("a/b\\c", "a-b-c"),
            (" . ", "x"),
            ("a\u{7}\u{202e}b", "a--b"),
            ("e\u{301}", "é"),
        ] {
            assert_eq!(safe(text), expected, "{text:?}");
        }
        for (name, expected) in [
            ("con", "_con"),
            ("NUL.mp4", "_NUL.mp4"),
            ("com1 .x", "_com1 .x"),
            ("a. .", "a"),
            ("..", "x"),
            ("console.mp4", "console.mp4"),
        ] {
            assert_eq!(safe_component(name), expected, "{name}");
        }
    }
}
