//! The sky: its light, stars, sun or moon, clouds and birds.

mod aurora;
mod lightning;

use self::aurora::Aurora;
use self::lightning::Lightning;
use super::layout::{Layout, Moment, even_speed};
use super::palette::Palette;
use super::theme::{Daytime, Terrain, Theme};
use crate::color::rgb;
use crate::frame::{Bounds, Frame, Stamp};
use crate::rng::{Noise, Rng, smooth, wave};

/// Everything above the horizon.
#[derive(Debug)]
pub(crate) struct Sky {
    layout: Layout,
    daytime: Daytime,
    stars: Vec<Star>,
    clouds: Vec<Cloud>,
    birds: Vec<Bird>,
    glow: Stamp,
    /// Where the sun or moon stands at first and at the end.
    path: [(f32, f32); 2],
    radius: f32,
    shooting_star: (f32, f32),
    storm: f32,
    aurora: Option<Aurora>,
    lightning: Option<Lightning>,
}

#[derive(Debug)]
struct Star {
    x: f32,
    y: f32,
    radius: f32,
    brightness: f32,
    pace: f32,
}

#[derive(Debug)]
struct Cloud {
    stamp: Stamp,
    x: f32,
    y: f32,
    speed: f32,
    opacity: f32,
}

#[derive(Debug)]
struct Bird {
    x: f32,
    y: f32,
    size: f32,
    phase: f32,
}

impl Sky {
    /// Places everything.
    pub(crate) fn new(theme: &Theme, layout: Layout, rng: &Rng) -> Self {
        let Layout { width, height, unit, horizon } = layout;
        let mut stars = rng.branch(1);
        let mut clouds = rng.branch(2);
        let mut birds = rng.branch(3);
        let mut sun = rng.branch(4);
        let star_count = (90.0 * (width * horizon / (1280.0 * 420.0 * unit * unit)).sqrt()) as usize;
        let radius = unit * if theme.daytime == Daytime::Night { 40.0 } else { 46.0 };
        let x = width * if sun.happens(0.5) { sun.range(0.2, 0.42) } else { sun.range(0.58, 0.8) };
        let (from, to) = match theme.daytime {
            Daytime::Dawn => (0.86, 0.58),
            Daytime::Day => (0.34, 0.44),
            Daytime::Dusk => (0.68, 0.96),
            Daytime::Night => (0.36, 0.28),
        };
        let reach = 0.36 * width.min(height);
        Self {
            layout,
            daytime: theme.daytime,
            stars: (0..star_count)
                .map(|_| Star {
                    x: stars.range(0.0, width),
                    y: horizon * 0.9 * stars.unit(),
                    radius: unit * if stars.happens(0.12) { 1.9 } else { stars.range(0.7, 1.3) },
                    brightness: stars.range(0.4, 1.0),
                    pace: stars.range(0.15, 0.5),
                })
                .collect(),
            clouds: place_clouds(theme, layout, &mut clouds),
            birds: place_birds(theme, layout, &mut birds),
            glow: Stamp::new((2.0 * reach) as usize, (2.0 * reach) as usize, |px, py| {
                let distance = ((px - reach) * (px - reach) + (py - reach) * (py - reach)).sqrt() / reach;
                let fall = (1.0 - distance).max(0.0);
                0.62 * fall * fall
            }),
            path: [(x, horizon * from), (x + 26.0 * unit, horizon * to)],
            radius,
            shooting_star: (sun.range(0.15, 0.55), sun.range(1.2, 2.6)),
            storm: theme.storm,
            aurora: theme.aurora.then(|| Aurora::new(layout, &mut rng.branch(5))),
            lightning: (theme.storm > 0.0).then(|| Lightning::new(layout, &mut rng.branch(6))),
        }
    }

    /// The place of the sun or the moon.
    pub(crate) fn disc_at(&self, moment: Moment) -> (f32, f32) {
        let [from, to] = self.path;
        (from.0 + (to.0 - from.0) * moment.progress, from.1 + (to.1 - from.1) * moment.progress)
    }

    /// How bright lightning makes the clouds, from 0 to 1.
    pub(crate) fn flash_at(&self, moment: Moment) -> f32 {
        self.lightning.as_ref().map_or(0.0, |lightning| lightning.strength_at(moment.seconds))
    }

    /// Paints the sky down to the bottom of the frame.
    pub(crate) fn paint(&self, frame: &mut Frame, palette: &Palette, moment: Moment) {
        let rows: Vec<_> =
            (0..frame.height()).map(|y| palette.sky_at((y as f32 + 0.5) / self.layout.horizon)).collect();
        frame.fill_rows(&rows);
        if palette.stars > 0.0 {
            self.paint_stars(frame, palette, moment);
        }
        if let Some(aurora) = &self.aurora {
            aurora.paint(frame, palette.stars.max(0.45), moment.seconds);
        }
        // Thunderclouds hide the sun and the moon.
        let clear = 1.0 - self.storm;
        let (x, y) = self.disc_at(moment);
        let reach = self.glow.width() / 2.0;
        frame.stamp(&self.glow, x - reach, y - reach, palette.glow, palette.glow, clear);
        frame.spot(x, y, self.radius, 1.5 * self.layout.unit, palette.disc, clear);
        if self.daytime == Daytime::Night {
            let crater = palette.disc.mix(palette.sky[2], 0.3);
            for (dx, dy, size) in
                [(-0.32, -0.22, 0.22), (0.28, 0.1, 0.28), (-0.12, 0.42, 0.16), (0.3, -0.46, 0.1)]
            {
                frame.spot(
                    x + dx * self.radius,
                    y + dy * self.radius,
                    size * self.radius,
                    2.0,
                    crater,
                    0.6 * clear,
                );
            }
        }
        for cloud in &self.clouds {
            let cloud_width = cloud.stamp.width();
            let x = come_back(cloud.x + cloud.speed * moment.seconds, cloud_width, self.layout.width);
            frame.stamp(&cloud.stamp, x, cloud.y, palette.cloud_top, palette.cloud_base, cloud.opacity);
        }
        if let Some(lightning) = &self.lightning {
            lightning.paint(frame, moment.seconds);
        }
        for bird in &self.birds {
            bird.paint(frame, palette, self.layout, moment.seconds);
        }
    }

    fn paint_stars(&self, frame: &mut Frame, palette: &Palette, moment: Moment) {
        let white = rgb(250, 250, 255);
        for star in &self.stars {
            let twinkle = 0.75 + 0.25 * wave(star.pace * moment.seconds + star.brightness * 9.0);
            let fade = 1.0 - smooth(0.45, 1.0, star.y / self.layout.horizon);
            frame.spot(
                star.x,
                star.y,
                star.radius,
                star.radius,
                white,
                palette.stars * star.brightness * twinkle * fade,
            );
        }
        if self.daytime == Daytime::Night {
            self.paint_shooting_star(frame, moment);
        }
    }

    /// One short streak every six seconds.
    fn paint_shooting_star(&self, frame: &mut Frame, moment: Moment) {
        let (place, start) = self.shooting_star;
        let age = (moment.seconds - start).rem_euclid(6.0);
        if moment.seconds < start || age > 0.8 {
            return;
        }
        let Layout { width, horizon, unit, .. } = self.layout;
        let head = (place * width + age * 420.0 * unit, 0.14 * horizon + age * 130.0 * unit);
        let length = 110.0 * unit * smooth(0.0, 0.25, age);
        let strength = smooth(0.0, 0.15, age) * (1.0 - smooth(0.45, 0.8, age));
        let bounds = Bounds {
            left: head.0 - length,
            top: head.1 - 0.31 * length - 3.0,
            right: head.0 + 3.0,
            bottom: head.1 + 3.0,
        };
        frame.shade(bounds, rgb(255, 255, 255), 0.9 * strength, |x, y, pixel| {
            let along = (head.0 - x) / length.max(1.0);
            let off = (y - head.1 - 0.31 * (x - head.0)).abs();
            (1.2 * unit / pixel - off / pixel + 0.5).clamp(0.0, 1.0) * (1.0 - along).clamp(0.0, 1.0)
        });
    }
}

/// Where something is that leaves on the right and comes back on the left, so much further out.
fn come_back(x: f32, outside: f32, width: f32) -> f32 {
    (x + outside).rem_euclid(width + outside) - outside
}

fn place_clouds(theme: &Theme, layout: Layout, rng: &mut Rng) -> Vec<Cloud> {
    let count = (2.0 + 4.0 * theme.clouds + 8.0 * theme.storm) as usize;
    let opacity =
        if theme.daytime == Daytime::Night && theme.storm == 0.0 { 0.5 } else { 0.55 + 0.3 * theme.clouds };
    (0..count)
        .map(|index| {
            // Near clouds are lower, larger and faster.
            let near = (index as f32 + rng.unit()) / count as f32;
            let size = layout.unit * (150.0 + 210.0 * near) * rng.range(0.8, 1.2) * (1.0 + 0.7 * theme.storm);
            Cloud {
                stamp: cloud(size, rng),
                x: layout.width * (((index as f32 * 0.618).fract() + 0.1 * rng.unit()) * 1.15 - 0.2),
                y: layout.horizon * (0.1 - 0.22 * theme.storm + 0.5 * rng.unit() * (0.4 + 0.6 * near)),
                speed: even_speed(layout.unit * (7.0 + 16.0 * near) * (1.0 + theme.storm)),
                opacity: opacity * rng.range(0.75, 1.0),
            }
        })
        .collect()
}

/// A cloud of round puffs on a flat base.
fn cloud(width: f32, rng: &mut Rng) -> Stamp {
    let height = 0.4 * width;
    let base = 0.9 * height;
    let count = 6 + (rng.unit() * 4.0) as usize;
    let puffs: Vec<(f32, f32, f32)> = (0..count)
        .map(|index| {
            let along = (index as f32 + 0.5) / count as f32;
            // Puffs are highest in the middle.
            let rise = 1.0 - (2.0 * along - 1.0) * (2.0 * along - 1.0);
            let radius = height * (0.17 + 0.24 * rise) * rng.range(0.8, 1.08);
            let x = width * (0.1 + 0.8 * along);
            (x, base - radius * rng.range(0.45, 0.95), radius)
        })
        .collect();
    let soft = (0.022 * width).max(1.0);
    Stamp::new(width as usize, height as usize, |x, y| {
        let cover = puffs.iter().map(|&(cx, cy, radius)| {
            let distance = ((x - cx) * (x - cx) + (y - cy) * (y - cy)).sqrt();
            smooth(soft, -soft, distance - radius)
        });
        cover.fold(0.0, f32::max) * smooth(base + soft, base - soft, y)
    })
}

fn place_birds(theme: &Theme, layout: Layout, rng: &mut Rng) -> Vec<Bird> {
    if theme.daytime == Daytime::Night || theme.storm > 0.0 {
        return Vec::new();
    }
    let noise = Noise::new(rng);
    let flock = (layout.width * rng.range(0.1, 0.5), layout.horizon * rng.range(0.22, 0.45));
    (0..5)
        .map(|index| {
            let rank = index as f32;
            Bird {
                x: flock.0 + layout.unit * (38.0 * rank + 14.0 * noise.at(rank)),
                y: flock.1 + layout.unit * (15.0 * (rank - 2.0).abs() + 12.0 * noise.at(rank + 50.0)),
                size: layout.unit * rng.range(8.0, 12.0),
                phase: rng.unit(),
            }
        })
        .collect()
}

impl Bird {
    fn paint(&self, frame: &mut Frame, palette: &Palette, layout: Layout, seconds: f32) {
        // The flock is gone for a while before it comes back.
        let x = come_back(self.x + layout.unit * 30.0 * seconds, 0.4 * layout.width, layout.width);
        let y = self.y + layout.unit * 4.0 * wave(0.2 * seconds + self.phase);
        let lift = 0.25 + 0.45 * wave(1.3 * seconds + self.phase);
        let (size, thickness) = (self.size, 1.3 * layout.unit);
        let color = palette.ground(Terrain::City, 0.8, 0.0);
        frame.shade(Bounds::around(x, y, size + 2.0), color, 0.85, |px, py, pixel| {
            // Two bowed wings: the height of the wing over the distance from the body.
            let out = ((px - x) / size).abs();
            let wing = y - size * lift * (2.2 * out - 1.5 * out * out).max(-1.0);
            let taper = thickness * (1.0 - out).max(0.0);
            ((taper - (py - wing).abs()) / pixel + 0.5).clamp(0.0, 1.0) * smooth(1.05, 0.9, out)
        });
    }
}
