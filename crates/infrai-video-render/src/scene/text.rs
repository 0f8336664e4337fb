//! Lines of text: which glyph a character has, how wide it is, where a line breaks, and how it is drawn.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};
use unicode_bidi::BidiInfo;

/// The font for most scripts. It has no Chinese, Japanese or Korean: those come from a bitmap font.
static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(dejavu::sans::regular()).expect("the embedded font is a valid font")
});

/// A prompt is cut to this many characters before anything else looks at it; no frame has room for more.
const LONGEST: usize = 2_000;

/// What stands for a character.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Outline(GlyphId),
    Bitmap(&'static unifont::Glyph),
    /// No font has it: a small box.
    Box,
}

/// The text of a prompt on one line, with marks that have no shape left out and Arabic letters joined.
pub(crate) fn clean(prompt: &str) -> String {
    let short: String =
        prompt.chars().take(LONGEST).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let shown: String = short.chars().filter(|c| !is_invisible(*c)).collect();
    let words: Vec<&str> = shown.split(' ').filter(|word| !word.is_empty()).collect();
    unifont::i18n::preprocess_text(&words.join(" "))
}

/// Characters that steer the text but have no shape of their own.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{1f3fb}'..='\u{1f3ff}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

fn shape(c: char) -> Shape {
    let id = FONT.glyph_id(c);
    if id.0 != 0 {
        return Shape::Outline(id);
    }
    match unifont::get_glyph(c) {
        Some(glyph) if c != char::REPLACEMENT_CHARACTER => Shape::Bitmap(glyph),
        _ => Shape::Box,
    }
}

fn advance(c: char, size: f32) -> f32 {
    match shape(c) {
        Shape::Outline(id) => FONT.as_scaled(PxScale::from(size)).h_advance(id),
        Shape::Bitmap(glyph) => glyph.get_width() as f32 / 16.0 * size,
        Shape::Box => 0.72 * size,
    }
}

/// The width of a line in pixels.
pub(crate) fn width(line: &str, size: f32) -> f32 {
    line.chars().map(|c| advance(c, size)).sum()
}

/// Breaks a text into lines of at most `limit` pixels: between words, between wide characters, and within a word that
/// is longer than a line. A line has at least one character.
pub(crate) fn wrap(text: &str, size: f32, limit: f32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0.0;
    for piece in pieces(text) {
        let piece_width = width(piece.trim_end(), size);
        if used + piece_width > limit && !line.is_empty() {
            lines.push(line.trim_end().to_owned());
            line.clear();
            used = 0.0;
        }
        for c in piece.chars() {
            let step = advance(c, size);
            if used + step > limit && !line.is_empty() && c != ' ' {
                lines.push(line.trim_end().to_owned());
                line.clear();
                used = 0.0;
            }
            line.push(c);
            used += step;
        }
    }
    if !line.trim_end().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Words with the space behind them; a wide character is a piece of its own.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let wide = matches!(shape(c), Shape::Bitmap(glyph) if glyph.is_fullwidth());
        if wide && at > start {
            pieces.push(&text[start..at]);
            start = at;
        }
        if wide || c == ' ' {
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// Cuts lines to a number and marks the cut with an ellipsis that still fits.
pub(crate) fn cut(lines: &mut Vec<String>, count: usize, size: f32, limit: f32) {
    if lines.len() <= count {
        return;
    }
    lines.truncate(count);
    if let Some(last) = lines.last_mut() {
        while width(last, size) + advance('…', size) > limit && last.pop().is_some() {}
        last.truncate(last.trim_end().len());
        last.push('…');
    }
}

/// Draws a line with its left end at `x` and its baseline at `y`. `dot` gets whole pixels, which may lie anywhere, and
/// the coverage from 0 to 1.
pub(crate) fn draw(line: &str, size: f32, x: f32, y: f32, mut dot: impl FnMut(i32, i32, f32)) {
    let mut at = x;
    for c in in_display_order(line).chars() {
        match shape(c) {
            Shape::Outline(id) => draw_outline(id, size, at, y, &mut dot),
            Shape::Bitmap(glyph) => draw_bitmap(glyph, size, at, y, &mut dot),
            Shape::Box => draw_box(size, at, y, &mut dot),
        }
        at += advance(c, size);
    }
}

/// The characters from left to right, also where the script runs from right to left.
fn in_display_order(line: &str) -> String {
    let bidi = BidiInfo::new(line, None);
    bidi.paragraphs.iter().map(|paragraph| bidi.reorder_line(paragraph, paragraph.range.clone())).collect()
}

/// Whether a text starts in a script that runs from right to left.
pub(crate) fn is_right_to_left(text: &str) -> bool {
    BidiInfo::new(text, None).paragraphs.first().is_some_and(|paragraph| paragraph.level.is_rtl())
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

fn draw_box(size: f32, x: f32, y: f32, dot: &mut impl FnMut(i32, i32, f32)) {
    let (width, height, line) = ((0.56 * size) as i32, (0.68 * size) as i32, (0.06 * size).max(1.0) as i32);
    let (left, top) = ((x + 0.08 * size) as i32, y as i32 - height);
    for py in 0..height {
        for px in 0..width {
            if px < line || py < line || px >= width - line || py >= height - line {
                dot(left + px, top + py, 0.75);
            }
        }
    }
}
