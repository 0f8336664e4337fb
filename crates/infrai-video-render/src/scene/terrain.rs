//! The ground: layers from far to near, which pass at different speeds.

mod lighthouse;
mod river;
mod sea;
mod shapes;
mod silhouette;

use self::lighthouse::Lighthouse;
use self::river::River;
use self::sea::Boat;
use self::shapes::Window;
use self::silhouette::{Edge, Silhouette};
use super::layout::{Layout, Moment, even_speed};
use super::palette::Palette;
use super::theme::{Terrain, Theme};
use crate::color::{Color, rgb};
use crate::frame::{Bounds, Frame};
use crate::rng::{Rng, smooth};

/// The ground of a scene.
#[derive(Debug)]
pub(crate) struct Landscape {
    layout: Layout,
    terrain: Terrain,
    mist: f32,
    layers: Vec<Layer>,
    storm: f32,
    /// A wide river in front of the houses.
    has_quay: bool,
    river: Option<River>,
    lighthouse: Option<Lighthouse>,
    boat: Boat,
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
    /// The white edge of the wave in front of it.
    Foam,
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
            storm: theme.storm,
            layers: Vec::new(),
            has_quay: theme.river && theme.terrain == Terrain::City,
            river: None,
            lighthouse: theme.lighthouse.then(|| Lighthouse::new(theme, layout, &mut rng.branch(98))),
            boat: Boat {
                layout,
                start: rng.branch(99).range(0.18, if theme.lighthouse { 0.34 } else { 0.5 }),
            },
        };
        let winds = theme.river && theme.terrain != Terrain::City;
        landscape.river = winds.then(|| River::new(theme, layout, landscape.base(0.2), &mut rng.branch(97)));
        let count = if theme.terrain == Terrain::City { 4 } else { 5 };
        for index in 0..count {
            let depth = index as f32 / (count - 1) as f32;
            landscape.add(index, depth, seconds, &mut rng.branch(index));
        }
        landscape
    }

    /// Where the ground begins: far layers a little above the horizon, near ones in the lower part of the frame.
    fn base(&self, depth: f32) -> f32 {
        self.layout.horizon * 0.97 + 0.27 * self.layout.height * depth
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
        if self.terrain == Terrain::Ocean && index > 1 {
            plan.speed *= 1.0 + 0.6 * self.storm;
        }
        if self.river.is_some() {
            // A river has its place on each layer, so they stand still.
            plan.speed = 0.0;
        }
        plan.speed = even_speed(plan.speed);
        let length = (width + plan.speed.abs() * seconds) as usize + 4;
        let base = self.base(depth);
        let flatness = if self.river.is_some() && index > 1 { 0.4 } else { 1.0 };
        let rise = flatness * unit.max(0.0012 * height) * (60.0 - 14.0 * depth);
        let stretch = unit * (330.0 + 190.0 * depth);
        let mut windows = Vec::new();
        let mut heights = match self.terrain {
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
            Terrain::City if self.has_quay && index == 3 => {
                (plan.kind, plan.speed) = (Kind::Sea, 0.0);
                shapes::flat(length, horizon + 0.17 * height)
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
                    unit * (10.0 + 16.0 * depth) * (1.0 + 1.2 * self.storm),
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
        if let Some(river) = self.river.as_ref().filter(|_| index > 1) {
            let slope = if self.terrain == Terrain::Mountains && index == 2 { 190.0 } else { 12.0 };
            river.carve(&mut heights, base, slope * unit);
        }
        if self.terrain == Terrain::Ocean && self.storm > 0.0 && index > 1 {
            // Foam where the waves are highest.
            let foam = |height: &f32| {
                height - unit * (2.0 + 4.0 * depth) * smooth(base + 8.0 * unit, base - 34.0 * unit, *height)
            };
            let crests = heights.iter().map(foam).collect();
            self.push(Plan { kind: Kind::Foam, ..plan }, crests, Vec::new(), seconds);
        }
        self.push(plan, heights, windows, seconds);
    }

    fn push(&mut self, plan: Plan, heights: Vec<f32>, windows: Vec<Window>, seconds: f32) {
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
        // The waves of the last two layers break in front of the lighthouse.
        let in_front = self.layers.iter().position(|layer| layer.depth > 0.6);
        for (index, (layer, end)) in self.layers.iter().zip(ends).enumerate() {
            let offset = layer.start + layer.speed * moment.seconds;
            if let Some(lighthouse) = self.lighthouse.as_ref().filter(|_| Some(index) == in_front) {
                lighthouse.paint(frame, palette, moment, end);
            }
            if layer.kind == Kind::BoatWave {
                self.boat.paint(frame, palette, moment, |x| layer.silhouette.height_at(offset + x));
            }
            let colors = self.colors(layer, palette, frame.height());
            layer.silhouette.paint(frame, offset, end, &colors);
            if layer.kind == Kind::Sea && self.storm == 0.0 {
                let place = (light, layer.silhouette.height_at(0.0));
                sea::paint_glitter(frame, self.layout, palette, moment, place);
            }
            if palette.lamps > 0.0 {
                paint_windows(frame, layer, palette, offset);
            }
            if let Some(river) = self.river.as_ref().filter(|_| layer.depth > 0.2) {
                river.paint(frame, palette, moment, self.base(layer.depth));
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
                    Kind::Foam => palette.lit(rgb(214, 226, 234)).mix(haze, 0.5 * (1.0 - layer.depth)),
                    _ => {
                        body.mix(haze, (0.18 + 0.5 * self.mist) * (1.0 - 0.75 * layer.depth) * down.min(1.0))
                    }
                }
            })
            .collect()
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
