//! Lines of text: which glyph a character has, how wide it is, where a line breaks, and how it is drawn.

use std::iter;
use std::ops::Range;
use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};
use unicode_bidi::{BidiClass, BidiInfo, Level};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{is_combining_mark, is_public_assigned};
use unicode_segmentation::UnicodeSegmentation as _;

/// The font for most scripts. It has no Chinese, Japanese or Korean: those come from a bitmap font.
static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(dejavu::sans::regular()).expect("the embedded font is a valid font")
});

/// A prompt is cut to this many characters before anything else looks at it, and then to those that a caption may need.
const LONGEST: usize = 2_000;
const LONGEST_CAPTION: usize = 600;

/// A letter keeps this many marks, such as accents. More would cover it.
const MOST_MARKS: usize = 3;

/// What stands for a character.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Outline(GlyphId),
    Bitmap(&'static unifont::Glyph),
}

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

/// Characters that steer the text but have no shape of their own.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{20e3}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1f3fb}'..='\u{1f3ff}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A mark that is drawn on the letter before it.
fn is_mark(c: char) -> bool {
    unicode_bidi::bidi_class(c) == BidiClass::NSM
}

fn shape(c: char) -> Option<Shape> {
    // The fonts have a few of the pictures, and those in outlines that say little.
    let is_picture = matches!(c, '\u{1f000}'..='\u{1f0ff}' | '\u{1f1e6}'..='\u{1faff}');
    if is_picture || !is_public_assigned(c) || matches!(c, '\u{fffc}' | char::REPLACEMENT_CHARACTER) {
        return None;
    }
    match FONT.glyph_id(c) {
        GlyphId(0) => unifont::get_glyph(c).map(Shape::Bitmap),
        id => Some(Shape::Outline(id)),
    }
}

fn advance(c: char, size: f32) -> f32 {
    match shape(c) {
        Some(_) if is_mark(c) => 0.0,
        Some(Shape::Outline(id)) => FONT.as_scaled(PxScale::from(size)).h_advance(id),
        Some(Shape::Bitmap(glyph)) => body(c, glyph).len() as f32 / 16.0 * size,
        None => 0.0,
    }
}

/// The columns of a bitmap that a character takes up. A vowel sign of India leaves the rest to the letter beside it, over
/// which its upper part may reach.
fn body(c: char, glyph: &unifont::Glyph) -> Range<usize> {
    if !is_combining_mark(c) || is_mark(c) {
        return 0..glyph.get_width();
    }
    let is_used = |column: &usize| (3..13).any(|row| glyph.get_pixel(*column, row));
    let first = (0..glyph.get_width()).find(is_used).unwrap_or(0);
    first..(0..glyph.get_width()).rfind(is_used).map_or(glyph.get_width(), |last| last + 1)
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
        let mark = is_mark(c);
        if !mark {
            letter = letter.end..letter.end + advance(c, size);
        }
        match shape(c) {
            Some(Shape::Outline(id)) if mark => {
                let middle = (letter.start + letter.end) / 2.0;
                draw_outline(id, size, middle - ink_middle(id, size), y, &mut dot);
            }
            Some(Shape::Outline(id)) => draw_outline(id, size, letter.start, y, &mut dot),
            Some(Shape::Bitmap(glyph)) => {
                let columns = body(c, glyph).end as f32;
                draw_bitmap(glyph, size, letter.end - columns / 16.0 * size, y, &mut dot);
            }
            None => {}
        }
    }
}

/// The middle of what a glyph paints, from its origin.
fn ink_middle(id: GlyphId, size: f32) -> f32 {
    let glyph = id.with_scale_and_position(PxScale::from(size), ab_glyph::point(0.0, 0.0));
    FONT.outline_glyph(glyph).map_or(0.0, |outline| {
        let bounds = outline.px_bounds();
        (bounds.min.x + bounds.max.x) / 2.0
    })
}

fn draw_outline(id: GlyphId, size: f32, x: f32, y: f32, dot: &mut impl FnMut(i32, i32, f32)) {
    let glyph = id.with_scale_and_position(PxScale::from(size), ab_glyph::point(x, y));
    if let Some(outline) = FONT.outline_glyph(glyph) {
        let corner = outline.px_bounds().min;
        outline.draw(|px, py, cover| dot(corner.x as i32 + px as i32, corner.y as i32 + py as i32, cover));
    }
}

/// A bitmap of 16 lines, scaled up and rounded at its corners. Two of the lines lie below the baseline.
fn draw_bitmap(glyph: &unifont::Glyph, size: f32, x: f32, y: f32, dot: &mut impl FnMut(i32, i32, f32)) {
    let scale = size / 16.0;
    let (left, top) = (x.floor() as i32, (y - 14.0 * scale).floor() as i32);
    let pixel = |column: i32, row: i32| {
        let inside = column >= 0 && row >= 0 && (column as usize) < glyph.get_width() && row < 16;
        f32::from(u8::from(inside && glyph.get_pixel(column as usize, row as usize)))
    };
    for py in 0..(16.0 * scale).ceil() as i32 {
        for px in 0..(glyph.get_width() as f32 * scale).ceil() as i32 {
            let (u, v) = ((px as f32 + 0.5) / scale - 0.5, (py as f32 + 0.5) / scale - 0.5);
            let (column, row) = (u.floor(), v.floor());
            let (right, down) = (u - column, v - row);
            let (column, row) = (column as i32, row as i32);
            let upper = pixel(column, row) * (1.0 - right) + pixel(column + 1, row) * right;
            let lower = pixel(column, row + 1) * (1.0 - right) + pixel(column + 1, row + 1) * right;
            let ink = upper * (1.0 - down) + lower * down;
            // A steep step around the half turns the blurred squares into round strokes.
            dot(left + px, top + py, ((ink - 0.5) * scale.max(1.0) * 1.2 + 0.55).clamp(0.0, 1.0));
        }
    }
}
