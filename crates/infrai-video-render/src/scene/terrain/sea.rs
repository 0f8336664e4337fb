//! What lies on the water: the light of the sun or moon, and a boat.

use crate::color::rgb;
use crate::frame::{Bounds, Frame};
use crate::rng::wave;
use crate::scene::layout::{Layout, Moment};
use crate::scene::palette::Palette;
use crate::scene::theme::Terrain;

/// Bars of light on the water below the sun or moon, from the given place.
pub(crate) fn paint_glitter(
    frame: &mut Frame,
    layout: Layout,
    palette: &Palette,
    moment: Moment,
    (light, top): (f32, f32),
) {
    let Layout { height, unit, .. } = layout;
    let rows = 16;
    for row in 0..rows {
        let down = (row as f32 + 0.6) / rows as f32;
        let y = top + 0.17 * height * down * (0.4 + 0.6 * down);
        let swing = wave(0.31 * moment.seconds + 0.37 * row as f32);
        let half =
            unit * (10.0 + 58.0 * down) * (0.75 + 0.25 * wave(0.43 * moment.seconds + 0.61 * row as f32));
        let x = light + unit * 9.0 * swing;
        let thick = unit * (1.2 + 2.0 * down);
        frame.lens((x, y), (half, thick), palette.disc, 0.55 + 0.2 * swing);
    }
}

/// A small sailing boat that rides on a wave.
#[derive(Debug)]
pub(crate) struct Boat {
    pub(crate) layout: Layout,
    /// Where it sails at first, in parts of the width.
    pub(crate) start: f32,
}

impl Boat {
    /// Paints the boat on a wave whose `ridge` is given for each column.
    pub(crate) fn paint(
        &self,
        frame: &mut Frame,
        palette: &Palette,
        moment: Moment,
        ridge: impl Fn(f32) -> f32,
    ) {
        let Layout { width, unit, .. } = self.layout;
        let size = 74.0 * unit;
        let x = width * self.start + 11.0 * unit * moment.seconds;
        let ridge = (-2..=2).map(|step| ridge(x + step as f32 * 0.25 * size));
        let y = ridge.sum::<f32>() / 5.0 - 0.02 * size;
        let tilt = 0.05 * wave(0.23 * moment.seconds);
        let sail = palette.disc.mix(palette.haze(), 0.15);
        let hull = palette.ground(Terrain::Ocean, 1.0, 0.0).mix(rgb(120, 52, 40), 0.45);
        frame.shade(Bounds::around(x, y - 0.5 * size, 0.75 * size), sail, 1.0, |px, py, pixel| {
            let up = (y - 0.16 * size - py) / size;
            let across = (px - x) / size + tilt * up;
            let main = (0.34 * (1.0 - up / 0.92) - across).min(across - 0.015).min(up);
            let fore = (0.24 * (1.0 - up / 0.74) + across).min(-0.015 - across).min(up - 0.02);
            (main.max(fore) * size / pixel + 0.5).clamp(0.0, 1.0)
        });
        frame.shade(Bounds::around(x, y, 0.6 * size), hull, 1.0, |px, py, pixel| {
            let down = (py - y + 0.13 * size) / size;
            let half = 0.44 - 0.6 * down.max(0.0);
            let across = (px - x).abs() / size;
            ((half - across).min(down).min(0.24 - down) * size / pixel + 0.5).clamp(0.0, 1.0)
        });
    }
}
