//! Lightning: a flash that lights up the clouds, and its bolt.

use crate::color::rgb;
use crate::frame::{Bounds, Frame};
use crate::rng::Rng;
use crate::scene::layout::Layout;
use crate::spec::FRAMES_PER_SECOND;

/// Seconds from one flash to the next.
const PAUSE: f32 = 3.4;

/// How bright a flash is in each of its frames.
const FLICKER: [f32; 6] = [0.9, 0.35, 0.7, 0.4, 0.2, 0.08];

/// A storm's lightning.
#[derive(Debug)]
pub(crate) struct Lightning {
    unit: f32,
    start: f32,
    /// The bends of each bolt, which take turns.
    bolts: Vec<Vec<(f32, f32)>>,
}

impl Lightning {
    /// Places the bolts between the clouds and the horizon.
    pub(crate) fn new(layout: Layout, rng: &mut Rng) -> Self {
        let bolts = (0..3).map(|_| {
            let mut x = layout.width * rng.range(0.08, 0.52);
            let steps = 9;
            let bends = (0..=steps).map(|step| {
                let down = step as f32 / steps as f32;
                x += layout.unit * rng.range(-26.0, 26.0);
                (x, layout.horizon * (0.2 + 0.8 * down))
            });
            bends.collect()
        });
        let bolts = bolts.collect();
        Self { unit: layout.unit, start: rng.range(0.6, 1.4), bolts }
    }

    /// The number of the flash and its frame.
    fn flash_at(&self, seconds: f32) -> Option<(usize, usize)> {
        let since = seconds - self.start;
        let number = (since / PAUSE).floor();
        let frame = ((since - number * PAUSE) * FRAMES_PER_SECOND as f32) as usize;
        (since >= 0.0 && frame < FLICKER.len()).then_some((number as usize, frame))
    }

    /// How bright the clouds are, from 0 to 1.
    pub(crate) fn strength_at(&self, seconds: f32) -> f32 {
        self.flash_at(seconds).map_or(0.0, |(_, frame)| FLICKER[frame])
    }

    /// Paints the bolt, if there is one at this moment.
    pub(crate) fn paint(&self, frame: &mut Frame, seconds: f32) {
        let Some((number, step)) = self.flash_at(seconds) else { return };
        let bolt = &self.bolts[number % self.bolts.len()];
        for pair in bolt.windows(2) {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
            let (left, right) = (x0.min(x1) - 8.0 * self.unit, x0.max(x1) + 8.0 * self.unit);
            let bounds = Bounds { left, top: y0, right, bottom: y1 };
            frame.shade(bounds, rgb(240, 244, 255), FLICKER[step], |px, py, pixel| {
                let x = x0 + (x1 - x0) * (py - y0) / (y1 - y0);
                let off = (px - x).abs() / self.unit;
                ((2.0 - off) * self.unit / pixel + 0.5).clamp(0.0, 1.0).max(0.4 * (1.0 - off / 7.0))
            });
        }
    }
}
