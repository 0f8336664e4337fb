//! What floats through the air: snow, rain, petals, leaves, fireflies, lanterns.

use super::layout::{Layout, Moment};
use super::palette::Palette;
use super::theme::{Air, Theme};
use crate::color::{Color, rgb};
use crate::frame::{Bounds, Frame};
use crate::rng::{Rng, smooth, wave};

/// Everything that floats.
#[derive(Debug)]
pub(crate) struct Weather {
    layout: Layout,
    air: Air,
    flakes: Vec<Flake>,
}

/// One thing in the air. What its fields mean in detail is up to the kind of weather.
#[derive(Debug)]
struct Flake {
    x: f32,
    y: f32,
    /// From 0, far, to 1, near.
    near: f32,
    phase: f32,
    color: Color,
}

impl Weather {
    /// Scatters what the theme asks for.
    pub(crate) fn new(theme: &Theme, layout: Layout, rng: &mut Rng) -> Self {
        let (count, colors): (f32, &[Color]) = match theme.air {
            Air::Clear => (0.0, &[]),
            Air::Snowfall => (130.0, &[rgb(255, 255, 255), rgb(232, 240, 252)]),
            Air::Rain => (150.0, &[rgb(214, 226, 240)]),
            Air::Petals => (46.0, &[rgb(255, 196, 214), rgb(250, 164, 192), rgb(255, 224, 232)]),
            Air::Leaves => (34.0, &[rgb(226, 122, 44), rgb(196, 70, 40), rgb(236, 178, 62)]),
            Air::Fireflies => (38.0, &[rgb(255, 236, 130), rgb(214, 255, 150)]),
            Air::Lanterns => (22.0, &[rgb(255, 176, 84), rgb(255, 142, 74), rgb(255, 204, 112)]),
        };
        // Larger areas hold more, but not so much more that a tall frame looks crowded.
        let area = layout.width * layout.height / (1280.0 * 720.0 * layout.unit * layout.unit);
        let flakes = (0..(count * area.sqrt()) as usize)
            .map(|_| Flake {
                x: rng.unit(),
                y: rng.unit(),
                near: rng.unit(),
                phase: rng.unit(),
                color: rng.pick(colors),
            })
            .collect();
        Self { layout, air: theme.air, flakes }
    }

    /// Paints everything in the air.
    pub(crate) fn paint(&self, frame: &mut Frame, palette: &Palette, moment: Moment) {
        for flake in &self.flakes {
            match self.air {
                Air::Clear => {}
                Air::Snowfall => self.paint_snow(flake, frame, moment.seconds),
                Air::Rain => self.paint_rain(flake, frame, moment.seconds),
                Air::Petals | Air::Leaves => self.paint_leaf(flake, frame, moment.seconds),
                Air::Fireflies => self.paint_firefly(flake, frame, palette, moment.seconds),
                Air::Lanterns => self.paint_lantern(flake, frame, moment.seconds),
            }
        }
    }

    /// A place that moves by `(dx, dy)` and comes back on the other side of the frame.
    fn place(&self, flake: &Flake, dx: f32, dy: f32) -> (f32, f32) {
        let margin = 40.0 * self.layout.unit;
        let (width, height) = (self.layout.width + 2.0 * margin, self.layout.height + 2.0 * margin);
        let x = (flake.x * width + dx).rem_euclid(width) - margin;
        let y = (flake.y * height + dy).rem_euclid(height) - margin;
        (x, y)
    }

    fn paint_snow(&self, flake: &Flake, frame: &mut Frame, seconds: f32) {
        let unit = self.layout.unit;
        let sway = 14.0 * unit * wave(0.22 * seconds + flake.phase);
        let (x, y) =
            self.place(flake, sway + 8.0 * unit * seconds, unit * (34.0 + 58.0 * flake.near) * seconds);
        let radius = unit * (1.2 + 2.6 * flake.near);
        frame.spot(x, y, radius, radius, flake.color, 0.55 + 0.35 * flake.near);
    }

    fn paint_rain(&self, flake: &Flake, frame: &mut Frame, seconds: f32) {
        let unit = self.layout.unit;
        let fall = unit * (520.0 + 320.0 * flake.near) * seconds;
        let (x, y) = self.place(flake, -0.16 * fall, fall);
        let length = unit * (16.0 + 18.0 * flake.near);
        let bounds = Bounds { left: x - 0.16 * length - 2.0, top: y, right: x + 2.0, bottom: y + length };
        frame.shade(bounds, flake.color, 0.2 + 0.22 * flake.near, |px, py, pixel| {
            let off = (px - x + 0.16 * (py - y)).abs();
            (0.7 * unit / pixel - off / pixel + 0.5).clamp(0.0, 1.0)
        });
    }

    fn paint_leaf(&self, flake: &Flake, frame: &mut Frame, seconds: f32) {
        let unit = self.layout.unit;
        let pace = 0.6 + 0.4 * flake.near;
        let sway = 30.0 * unit * wave(0.17 * seconds + flake.phase);
        let (x, y) = self.place(flake, sway + 46.0 * unit * pace * seconds, 36.0 * unit * pace * seconds);
        let size = unit * (4.0 + 5.0 * flake.near);
        // It turns over while it spins.
        let turn = 0.24 * seconds * pace + flake.phase;
        let (sine, cosine) = (wave(turn), wave(turn + 0.25));
        let narrow = 0.3 + 0.25 * wave(0.4 * seconds + 2.0 * flake.phase).abs();
        frame.shade(Bounds::around(x, y, size + 2.0), flake.color, 0.9, |px, py, pixel| {
            let along = ((px - x) * cosine + (py - y) * sine) / size;
            let across = ((py - y) * cosine - (px - x) * sine) / size;
            let edge = narrow * (1.0 - along * along).max(0.0) - across.abs();
            (edge * size / pixel + 0.5).clamp(0.0, 1.0)
        });
    }

    fn paint_firefly(&self, flake: &Flake, frame: &mut Frame, palette: &Palette, seconds: f32) {
        let unit = self.layout.unit;
        let x = flake.x * self.layout.width + 34.0 * unit * wave(0.09 * seconds + flake.phase);
        let low = self.layout.horizon * 0.85;
        let y = low
            + (self.layout.height - low) * 0.8 * flake.y
            + 20.0 * unit * wave(0.13 * seconds + 3.0 * flake.phase);
        let pulse = smooth(-0.2, 0.9, wave(0.35 * seconds + 5.0 * flake.phase)) * (0.3 + 0.7 * palette.lamps);
        let radius = unit * (1.4 + 1.4 * flake.near);
        frame.spot(x, y, 2.6 * radius, 5.0 * radius, flake.color, 0.32 * pulse);
        frame.spot(x, y, radius, radius, rgb(255, 250, 210), 0.95 * pulse);
    }

    fn paint_lantern(&self, flake: &Flake, frame: &mut Frame, seconds: f32) {
        let unit = self.layout.unit;
        let rise = -unit * (10.0 + 20.0 * flake.near) * seconds;
        let (x, y) = self.place(flake, 14.0 * unit * wave(0.08 * seconds + flake.phase), rise);
        let size = unit * (7.0 + 15.0 * flake.near);
        let flicker = 0.85 + 0.15 * wave(0.7 * seconds + flake.phase);
        frame.spot(x, y, size, 2.4 * size, flake.color, 0.34 * flicker);
        let light = flake.color.mix(rgb(255, 244, 204), 0.55 * flicker);
        frame.shade(Bounds::around(x, y, size), light, 0.95, |px, py, pixel| {
            // A paper bag: round above, narrow below.
            let down = (py - y) / size;
            let half = 0.58 - 0.2 * down - 0.9 * (-0.45 - down).max(0.0);
            let edge = (half - ((px - x) / size).abs()).min(0.75 - down.abs());
            (edge * size / pixel + 0.5).clamp(0.0, 1.0)
        });
    }
}
