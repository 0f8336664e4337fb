//! The ground: layers from far to near, which pass at different speeds.

use super::layout::{Layout, Moment, even_speed};
use super::palette::Palette;
use super::shapes::{self, Window};
use super::silhouette::{Edge, Silhouette};
use super::theme::{Terrain, Theme};
use crate::color::{Color, rgb};
use crate::frame::{Bounds, Frame};
use crate::rng::{Rng, smooth, wave};

/// The ground of a scene.
#[derive(Debug)]
pub(crate) struct Landscape {
    layout: Layout,
    terrain: Terrain,
    mist: f32,
    layers: Vec<Layer>,
    /// Where the boat sails at first, in parts of the width.
    boat: f32,
}

#[derive(Debug)]
struct Layer {
    silhouette: Silhouette,
    /// Pixels each second; below 0 the layer moves to the right.
    speed: f32,
    start: f32,
    /// From 0, far, to 1, near.
    depth: f32,
    windows: Vec<Window>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// White above, rock below.
    SnowCapped,
    /// Dark firs, whatever the ground around them.
    Pines,
    /// The sea out to the horizon, with the light of the sky on it.
    Sea,
    /// The wave behind which a boat sails.
    BoatWave,
}

/// How one layer is to be made.
struct Plan {
    depth: f32,
    speed: f32,
    edge: Edge,
    kind: Kind,
}

impl Landscape {
    /// Makes the layers, wide enough for a clip of so many seconds.
    pub(crate) fn new(theme: &Theme, layout: Layout, seconds: f32, rng: &Rng) -> Self {
        let mut landscape = Self {
            layout,
            terrain: theme.terrain,
            mist: theme.mist,
            layers: Vec::new(),
            boat: rng.branch(99).range(0.18, 0.5),
        };
        let count = if theme.terrain == Terrain::City { 4 } else { 5 };
        for index in 0..count {
            let depth = index as f32 / (count - 1) as f32;
            landscape.add(index, depth, seconds, &mut rng.branch(index));
        }
        landscape
    }

    fn add(&mut self, index: u64, depth: f32, seconds: f32, rng: &mut Rng) {
        let Layout { width, height, unit, horizon } = self.layout;
        let mut plan =
            Plan { depth, speed: unit * (3.0 + 24.0 * depth * depth), edge: Edge::Sloped, kind: Kind::Plain };
        if self.terrain == Terrain::Ocean {
            (plan.kind, plan.speed) = match index {
                0 => (Kind::Plain, unit * 2.0),
                1 => (Kind::Sea, 0.0),
                3 => (Kind::BoatWave, unit * -22.0),
                _ => (
                    Kind::Plain,
                    unit * (14.0 + 22.0 * depth) * if index.is_multiple_of(2) { 1.0 } else { -1.0 },
                ),
            };
        }
        plan.speed = even_speed(plan.speed);
        let length = (width + plan.speed.abs() * seconds) as usize + 4;
        // Far layers begin a little above the horizon, near ones end in the lower part of the frame.
        let base = horizon * 0.97 + 0.27 * height * depth;
        let rise = unit.max(0.0012 * height) * (60.0 - 14.0 * depth);
        let stretch = unit * (330.0 + 190.0 * depth);
        let mut windows = Vec::new();
        let heights = match self.terrain {
            Terrain::Meadow => {
                let mut heights = shapes::hills(length, base, rise, stretch, rng);
                if index > 0 {
                    shapes::plant_bushes(&mut heights, unit * (14.0 + 26.0 * depth), 0.5, rng);
                }
                heights
            }
            Terrain::Forest => {
                let mut heights = shapes::hills(length, base, 0.9 * rise, stretch, rng);
                if index > 0 {
                    shapes::plant_firs(&mut heights, unit * (34.0 + 110.0 * depth), 1.0 - 0.3 * depth, rng);
                }
                heights
            }
            Terrain::Mountains if index < 3 => {
                plan.kind = if index < 2 { Kind::SnowCapped } else { Kind::Plain };
                let size = [210.0, 170.0, 110.0][index as usize] * unit;
                shapes::mountains(length, base, size, 0.9 * stretch, rng)
            }
            Terrain::Mountains => {
                let mut heights = shapes::hills(length, base, 0.7 * rise, stretch, rng);
                shapes::plant_firs(&mut heights, unit * (26.0 + 60.0 * depth), 0.8, rng);
                heights
            }
            Terrain::City => {
                plan.edge = Edge::Stepped;
                let tall = unit * (170.0 + 130.0 * depth) + 0.05 * height;
                let (heights, lights) = shapes::skyline(length, base + 0.3 * tall, tall, unit, rng);
                windows = lights;
                heights
            }
            Terrain::Ocean => match index {
                0 => shapes::hills(length, horizon + 2.0 * unit, 46.0 * unit, 0.8 * stretch, rng),
                1 => shapes::flat(length, horizon),
                _ => shapes::waves(
                    length,
                    base,
                    unit * (10.0 + 16.0 * depth),
                    unit * (150.0 + 190.0 * depth),
                    rng,
                ),
            },
            Terrain::Desert => shapes::dunes(length, base, 1.25 * rise, 1.5 * stretch, rng),
            Terrain::Snow if index < 2 => {
                plan.kind = Kind::SnowCapped;
                shapes::mountains(length, base, (190.0 - 50.0 * depth) * unit, stretch, rng)
            }
            Terrain::Snow if index.is_multiple_of(2) => {
                // Firs, and in front of them the snow that they stand in. Both hide the foot of what is behind.
                plan.kind = Kind::Pines;
                let mut heights = shapes::hills(length, base, 0.5 * rise, stretch, rng);
                shapes::plant_firs(&mut heights, unit * (40.0 + 50.0 * depth), 0.5, rng);
                heights
            }
            Terrain::Snow => shapes::hills(length, base - 0.03 * height, 0.7 * rise, stretch, rng),
        };
        self.layers.push(Layer {
            silhouette: Silhouette::new(heights, plan.edge),
            speed: plan.speed,
            start: if plan.speed < 0.0 { -plan.speed * seconds } else { 0.0 },
            depth: plan.depth,
            windows,
            kind: plan.kind,
        });
    }

    /// Paints the layers from far to near. The sun or moon stands at `light`, in pixels from the left.
    pub(crate) fn paint(&self, frame: &mut Frame, palette: &Palette, moment: Moment, light: f32) {
        // A row that a nearer layer covers from end to end needs nothing behind it.
        let mut ends = vec![frame.height(); self.layers.len()];
        for index in (1..self.layers.len()).rev() {
            ends[index - 1] = ends[index].min(self.layers[index].silhouette.solid_from());
        }
        for (layer, end) in self.layers.iter().zip(ends) {
            let offset = layer.start + layer.speed * moment.seconds;
            if layer.kind == Kind::BoatWave {
                self.paint_boat(frame, palette, moment, layer, offset);
            }
            let colors = self.colors(layer, palette, frame.height());
            layer.silhouette.paint(frame, offset, end, &colors);
            if layer.kind == Kind::Sea {
                self.paint_glitter(frame, palette, moment, light);
            }
            if palette.lamps > 0.0 {
                paint_windows(frame, layer, palette, offset);
            }
        }
    }

    /// The colour of each row of a layer: clear at the ridge, with mist towards the foot.
    fn colors(&self, layer: &Layer, palette: &Palette, height: usize) -> Vec<Color> {
        let body = palette.ground(self.terrain, layer.depth, self.mist);
        let haze = palette.haze();
        let top = layer.silhouette.top() as f32;
        let reach = 0.3 * self.layout.height;
        (0..height)
            .map(|y| {
                let down = ((y as f32 - top) / reach).max(0.0);
                match layer.kind {
                    Kind::Sea => palette.sky_at(0.98 - 0.5 * down).mix(body, 0.35 + 0.4 * down),
                    Kind::Pines => {
                        palette.ground(Terrain::Forest, 0.8, self.mist).mix(haze, 0.3 * (1.0 - layer.depth))
                    }
                    Kind::SnowCapped => {
                        let body = palette.ground(Terrain::Mountains, layer.depth, self.mist);
                        let snow = palette.ground(Terrain::Snow, 0.75, 0.0).mix(palette.glow, 0.32);
                        let rock = snow.mix(body, smooth(0.06, 0.42, down));
                        rock.mix(haze, 0.5 * smooth(0.2, 0.9, down))
                    }
                    _ => {
                        body.mix(haze, (0.18 + 0.5 * self.mist) * (1.0 - 0.75 * layer.depth) * down.min(1.0))
                    }
                }
            })
            .collect()
    }

    /// Bars of light on the water below the sun or moon.
    fn paint_glitter(&self, frame: &mut Frame, palette: &Palette, moment: Moment, light: f32) {
        let Layout { height, unit, horizon, .. } = self.layout;
        let rows = 16;
        for row in 0..rows {
            let down = (row as f32 + 0.6) / rows as f32;
            let y = horizon + 0.17 * height * down * (0.4 + 0.6 * down);
            let swing = wave(0.31 * moment.seconds + 0.37 * row as f32);
            let half =
                unit * (10.0 + 58.0 * down) * (0.75 + 0.25 * wave(0.43 * moment.seconds + 0.61 * row as f32));
            let x = light + unit * 9.0 * swing;
            let thick = unit * (1.2 + 2.0 * down);
            let bounds = Bounds { left: x - half, top: y - thick, right: x + half, bottom: y + thick };
            frame.shade(bounds, palette.disc, 0.55 + 0.2 * swing, |px, py, pixel| {
                // A lens: pointed at both ends.
                let along = ((px - x) / half).abs().min(1.0);
                ((thick * (1.0 - along * along) - (py - y).abs()) / pixel + 0.5).clamp(0.0, 1.0)
            });
        }
    }

    /// A small sailing boat that rides on the wave in front of it.
    fn paint_boat(
        &self,
        frame: &mut Frame,
        palette: &Palette,
        moment: Moment,
        wave_layer: &Layer,
        offset: f32,
    ) {
        let Layout { width, unit, .. } = self.layout;
        let size = 74.0 * unit;
        let x = width * self.boat + 11.0 * unit * moment.seconds;
        let ridge =
            (-2..=2).map(|step| wave_layer.silhouette.height_at(offset + x + step as f32 * 0.25 * size));
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

fn paint_windows(frame: &mut Frame, layer: &Layer, palette: &Palette, offset: f32) {
    let warm = rgb(255, 214, 132).mix(palette.haze(), 0.45 * (1.0 - layer.depth));
    for window in &layer.windows {
        let opacity = ((palette.lamps - window.threshold) * 5.0).clamp(0.0, 0.9);
        let left = window.x - offset;
        if opacity > 0.0 && left < frame.width() as f32 && left + window.width > 0.0 {
            let bounds =
                Bounds { left, top: window.y, right: left + window.width, bottom: window.y + window.height };
            frame.block(bounds, warm, opacity);
        }
    }
}
