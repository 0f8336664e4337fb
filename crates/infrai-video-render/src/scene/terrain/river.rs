//! A river that winds from the far hills to the viewer.

use crate::color::{Color, rgb};
use crate::frame::{Frame, mix_into};
use crate::rng::{Rng, smooth, wave};
use crate::scene::layout::{Layout, Moment};
use crate::scene::palette::Palette;
use crate::scene::theme::{Terrain, Theme};

/// A river, as the place of its two banks in each row.
#[derive(Debug)]
pub(crate) struct River {
    layout: Layout,
    terrain: Terrain,
    /// The row at which it comes into sight.
    source: f32,
    /// The middle and half of the width in each row of the frame, in pixels.
    course: Vec<(f32, f32)>,
    ripples: Vec<Ripple>,
    aurora: bool,
}

/// A bar of light that drifts downstream.
#[derive(Debug)]
struct Ripple {
    /// From the left bank, -1, to the right one, 1.
    across: f32,
    along: f32,
    length: f32,
    phase: f32,
}

impl River {
    /// A river whose far end lies in the row `source`.
    pub(crate) fn new(theme: &Theme, layout: Layout, source: f32, rng: &mut Rng) -> Self {
        let Layout { width, height, .. } = layout;
        let side = if rng.happens(0.5) { 1.0 } else { -1.0 };
        let (middle, phase) = (rng.range(0.46, 0.54), rng.range(-0.04, 0.04));
        let course = (0..height as usize).map(|y| {
            let down = ((y as f32 + 0.5 - source) / (height - source)).max(0.0);
            // Bends are narrow and near each other in the distance.
            let bend = side * wave(phase + 0.62 / (down + 0.3)) * (0.035 + 0.16 * down);
            (width * (middle + bend), width * (0.008 + 0.19 * down * down.sqrt()))
        });
        let ripples = (0..46).map(|_| Ripple {
            across: rng.range(-0.9, 0.9),
            along: rng.unit(),
            length: rng.range(0.12, 0.34),
            phase: rng.unit(),
        });
        Self {
            layout,
            terrain: theme.terrain,
            source,
            course: course.collect(),
            ripples: ripples.collect(),
            aurora: theme.aurora,
        }
    }

    /// Lowers a ridge to the water where the river passes the row `bank`. It rises over so many pixels: `slope`.
    pub(crate) fn carve(&self, heights: &mut [f32], bank: f32, slope: f32) {
        let row = (bank.max(0.0) as usize).min(self.course.len() - 1);
        let (middle, half) = self.course[row];
        let margin = 0.3 * half + 16.0 * self.layout.unit;
        for (x, height) in heights.iter_mut().enumerate() {
            let out = (x as f32 - middle).abs();
            if out < half + margin {
                *height = height.max(bank);
            } else {
                let ground = height.max(bank - 3.0 * self.layout.unit);
                let share = smooth(half + margin, half + margin + slope, out);
                *height = ground + (*height - ground) * share;
            }
        }
    }

    /// Paints the river below the row `from`.
    pub(crate) fn paint(&self, frame: &mut Frame, palette: &Palette, moment: Moment, from: f32) {
        let first = from.max(self.source);
        let water = |y: f32| {
            let down = ((y - self.source) / (self.layout.height - self.source)).clamp(0.0, 1.0);
            let sky = palette.sky_at(1.0 - 0.34 * down);
            let glow = if self.aurora { rgb(80, 214, 150) } else { sky };
            sky.mix(glow, 0.24).mix(palette.ground(Terrain::Ocean, 0.8, 0.0), 0.2 + 0.1 * down)
        };
        let bank = palette.ground(self.terrain, 1.0, 0.0).mix(rgb(24, 26, 22), 0.3);
        let unit = self.layout.unit;
        for y in first as usize..frame.height() {
            let (middle, half) = self.course[y];
            let edge = 0.05 * half + 1.2 * unit;
            self.paint_row(frame, y, (middle, half + edge), bank);
            self.paint_row(frame, y, (middle, half), water(y as f32));
        }
        self.paint_ripples(frame, palette, moment, first);
    }

    /// One row of pixels between two banks.
    fn paint_row(&self, frame: &mut Frame, y: usize, (middle, half): (f32, f32), color: Color) {
        let color = color.bytes();
        let rows = if y.is_multiple_of(2) { 3 } else { 1 };
        for (index, plane) in frame.planes.iter_mut().enumerate().take(rows) {
            let scale = if index == 0 { 1 } else { 2 };
            let place = |x: f32| (x / scale as f32).clamp(0.0, plane.width as f32);
            let (left, right) = (place(middle - half), place(middle + half));
            let (start, end) = (left.ceil() as usize, right as usize);
            let row = plane.row(y / scale);
            if start <= end {
                row[start..end].fill(color[index]);
                if start > 0 {
                    mix_into(&mut row[start - 1], color[index], (256.0 * (start as f32 - left)) as i32);
                }
                if end < row.len() {
                    mix_into(&mut row[end], color[index], (256.0 * (right - end as f32)) as i32);
                }
            }
        }
    }

    fn paint_ripples(&self, frame: &mut Frame, palette: &Palette, moment: Moment, first: f32) {
        let Layout { height, unit, .. } = self.layout;
        let light = palette.sky_at(0.9).mix(palette.glow, 0.4).mix(rgb(255, 255, 255), 0.25);
        for ripple in &self.ripples {
            let along = (ripple.along + 0.045 * moment.seconds).fract();
            let down = along * along.sqrt();
            let y = self.source + (height - self.source) * down;
            let Some((middle, half)) = self.course.get(y as usize).filter(|_| y >= first) else { continue };
            let reach = half * ripple.length * (0.8 + 0.2 * wave(0.4 * moment.seconds + ripple.phase));
            let x = middle + (half - reach) * ripple.across;
            let thick = unit * (0.6 + 2.2 * down);
            let shown = smooth(0.0, 0.12, along) * smooth(1.0, 0.9, along);
            let opacity = shown * (0.5 + 0.2 * wave(0.3 * moment.seconds + 2.0 * ripple.phase));
            frame.lens((x, y), (reach, thick), light, opacity);
        }
    }
}
