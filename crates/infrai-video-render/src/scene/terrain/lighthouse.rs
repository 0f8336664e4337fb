//! A lighthouse on its rocks, with a turning beam and spray at its foot.

use super::silhouette::{Edge, Silhouette};
use crate::color::{Color, rgb};
use crate::frame::{Bounds, Frame};
use crate::rng::{Noise, Rng, smooth, wave};
use crate::scene::layout::{Layout, Moment};
use crate::scene::palette::Palette;
use crate::scene::theme::{Terrain, Theme};

/// Seconds of a full turn of the lamp. Two beams leave it on opposite sides.
const TURN: f32 = 8.0;

/// The tower, in parts of its height: half of its width at the foot and at the gallery.
const FOOT: f32 = 0.125;
const NECK: f32 = 0.078;

/// The red bands, in parts of the height from the foot.
const BANDS: [(f32, f32); 3] = [(0.14, 0.3), (0.46, 0.62), (0.78, 0.93)];

/// A lighthouse and the rocks that it stands on.
#[derive(Debug)]
pub(crate) struct Lighthouse {
    layout: Layout,
    rocks: [Silhouette; 2],
    /// The middle of the foot, and the height up to the gallery, in pixels.
    x: f32,
    y: f32,
    size: f32,
    /// Where the lamp points at first, in turns.
    phase: f32,
    storm: f32,
    drops: Vec<Drop>,
}

/// A drop of the spray.
#[derive(Debug)]
struct Drop {
    x: f32,
    rise: f32,
    drift: f32,
    phase: f32,
    radius: f32,
}

impl Lighthouse {
    /// Builds it on the right, where no boat sails.
    pub(crate) fn new(theme: &Theme, layout: Layout, rng: &mut Rng) -> Self {
        let Layout { width, height, unit, horizon } = layout;
        let size = 232.0 * unit * (height / (720.0 * unit)).min(1.35);
        let x = width * rng.range(0.66, 0.76);
        let y = horizon + 0.03 * height;
        let sea = horizon + 0.2 * height;
        let rocks = [(0.0, 1.0), (26.0 * unit, 0.72)].map(|(lower, share)| {
            let noise = Noise::new(rng);
            let heights = (0..width as usize + 4).map(|column| {
                let out = (column as f32 - x) / size;
                // Steep towards the sea, and a long reef to the right.
                let reach = if out < 0.0 { 0.85 } else { 1.7 };
                let slope = 1.0 - smooth(0.2 * share, reach * share.sqrt(), out.abs());
                let rough = 0.13
                    * size
                    * noise.fractal(column as f32 / (34.0 * unit), 4)
                    * smooth(0.14, 0.3, out.abs());
                sea - (sea - y - lower) * slope + rough * (0.3 + slope) + 8.0 * unit * (1.0 - slope)
            });
            Silhouette::new(heights.collect(), Edge::Sloped)
        });
        let count = if theme.storm > 0.0 { 44 } else { 10 };
        let drops = (0..count).map(|_| Drop {
            x: x - size * rng.range(0.35, 0.8),
            rise: size * rng.range(0.15, 0.42) * (0.5 + 0.5 * theme.storm),
            drift: size * rng.range(-0.05, 0.28),
            phase: rng.unit() * 0.35 + 0.5 * rng.pick(&[0.0, 1.0]),
            radius: unit * rng.range(1.0, 2.8),
        });
        let drops = drops.collect();
        Self { layout, rocks, x, y, size, phase: rng.unit(), storm: theme.storm, drops }
    }

    /// Paints the lighthouse down to the row `end`.
    pub(crate) fn paint(&self, frame: &mut Frame, palette: &Palette, moment: Moment, end: usize) {
        let dark = palette.lamps.max(0.25);
        let turn = moment.seconds / TURN + self.phase;
        for side in [0.0, 0.5] {
            self.paint_beam(frame, turn + side, dark);
        }
        let rock = palette.ground(Terrain::Mountains, 0.75, 0.0).mix(rgb(30, 32, 40), 0.4);
        let [far, near] = [0.0, 0.28].map(|share| rock.mix(rgb(12, 14, 22), share));
        self.paint_rock(frame, 0, end, far);
        self.paint_tower(frame, palette);
        self.paint_lamp(frame, palette, turn, dark);
        self.paint_rock(frame, 1, end, near);
        self.paint_spray(frame, palette, moment.seconds);
    }

    fn paint_rock(&self, frame: &mut Frame, index: usize, end: usize, color: Color) {
        let colors = vec![color; frame.height()];
        self.rocks[index].paint(frame, 0.0, end, &colors);
    }

    /// The middle of the lamp.
    fn lamp(&self) -> (f32, f32) {
        (self.x, self.y - 1.09 * self.size)
    }

    /// One beam, seen from the side: short while it points to the viewer or away.
    fn paint_beam(&self, frame: &mut Frame, turn: f32, dark: f32) {
        let (x, y) = self.lamp();
        let reach = 4.2 * self.size;
        let (across, towards) = (wave(turn + 0.25), wave(turn));
        let length = reach * across.abs();
        if length < 0.1 * self.size {
            return;
        }
        let wide = 0.062 * reach * (1.0 + 0.35 * towards);
        let root = 0.035 * self.size;
        let (left, right) = if across < 0.0 { (x - length, x) } else { (x, x + length) };
        let bounds = Bounds { left, top: y - wide - root, right, bottom: y + wide + root };
        let strength = dark * (0.5 + 0.16 * towards);
        frame.shade(bounds, rgb(255, 240, 196), strength, |px, py, pixel| {
            let along = (px - x).abs() / length;
            let half = root + wide * along;
            // Brighter in its middle, and without a hard edge.
            let edge = ((half - (py - y).abs()) / (0.5 * half + pixel)).clamp(0.0, 1.0);
            let fade = 1.0 - along;
            edge * fade * (0.35 + 0.65 * fade)
        });
    }

    fn paint_tower(&self, frame: &mut Frame, palette: &Palette) {
        let (x, y, size) = (self.x, self.y + 0.05 * self.size, self.size);
        let half = |up: f32| size * (FOOT + (NECK - FOOT) * up * (1.6 - 0.6 * up));
        let bounds = Bounds { left: x - half(0.0), top: y - 1.05 * size, right: x + half(0.0), bottom: y };
        let wall = palette.lit(rgb(240, 238, 230));
        let inside = |px: f32, py: f32, pixel: f32| {
            let up = (y - py) / (1.05 * size);
            ((half(up) - (px - x).abs()) / pixel + 0.5).clamp(0.0, 1.0)
        };
        frame.shade(bounds, wall, 1.0, inside);
        for (low, high) in BANDS {
            let (low, high) = (y - low * size, y - high * size);
            let bounds = Bounds { top: high - 0.02 * size, bottom: low + 0.02 * size, ..bounds };
            frame.shade(bounds, palette.lit(rgb(196, 52, 44)), 1.0, |px, py, pixel| {
                // A band goes around the tower: its ends are higher than its middle.
                let out = (px - x) / half(0.5);
                let bent = py + 0.014 * size * out * out;
                inside(px, py, pixel) * ((low - bent).min(bent - high) / pixel + 0.5).clamp(0.0, 1.0)
            });
        }
        for (up, tall) in [(0.38, 0.05), (0.7, 0.045)] {
            self.paint_window(frame, palette, (x - 0.01 * size, y - up * size), tall * size);
        }
        // The side that is turned away from the light.
        frame.shade(bounds, palette.shadow(), 0.5, |px, py, pixel| {
            inside(px, py, pixel) * smooth(-0.3, 1.1, (px - x) / half((y - py) / size))
        });
        let door =
            Bounds { left: x - 0.034 * size, top: y - 0.13 * size, right: x + 0.034 * size, bottom: y };
        frame.shade(door, palette.lit(rgb(70, 44, 38)), 1.0, |px, py, pixel| {
            let rise = (py - y + 0.096 * size).min(0.0);
            let arch = 0.034 * size - ((px - x) * (px - x) + rise * rise).sqrt();
            (arch / pixel + 0.5).clamp(0.0, 1.0)
        });
    }

    fn paint_window(&self, frame: &mut Frame, palette: &Palette, (x, y): (f32, f32), tall: f32) {
        let light = palette.lit(rgb(60, 66, 84)).mix(rgb(255, 214, 132), palette.lamps);
        let half = 0.3 * tall;
        let bounds = Bounds { left: x - half, top: y - tall, right: x + half, bottom: y };
        frame.block(bounds, light, 1.0);
    }

    /// The gallery, the glass with the lamp, and the roof.
    fn paint_lamp(&self, frame: &mut Frame, palette: &Palette, turn: f32, dark: f32) {
        let (x, y) = self.lamp();
        let size = self.size;
        let iron = palette.lit(rgb(44, 48, 60));
        let bar = |from: f32, to: f32, half: f32| Bounds {
            left: x - half * size,
            top: self.y - to * size,
            right: x + half * size,
            bottom: self.y - from * size,
        };
        let light = rgb(255, 236, 178);
        frame.block(
            bar(1.03, 1.15, 0.058),
            palette.lit(rgb(120, 140, 156)).mix(light, 0.35 + 0.55 * dark),
            1.0,
        );
        // The lamp flares up when it looks at the viewer, with one beam or the other.
        let towards = wave(turn).abs();
        let flare = towards * towards * towards;
        frame.spot(x, y, 0.05 * size, 0.3 * size, light, 0.5 * dark);
        frame.spot(x, y, 0.16 * size * flare, 0.5 * size * flare, light, 0.75 * dark * flare);
        frame.spot(x, y, 0.03 * size, 0.03 * size, rgb(255, 252, 236), 1.0);
        for post in [-0.054, -0.018, 0.018, 0.054] {
            let middle = x + post * size;
            let bounds =
                Bounds { left: middle - 0.005 * size, right: middle + 0.005 * size, ..bar(1.03, 1.15, 0.0) };
            frame.block(bounds, iron, 1.0);
        }
        frame.block(bar(1.0, 1.03, 0.115), iron, 1.0);
        frame.block(bar(1.08, 1.09, 0.115), iron, 0.9);
        for post in [-0.11, -0.083, 0.083, 0.11] {
            let middle = x + post * size;
            let bounds =
                Bounds { left: middle - 0.004 * size, right: middle + 0.004 * size, ..bar(1.03, 1.09, 0.0) };
            frame.block(bounds, iron, 0.9);
        }
        let roof = bar(1.15, 1.25, 0.08);
        frame.shade(roof, palette.lit(rgb(176, 44, 40)), 1.0, |px, py, pixel| {
            let down = (py - roof.top) / (0.1 * size);
            let half = 0.08 * size * down.max(0.0).sqrt();
            ((half - (px - x).abs()) / pixel + 0.5).clamp(0.0, 1.0)
        });
        frame.block(bar(1.24, 1.31, 0.005), iron, 1.0);
    }

    /// Water that breaks on the rocks.
    fn paint_spray(&self, frame: &mut Frame, palette: &Palette, seconds: f32) {
        let foam = palette.lit(rgb(236, 244, 250));
        let sea = self.layout.horizon + 0.19 * self.layout.height;
        for drop in &self.drops {
            let age = (seconds / 2.8 + drop.phase).fract() / 0.45;
            if age < 1.0 {
                let x = drop.x + drop.drift * age;
                let y = sea - drop.rise * 4.0 * age * (1.0 - age) - 0.04 * self.size;
                let opacity = (0.45 + 0.4 * self.storm) * (1.0 - age);
                frame.spot(x, y, drop.radius * (1.0 + age), drop.radius, foam, opacity);
            }
        }
    }
}
