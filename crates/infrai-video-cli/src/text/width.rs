//! The width of text on a terminal, and how text is cut, wrapped and isolated.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

const CUT: &str = "...";

/// Maximum number of columns that a terminal may need for the text. Terminals differ: some show `👩‍🚀` as one picture, some as two.
pub(crate) fn width(text: &str) -> usize {
    text.graphemes(true).map(cluster).sum()
}

/// Whether every terminal agrees on the width.
pub(crate) fn is_certain(text: &str) -> bool {
    text.is_ascii() || text.width() == apart(text)
}

fn cluster(cluster: &str) -> usize {
    cluster.width().max(apart(cluster))
}

fn apart(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The start of the text that fits into `columns`, followed by `...` if it was cut. Grapheme clusters stay whole.
pub(crate) fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return text.into();
    }
    let dots = &CUT[..columns.min(CUT.len())];
    let kept: String = within(text.graphemes(true), columns - dots.len()).collect();
    (kept + dots).into()
}

/// The end of the text that fits into `columns`, after `...` if it was cut. Ids differ at their end.
pub(crate) fn fit_end(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return text.into();
    }
    let dots = &CUT[..columns.min(CUT.len())];
    let mut kept: Vec<&str> = within(text.graphemes(true).rev(), columns - dots.len()).collect();
    kept.push(dots);
    kept.into_iter().rev().collect::<String>().into()
}

fn within<'a>(clusters: impl Iterator<Item = &'a str>, columns: usize) -> impl Iterator<Item = &'a str> {
    let mut left = columns;
    clusters.take_while(move |next| match left.checked_sub(cluster(next)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    })
}

/// Wraps the text into lines of at most `columns`. Lines are broken only at spaces, so that links and ids stay whole.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a first line");
        match line.is_empty() {
            true => line.push_str(word),
            false if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            false => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The first of the lines, which get shorter, that fits. If none fits, the last one is cut.
pub(crate) fn first_that_fits(lines: impl IntoIterator<Item = String>, columns: usize) -> String {
    let mut last = String::new();
    for line in lines {
        if width(&line) <= columns {
            return line;
        }
        last = line;
    }
    fit(&last, columns).into_owned()
}

/// Whether a character is in one of the Unicode blocks for scripts that are written from right to left.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
        || matches!(c, '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Isolates each run of text from right to left, so that a terminal that reverses it leaves the text after it in place. Only for
/// terminals: elsewhere the marks would become part of the data.
pub(crate) fn isolate(text: &str) -> Cow<'_, str> {
    const OPEN: char = '\u{2068}';
    const CLOSE: char = '\u{2069}';
    if text.is_ascii() || !text.contains(is_right_to_left) {
        return text.into();
    }
    let mut isolated = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(start) = rest.find(is_right_to_left) {
        let (before, from) = rest.split_at(start);
        // It continues over spaces and punctuation up to the next letter from left to right.
        let reach = from.find(|c: char| c.is_alphabetic() && !is_right_to_left(c)).unwrap_or(from.len());
        let last = from[..reach].rfind(is_right_to_left).unwrap_or_default();
        let end = from[last..].graphemes(true).next().map_or(reach, |cluster| last + cluster.len());
        isolated.push_str(before);
        isolated.push(OPEN);
        isolated.push_str(&from[..end]);
        isolated.push(CLOSE);
        rest = &from[end..];
    }
    isolated.push_str(rest);
    isolated.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_cut_to_its_columns() {
        assert_eq!(fit("skyline", 7), "skyline");
        assert_eq!(fit("skylines", 7), "skyl...");
        assert_eq!(fit("東京東京", 6), "東...");
        assert_eq!(fit("skyline", 2), "..");
        assert_eq!(fit_end("vj_01kaq3v8", 7), "...q3v8");
        assert_eq!(fit_end("vj_1", 7), "vj_1");
    }

    #[test]
    fn grapheme_clusters_stay_whole() {
        assert_eq!(fit("e\u{301}clair", 5), "e\u{301}c...");
        assert_eq!(fit("👩\u{200d}🚀 in orbit", 8), "👩\u{200d}🚀 ...");
        assert_eq!(fit("👩\u{200d}🚀 in orbit", 6), "...");
        assert_eq!(fit("🇩🇪🇫🇷 flags", 6), "🇩🇪...");
    }

    #[test]
    fn a_width_on_which_terminals_disagree_is_uncertain() {
        assert!(is_certain("Straße, 東京") && is_certain("e\u{301}"));
        assert!(!is_certain("👩\u{200d}🚀") && !is_certain("\u{2764}\u{fe0f}"));
        assert_eq!((width("👩\u{200d}🚀"), width("\u{2764}\u{fe0f}")), (4, 2));
    }

    #[test]
    fn lines_are_broken_only_at_spaces() {
        assert_eq!(wrap("the vendor refused it", 10), ["the vendor", "refused it"]);
        assert_eq!(wrap("see https://example.com/x", 10), ["see", "https://example.com/x"]);
        assert_eq!(wrap("", 10), [""]);
    }

    #[test]
    fn the_first_line_that_fits_is_used() {
        let lines = || ["a long line", "a line"].map(str::to_owned);
        assert_eq!(first_that_fits(lines(), 11), "a long line");
        assert_eq!(first_that_fits(lines(), 10), "a line");
        assert_eq!(first_that_fits(lines(), 5), "a ...");
    }

    #[test]
    fn text_from_right_to_left_is_isolated() {
        assert_eq!(isolate("plain, Straße"), "plain, Straße");
        assert_eq!(isolate("failed: שלום עולם 12 (X)"), "failed: \u{2068}שלום עולם\u{2069} 12 (X)");
        assert_eq!(isolate("مرحبا a مرحبا"), "\u{2068}مرحبا\u{2069} a \u{2068}مرحبا\u{2069}");
        assert_eq!(isolate("שָ"), "\u{2068}שָ\u{2069}");
    }

    proptest! {
        #[test]
        fn cut_text_fits_and_is_made_of_whole_characters(text in "\\PC{0,40}", columns in 0_usize..30) {
            for (cut, is_end) in [(fit(&text, columns), false), (fit_end(&text, columns), true)] {
                prop_assert!(width(&cut) <= columns);
                if cut != text {
                    let dots = &CUT[..columns.min(3)];
                    let whole: Vec<&str> = text.graphemes(true).collect();
                    let kept = if is_end { cut.strip_prefix(dots) } else { cut.strip_suffix(dots) };
                    let kept = kept.expect("cut text has dots");
                    let is_whole = (0..=whole.len()).any(|count| match is_end {
                        true => whole[whole.len() - count..].concat() == kept,
                        false => whole[..count].concat() == kept,
                    });
                    prop_assert!(is_whole, "{:?} of {:?}", cut, text);
                }
            }
        }

        #[test]
        fn isolating_changes_nothing_but_the_marks(text in "[a-z0-9 ().\u{5d0}-\u{5ea}\u{627}-\u{64a}\u{301}]{0,40}") {
            let isolated = isolate(&text);
            let (mut depth, mut plain) = (0_i32, String::new());
            for c in isolated.chars() {
                match c {
                    '\u{2068}' => depth += 1,
                    '\u{2069}' => depth -= 1,
                    c => {
                        prop_assert!(!is_right_to_left(c) || depth == 1, "{:?} is not isolated in {:?}", c, isolated);
                        plain.push(c);
                    }
                }
                prop_assert!((0..=1).contains(&depth));
            }
            prop_assert_eq!(depth, 0);
            prop_assert_eq!(plain, text);
        }
    }
}
