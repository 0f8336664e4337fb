//! The shapes of characters: which font has one, how wide it is, and how it is drawn.

use std::ops::Range;
use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};
use unicode_bidi::BidiClass;
use unicode_normalization::char::{is_combining_mark, is_public_assigned};

/// The font for most scripts. It has no Chinese, Japanese or Korean: those come from a bitmap font.
static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(dejavu::sans::regular()).expect("the embedded font is a valid font")
});

/// What stands for a character.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Outline(GlyphId),
    Bitmap(&'static unifont::Glyph),
}

/// Characters that steer the text but have no shape of their own.
pub(crate) fn is_invisible(c: char) -> bool {
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
pub(crate) fn is_mark(c: char) -> bool {
    unicode_bidi::bidi_class(c) == BidiClass::NSM
}

/// The shape of a character, if a font has it.
pub(crate) fn shape(c: char) -> Option<Shape> {
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

/// How far the next character is from this one, in pixels.
pub(crate) fn advance(c: char, size: f32) -> f32 {
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

/// Draws a character whose left and right end are given, at the baseline `y`. A mark is drawn on the letter that is there.
pub(crate) fn draw(c: char, size: f32, place: &Range<f32>, y: f32, dot: &mut impl FnMut(i32, i32, f32)) {
    match shape(c) {
        Some(Shape::Outline(id)) if is_mark(c) => {
            let middle = (place.start + place.end) / 2.0;
            draw_outline(id, size, middle - ink_middle(id, size), y, dot);
        }
        Some(Shape::Outline(id)) => draw_outline(id, size, place.start, y, dot),
        Some(Shape::Bitmap(glyph)) => {
            let columns = body(c, glyph).end as f32;
            draw_bitmap(glyph, size, place.end - columns / 16.0 * size, y, dot);
        }
        None => {}
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
