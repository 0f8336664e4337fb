//! The outline of a hill range or a skyline, which is painted from its ridge down and scrolls smoothly.

use std::ops::Range;

use crate::color::Color;
use crate::frame::{Frame, Plane};

/// Columns that are looked at together: a row that is wholly above or below the ridge there needs no blending.
const CHUNK: usize = 64;

/// Full coverage. Small enough that all sums fit into 16 bits, which lets the compiler work on many pixels at once.
const FULL: u16 = 128;

/// How sharply an edge is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Slopes are smoothed along their length: hills.
    Sloped,
    /// Steps stay steps: houses.
    Stepped,
}

/// An outline that is wider than the frame, so that it can scroll.
#[derive(Debug, Clone)]
pub(crate) struct Silhouette {
    /// For luma, and for the chroma planes.
    profiles: [Profile; 2],
    /// The ridge, in pixels from the top of the frame.
    heights: Vec<f32>,
}

/// The coverage of row `y` in a column is `(y + 1 - start) * gain - bias`, cut to 0 and [`FULL`].
#[derive(Debug, Clone)]
struct Profile {
    starts: Vec<u16>,
    gains: Vec<u16>,
    biases: Vec<u16>,
    /// For each chunk: the first row that is touched, and the first that is covered from end to end.
    touched: Vec<(u16, u16)>,
}

impl Silhouette {
    /// An outline from the height of its ridge in each column, in pixels from the top.
    pub(crate) fn new(heights: Vec<f32>, edge: Edge) -> Self {
        let half: Vec<f32> =
            heights.chunks(2).map(|pair| pair.iter().sum::<f32>() / pair.len() as f32 / 2.0).collect();
        Self { profiles: [Profile::new(&heights, edge), Profile::new(&half, edge)], heights }
    }

    /// The ridge in a column, in pixels from the top.
    pub(crate) fn height_at(&self, column: f32) -> f32 {
        let last = self.heights.len() - 1;
        let left = (column.max(0.0) as usize).min(last);
        let right = (left + 1).min(last);
        let share = (column - left as f32).clamp(0.0, 1.0);
        self.heights[left] + (self.heights[right] - self.heights[left]) * share
    }

    /// The first row that is touched in any column.
    pub(crate) fn top(&self) -> usize {
        self.profiles[0].touched.iter().map(|rows| usize::from(rows.0)).min().unwrap_or(0)
    }

    /// The first row that is covered in all columns, so that nothing behind it shows.
    pub(crate) fn solid_from(&self) -> usize {
        let luma = self.profiles[0].touched.iter().map(|rows| usize::from(rows.1)).max().unwrap_or(0);
        let chroma = self.profiles[1].touched.iter().map(|rows| usize::from(rows.1)).max().unwrap_or(0);
        luma.max(2 * chroma)
    }

    /// Paints the outline, scrolled by `offset` pixels, down to the row `end`. Row `y` has the colour `colors[y]`.
    pub(crate) fn paint(&self, frame: &mut Frame, offset: f32, end: usize, colors: &[Color]) {
        for (index, plane) in frame.planes.iter_mut().enumerate() {
            let (profile, scale) = if index == 0 { (&self.profiles[0], 1) } else { (&self.profiles[1], 2) };
            let rows = self.top() / scale..end.div_ceil(scale).min(plane.height);
            let values: Vec<u8> = colors.iter().step_by(scale).map(|color| color.bytes()[index]).collect();
            profile.paint(plane, offset / scale as f32, rows, &values);
        }
    }
}

impl Profile {
    fn new(heights: &[f32], edge: Edge) -> Self {
        let count = heights.len();
        let mut profile = Self {
            starts: Vec::with_capacity(count),
            gains: Vec::with_capacity(count),
            biases: Vec::with_capacity(count),
            touched: Vec::new(),
        };
        let mut rows = Vec::with_capacity(count);
        for (column, &height) in heights.iter().enumerate() {
            let height = height.clamp(16.0, 16_000.0);
            let before = heights[column.saturating_sub(1)];
            let after = heights[(column + 1).min(count - 1)];
            let steepness = match edge {
                Edge::Sloped => ((after - before).abs() / 2.0).clamp(1.0, 12.0),
                Edge::Stepped => 1.0,
            };
            let gain = (f32::from(FULL) / steepness).floor();
            let start = (height - steepness / 2.0 - 0.5).floor() + 1.0;
            let bias = (gain * (0.5 - start - steepness / 2.0 + height)).max(0.0).floor();
            profile.starts.push(start as u16);
            profile.gains.push(gain as u16);
            profile.biases.push(bias as u16);
            let full = start + ((f32::from(FULL) + bias) / gain).ceil() - 1.0;
            rows.push((start as u16, full as u16));
        }
        for chunk in 0..count.div_ceil(CHUNK) {
            // One column more: a pixel between two columns takes a share of both.
            let columns = &rows[chunk * CHUNK..((chunk + 1) * CHUNK + 1).min(count)];
            let first = columns.iter().map(|rows| rows.0).min().unwrap_or(0);
            let full = columns.iter().map(|rows| rows.1).max().unwrap_or(0);
            profile.touched.push((first, full));
        }
        profile
    }

    fn paint(&self, plane: &mut Plane, offset: f32, rows: Range<usize>, values: &[u8]) {
        let last = self.starts.len().saturating_sub(plane.width + 1);
        let column = (offset.max(0.0) as usize).min(last);
        let fraction = ((offset - column as f32).clamp(0.0, 1.0) * f32::from(FULL)) as u16;
        for y in rows {
            let row = plane.row(y);
            let width = row.len();
            let mut x = 0;
            while x < width {
                let chunk = (column + x) / CHUNK;
                let end = ((chunk + 1) * CHUNK - column).min(width);
                let (first, full) = self.touched[chunk];
                if y >= usize::from(full) {
                    row[x..end].fill(values[y]);
                } else if y >= usize::from(first) {
                    self.blend(&mut row[x..end], column + x, fraction, y as u16, values[y]);
                }
                x = end;
            }
        }
    }

    /// Blends one value into part of a row, whose first pixel lies over `column`.
    fn blend(&self, target: &mut [u8], column: usize, fraction: u16, y: u16, value: u8) {
        let count = target.len();
        let value = u16::from(value);
        let mut cover = [0_u16; CHUNK + 1];
        let columns = column..(column + count + 1).min(self.starts.len());
        let (starts, gains) = (&self.starts[columns.clone()], &self.gains[columns.clone()]);
        for (((cover, start), gain), bias) in
            cover.iter_mut().zip(starts).zip(gains).zip(&self.biases[columns])
        {
            let depth = (y + 1).saturating_sub(*start).min(127);
            *cover = (depth * gain).saturating_sub(*bias).min(FULL);
        }
        for (pixel, pair) in target.iter_mut().zip(cover.windows(2)) {
            let share = (pair[0] * (FULL - fraction) + pair[1] * fraction) >> 7;
            *pixel = ((u16::from(*pixel) * (FULL - share) + value * share + FULL / 2) >> 7) as u8;
        }
    }
}
