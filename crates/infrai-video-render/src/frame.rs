//! One picture in the planes that the encoder takes (4:2:0), and the few ways to paint on it.
//!
//! The chroma planes have half the size in both directions. All positions are given in luma pixels.

use std::ops::Range;

use crate::color::Color;

/// One plane of bytes.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) data: Vec<u8>,
}

impl Plane {
    fn new(width: usize, height: usize, value: u8) -> Self {
        Self { width, height, data: vec![value; width * height] }
    }

    /// One row of the plane.
    pub(crate) fn row(&mut self, y: usize) -> &mut [u8] {
        &mut self.data[y * self.width..(y + 1) * self.width]
    }
}

/// A picture. Width and height are even.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Luma and the two chroma planes.
    pub(crate) planes: [Plane; 3],
}

/// A rectangle in luma pixels; it may lie partly outside the frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
}

impl Bounds {
    /// The square around a point.
    pub(crate) fn around(x: f32, y: f32, radius: f32) -> Self {
        Self { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }
    }
}

/// A shape as a map of coverage, drawn once and stamped often.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    /// For luma, and for the chroma planes.
    maps: [CoverageMap; 2],
}

#[derive(Debug, Clone)]
struct CoverageMap {
    width: usize,
    height: usize,
    /// Rows of `width + 2` values: an empty column on both sides lets a stamp sit between two pixels.
    rows: Vec<u8>,
    /// For each row the columns outside of which it is empty.
    used: Vec<Range<usize>>,
}

impl CoverageMap {
    fn new(width: usize, height: usize, rows: Vec<u8>) -> Self {
        let used = rows.chunks_exact(width + 2).map(|row| {
            let first = row.iter().position(|value| *value > 0).unwrap_or(1) - 1;
            let last = row.iter().rposition(|value| *value > 0).map_or(first, |column| column + 1);
            first..last
        });
        Self { width, height, used: used.collect(), rows }
    }
}

impl Stamp {
    /// Draws a shape: `coverage` gives 0 to 1 for the middle of each pixel. The size is rounded up to even numbers.
    pub(crate) fn new(width: usize, height: usize, coverage: impl Fn(f32, f32) -> f32) -> Self {
        let (width, height) = (width.next_multiple_of(2), height.next_multiple_of(2));
        let mut full = vec![0; (width + 2) * height];
        for y in 0..height {
            for x in 0..width {
                let value = coverage(x as f32 + 0.5, y as f32 + 0.5).clamp(0.0, 1.0);
                full[y * (width + 2) + x + 1] = (value * 255.0 + 0.5) as u8;
            }
        }
        let mut half = vec![0; (width / 2 + 2) * (height / 2)];
        for y in 0..height / 2 {
            for x in 0..width / 2 {
                let at = 2 * y * (width + 2) + 2 * x + 1;
                let sum = [at, at + 1, at + width + 2, at + width + 3]
                    .map(|i| u16::from(full[i]))
                    .iter()
                    .sum::<u16>();
                half[y * (width / 2 + 2) + x + 1] = ((sum + 2) / 4) as u8;
            }
        }
        Self { maps: [CoverageMap::new(width, height, full), CoverageMap::new(width / 2, height / 2, half)] }
    }

    /// Width in luma pixels.
    pub(crate) fn width(&self) -> f32 {
        self.maps[0].width as f32
    }
}

impl Frame {
    /// A black picture.
    pub(crate) fn new(width: usize, height: usize) -> Self {
        let chroma = Plane::new(width / 2, height / 2, 128);
        Self { planes: [Plane::new(width, height, 16), chroma.clone(), chroma] }
    }

    /// Width in luma pixels.
    pub(crate) fn width(&self) -> usize {
        self.planes[0].width
    }

    /// Height in luma pixels.
    pub(crate) fn height(&self) -> usize {
        self.planes[0].height
    }

    /// Paints the first rows, each in one colour.
    pub(crate) fn fill_rows(&mut self, colors: &[Color]) {
        for (y, color) in colors.iter().enumerate().take(self.height()) {
            let [luma, u, v] = color.bytes();
            self.planes[0].row(y).fill(luma);
            if y % 2 == 0 {
                self.planes[1].row(y / 2).fill(u);
                self.planes[2].row(y / 2).fill(v);
            }
        }
    }

    /// Stamps a shape with its left edge at `x` and its top edge at `y`. The colour runs from `top` to `bottom`.
    /// The shape moves smoothly along `x`; `y` is rounded to an even number.
    pub(crate) fn stamp(&mut self, stamp: &Stamp, x: f32, y: f32, top: Color, bottom: Color, opacity: f32) {
        let opacity = (opacity.clamp(0.0, 1.0) * 256.0) as u16;
        if opacity == 0 {
            return;
        }
        let y = (y / 2.0).floor() as i64 * 2;
        for (index, plane) in self.planes.iter_mut().enumerate() {
            let (map, scale) = if index == 0 { (&stamp.maps[0], 1) } else { (&stamp.maps[1], 2) };
            let left = x / scale as f32;
            let (column, fraction) = (left.floor() as i64, left - left.floor());
            let fraction = (fraction * 128.0) as u16;
            // One pixel wider than the map: a shape between two pixels touches both.
            let first = (-column).clamp(0, map.width as i64 + 1) as usize;
            let last = (plane.width as i64 - column).clamp(0, map.width as i64 + 1) as usize;
            for map_row in 0..map.height {
                let Ok(plane_row) = usize::try_from(y / scale + map_row as i64) else {
                    continue;
                };
                if plane_row >= plane.height {
                    break;
                }
                let color = top.mix(bottom, map_row as f32 / map.height as f32).bytes()[index];
                let coverage = &map.rows[map_row * (map.width + 2)..(map_row + 1) * (map.width + 2)];
                let (first, last) = (first.max(map.used[map_row].start), last.min(map.used[map_row].end));
                if first < last {
                    let start = (column + first as i64) as usize;
                    let target = &mut plane.row(plane_row)[start..start + last - first];
                    blend_row(target, &coverage[first..=last], fraction, opacity, color);
                }
            }
        }
    }

    /// Paints a small shape that differs from frame to frame. `coverage` gets the middle of a pixel and the size of
    /// that pixel (2 on the chroma planes), and gives 0 to 1.
    pub(crate) fn shade(
        &mut self,
        bounds: Bounds,
        color: Color,
        opacity: f32,
        coverage: impl Fn(f32, f32, f32) -> f32,
    ) {
        let color = color.bytes();
        for (index, plane) in self.planes.iter_mut().enumerate() {
            let scale = if index == 0 { 1.0 } else { 2.0 };
            let columns = span(bounds.left / scale, bounds.right / scale, plane.width);
            for y in span(bounds.top / scale, bounds.bottom / scale, plane.height) {
                let row = plane.row(y);
                for x in columns.clone() {
                    let value = coverage((x as f32 + 0.5) * scale, (y as f32 + 0.5) * scale, scale);
                    let share = (value.clamp(0.0, 1.0) * opacity * 256.0) as i32;
                    mix_into(&mut row[x], color[index], share);
                }
            }
        }
    }

    /// Paints a rectangle whose edges may lie between pixels.
    pub(crate) fn block(&mut self, bounds: Bounds, color: Color, opacity: f32) {
        let color = color.bytes();
        for (index, plane) in self.planes.iter_mut().enumerate() {
            let scale = if index == 0 { 1.0 } else { 2.0 };
            let (left, right) = (bounds.left / scale, bounds.right / scale);
            let (top, bottom) = (bounds.top / scale, bounds.bottom / scale);
            let columns = span(left, right, plane.width);
            for y in span(top, bottom, plane.height) {
                let down = covered(top, bottom, y) * opacity * 256.0;
                let row = &mut plane.row(y)[columns.clone()];
                let Some(last) = row.len().checked_sub(1) else {
                    break;
                };
                for (x, pixel) in row.iter_mut().enumerate() {
                    // Only the outer pixels can be covered in part.
                    let across =
                        if x == 0 || x == last { covered(left, right, columns.start + x) } else { 1.0 };
                    mix_into(pixel, color[index], (down * across) as i32);
                }
            }
        }
    }

    /// Paints a bar of light on water: a lens with a point at both ends, of half the width and half the height given.
    pub(crate) fn lens(&mut self, (x, y): (f32, f32), (half, thick): (f32, f32), color: Color, opacity: f32) {
        let bounds = Bounds { left: x - half, top: y - thick, right: x + half, bottom: y + thick };
        self.shade(bounds, color, opacity, |px, py, pixel| {
            let along = ((px - x) / half).abs().min(1.0);
            ((thick * (1.0 - along * along) - (py - y).abs()) / pixel + 0.5).clamp(0.0, 1.0)
        });
    }

    /// Paints a round spot: full within the radius less half of `soft`, nothing past the radius plus half of it.
    pub(crate) fn spot(&mut self, x: f32, y: f32, radius: f32, soft: f32, color: Color, opacity: f32) {
        self.shade(Bounds::around(x, y, radius + soft + 2.0), color, opacity, |px, py, pixel| {
            let edge = soft.max(pixel);
            let distance = ((px - x) * (px - x) + (py - y) * (py - y)).sqrt();
            (radius - distance) / edge + 0.5
        });
    }
}

/// The pixels that an interval touches, within the plane.
fn span(from: f32, to: f32, limit: usize) -> Range<usize> {
    // The cast turns what is below 0 into 0.
    (from.floor() as usize).min(limit)..(to.ceil() as usize).min(limit)
}

/// How much of a pixel lies within an interval.
fn covered(from: f32, to: f32, pixel: usize) -> f32 {
    (to.min(pixel as f32 + 1.0) - from.max(pixel as f32)).max(0.0)
}

/// Blends one value into a pixel; the share is of 256.
pub(crate) fn mix_into(pixel: &mut u8, value: u8, share: i32) {
    let old = i32::from(*pixel);
    *pixel = (old + (((i32::from(value) - old) * share + 128) >> 8)) as u8;
}

/// Blends one value into a row. `coverage` has one more value than `target`: each pixel takes a share of the one
/// before it, `fraction` of 128. `opacity` is of 256.
fn blend_row(target: &mut [u8], coverage: &[u8], fraction: u16, opacity: u16, value: u8) {
    let value = u16::from(value);
    for (pixel, pair) in target.iter_mut().zip(coverage.windows(2)) {
        let share = (u16::from(pair[1]) * (128 - fraction) + u16::from(pair[0]) * fraction) >> 7;
        let share = share + (share >> 7);
        let share = ((u32::from(share) * u32::from(opacity)) >> 8) as u16;
        *pixel = ((u16::from(*pixel) * (256 - share) + value * share + 128) >> 8) as u8;
    }
}
