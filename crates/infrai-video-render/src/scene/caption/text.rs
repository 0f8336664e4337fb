//! Lines of text: what is left out, where a line breaks, and in which order its characters are drawn.

use std::iter;

use unicode_bidi::{BidiInfo, Level};
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::glyphs::{self, Shape, advance, is_invisible, is_mark, shape};

/// A prompt is cut to this many characters before anything else looks at it, and then to those that a caption may need.
const LONGEST: usize = 2_000;
const LONGEST_CAPTION: usize = 600;

/// A letter keeps this many marks, such as accents. More would cover it.
const MOST_MARKS: usize = 3;

/// The text of a prompt on one line, with Arabic letters joined. Characters without a glyph and pictures such as emoji are
/// left out. If only punctuation remains then, the text is empty.
pub(crate) fn clean(prompt: &str) -> String {
    let spaced = prompt.chars().take(LONGEST).map(|c| if c.is_whitespace() { ' ' } else { c });
    // Arabic is written without vowel signs, and a sign between two letters would separate them.
    let short: String = spaced.filter(|c| !matches!(c, '\u{64b}'..='\u{65f}' | '\u{670}')).nfc().collect();
    let joined = unifont::i18n::preprocess_text(&short);
    let mut text = String::new();
    let (mut is_after_gap, mut has_gap) = (false, false);
    for cluster in joined.graphemes(true) {
        let Some(shown) = drawable(cluster) else {
            (is_after_gap, has_gap) = (true, true);
            continue;
        };
        if is_after_gap && shown.starts_with([',', '.', ';', ':', '!', '?', ')']) {
            text.truncate(text.trim_end().len());
        }
        is_after_gap &= shown.trim().is_empty();
        text.push_str(&shown);
    }
    if has_gap {
        text = text.replace("()", "");
        if text.chars().all(|c| c == ' ' || c.is_ascii_punctuation()) {
            text.clear();
        }
    }
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LONGEST_CAPTION).collect()
}

/// What is drawn for a user-perceived character. `None` if a part of it has no glyph.
fn drawable(cluster: &str) -> Option<String> {
    let mut shown = String::new();
    let mut marks = 0;
    for c in cluster.chars().filter(|c| !is_invisible(*c)) {
        if is_mark(c) {
            marks += 1;
            if marks <= MOST_MARKS && !shown.is_empty() && shape(c).is_some() {
                shown.push(c);
            }
        } else if shape(c).is_some() {
            shown.push(c);
        } else {
            // A letter in another style, such as a bold one of mathematics, has a plain form.
            let plain: String = iter::once(c).nfkd().collect();
            if plain.chars().any(|c| shape(c).is_none()) {
                return None;
            }
            shown.push_str(&plain);
        }
    }
    Some(shown)
}

/// The width of a line in pixels.
pub(crate) fn width(line: &str, size: f32) -> f32 {
    line.chars().map(|c| advance(c, size)).sum()
}

/// Breaks a text into lines of at most `limit` pixels: between words, between wide characters, and within a word that
/// is longer than a line. A line has at least one character.
pub(crate) fn wrap(text: &str, size: f32, limit: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0.0;
    for piece in pieces(text) {
        let piece_width = width(piece.trim_end(), size);
        // A word that is longer than a line begins on this one if much of it is free.
        let moves = used + piece_width > limit && (piece_width <= limit || used > limit / 2.0);
        if moves && used > 0.0 {
            lines.push(String::new());
            used = 0.0;
        }
        for cluster in piece.graphemes(true) {
            let step = width(cluster, size);
            if used + step > limit && used > 0.0 && cluster != " " {
                lines.push(String::new());
                used = 0.0;
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(cluster);
            }
            used += step;
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Words with the space behind them. A wide character is a piece of its own, with the punctuation beside it.
fn pieces(text: &str) -> Vec<&str> {
    const OPENING: [char; 7] = ['（', '「', '『', '《', '〈', '【', '“'];
    const CLOSING: [char; 15] =
        ['、', '。', '，', '．', '！', '？', '：', '；', '）', '」', '』', '》', '〉', '】', '”'];
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut was_wide = false;
    for (at, cluster) in text.grapheme_indices(true) {
        let wide =
            cluster.chars().any(|c| matches!(shape(c), Some(Shape::Bitmap(glyph)) if glyph.is_fullwidth()));
        let is_held = cluster.starts_with(CLOSING) || text[..at].ends_with(OPENING);
        if (wide || was_wide) && at > start && !is_held && cluster != " " {
            pieces.push(&text[start..at]);
            start = at;
        }
        if cluster == " " {
            pieces.push(&text[start..=at]);
            start = at + 1;
        }
        was_wide = wide;
    }
    pieces.push(&text[start..]);
    pieces
}

/// Cuts lines to a number and marks the cut with an ellipsis that still fits: behind a word, or within one that fills
/// most of the line.
pub(crate) fn cut(lines: &mut Vec<String>, count: usize, size: f32, limit: f32) {
    if lines.len() <= count {
        return;
    }
    lines.truncate(count);
    let Some(last) = lines.last_mut() else { return };
    let limit = limit - advance('…', size);
    if width(last, size) > limit {
        let last_piece = pieces(last).last().map_or(0, |piece| piece.len());
        let shorter = &last[..last.len() - last_piece];
        if width(shorter, size) > limit / 2.0 && width(shorter, size) <= limit {
            last.truncate(shorter.len());
        }
    }
    while width(last, size) > limit
        && let Some((at, _)) = last.grapheme_indices(true).next_back()
    {
        last.truncate(at);
    }
    last.truncate(last.trim_end_matches([' ', ',', ';', ':', '-', '、', '，']).len());
    last.push('…');
}

/// Whether a text starts in a script that runs from right to left.
pub(crate) fn is_right_to_left(text: &str) -> bool {
    BidiInfo::new(text, None).paragraphs.first().is_some_and(|paragraph| paragraph.level.is_rtl())
}

/// The characters of a line from left to right, each with its marks behind it. The line is part of a text that
/// `is_right_to_left` or not.
pub(crate) fn in_display_order(line: &str, is_right_to_left: bool) -> String {
    let level = if is_right_to_left { Level::rtl() } else { Level::ltr() };
    let bidi = BidiInfo::new(line, Some(level));
    let mut shown = String::with_capacity(line.len());
    for paragraph in &bidi.paragraphs {
        let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            if levels[run.start].is_rtl() {
                shown.extend(
                    line[run].graphemes(true).rev().flat_map(|cluster| cluster.chars().map(mirrored)),
                );
            } else {
                line[run].graphemes(true).for_each(|cluster| push_syllable(&mut shown, cluster));
            }
        }
    }
    shown
}

/// Appends a syllable. Some vowel signs of India and its neighbours follow their consonant, but stand to the left of it.
fn push_syllable(shown: &mut String, cluster: &str) {
    let is_left = |c: &char| {
        matches!(
            c,
            '\u{93f}' | '\u{9bf}' | '\u{9c7}' | '\u{9c8}' | '\u{a3f}' | '\u{abf}' | '\u{b47}' | '\u{bc6}'..='\u{bc8}'
                | '\u{d46}'..='\u{d48}' | '\u{dd9}' | '\u{ddb}' | '\u{1031}' | '\u{17c1}'..='\u{17c3}'
        )
    };
    shown.extend(cluster.chars().filter(is_left));
    shown.extend(cluster.chars().filter(|c| !is_left(c)));
}

/// The other one of a pair of brackets: in text that runs from right to left, an opening one is open to the left.
fn mirrored(c: char) -> char {
    const PAIRS: [(char, char); 5] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»')];
    let other = PAIRS.iter().find_map(|&(open, close)| match c {
        _ if c == open => Some(close),
        _ if c == close => Some(open),
        _ => None,
    });
    other.unwrap_or(c)
}

/// Draws a line that is in display order, with its left end at `x` and its baseline at `y`. `dot` gets whole pixels,
/// which may lie anywhere, and the coverage from 0 to 1.
pub(crate) fn draw(line: &str, size: f32, x: f32, y: f32, mut dot: impl FnMut(i32, i32, f32)) {
    // The letter that a mark belongs to.
    let mut letter = x..x;
    for c in line.chars() {
        if !is_mark(c) {
            letter = letter.end..letter.end + advance(c, size);
        }
        glyphs::draw(c, size, &letter, y, &mut dot);
    }
}
