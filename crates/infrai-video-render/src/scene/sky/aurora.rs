//! Northern lights: curtains that hang from the sky and sway.

use crate::color::{Color, rgb};
use crate::frame::{Frame, mix_into};
use crate::rng::{Noise, Rng, smooth};
use crate::scene::layout::Layout;

/// The steps of a ray from its lower end to its upper end.
const STEPS: usize = 64;

/// The curtains move this often, in parts of a second. That is half as often as there are frames, and cheaper to encode.
const MOVES: f32 = 12.0;

/// All curtains, from far to near.
#[derive(Debug)]
pub(crate) struct Aurora {
    layout: Layout,
    curtains: Vec<Curtain>,
    /// Colour and opacity of a ray, of 256, at each of its steps.
    profile: Vec<([u8; 3], i32)>,
}

#[derive(Debug)]
struct Curtain {
    noise: Noise,
    /// The lower end and the height, in pixels.
    base: f32,
    height: f32,
    opacity: f32,
    drift: f32,
}

/// Two columns of a curtain.
struct Ray {
    bottom: f32,
    /// Steps per pixel.
    scale: f32,
    /// Of 256.
    opacity: i32,
}

impl Aurora {
    /// Hangs up the curtains.
    pub(crate) fn new(layout: Layout, rng: &mut Rng) -> Self {
        let curtains =
            [(0.4, 0.36, 0.42), (0.6, 0.5, 0.62), (0.82, 0.6, 0.9)].map(|(base, height, opacity)| Curtain {
                noise: Noise::new(rng),
                base: layout.horizon * (base + rng.range(-0.05, 0.03)),
                height: layout.horizon * height,
                opacity,
                drift: rng.range(0.05, 0.09) * if rng.happens(0.5) { 1.0 } else { -1.0 },
            });
        Self { layout, curtains: curtains.into(), profile: (0..STEPS).map(step).collect() }
    }

    /// Paints the curtains, as bright as `strength` from 0 to 1.
    pub(crate) fn paint(&self, frame: &mut Frame, strength: f32, seconds: f32) {
        let seconds = (seconds * MOVES + 0.01).floor() / MOVES;
        for curtain in &self.curtains {
            let rays: Vec<Ray> = (0..frame.width() / 2)
                .map(|pair| {
                    curtain.ray(2.0 * pair as f32 / self.layout.unit, self.layout.unit, strength, seconds)
                })
                .collect();
            self.paint_rays(frame, &rays);
        }
    }

    fn paint_rays(&self, frame: &mut Frame, rays: &[Ray]) {
        let top = rays.iter().map(|ray| ray.bottom - STEPS as f32 / ray.scale).fold(f32::MAX, f32::min);
        let bottom = rays.iter().map(|ray| ray.bottom).fold(0.0, f32::max);
        for (index, plane) in frame.planes.iter_mut().enumerate() {
            let (scale, columns) = if index == 0 { (1.0, 2) } else { (2.0, 1) };
            let rows =
                (top / scale).max(0.0) as usize..((bottom / scale).max(0.0) as usize).min(plane.height);
            for y in rows {
                let down = (y as f32 + 0.5) * scale;
                for (pixels, ray) in plane.row(y).chunks_mut(columns).zip(rays) {
                    // The cast turns what is below the ray into 0, where nothing is painted.
                    let at = ((ray.bottom - down) * ray.scale) as usize;
                    if let Some((color, opacity)) = self.profile.get(at) {
                        for pixel in pixels {
                            mix_into(pixel, color[index], (opacity * ray.opacity) >> 8);
                        }
                    }
                }
            }
        }
    }
}

impl Curtain {
    /// The ray at `x`, in pixels of a frame of 720 lines.
    fn ray(&self, x: f32, unit: f32, strength: f32, seconds: f32) -> Ray {
        let time = self.drift * seconds;
        let fold = self.noise.fractal(x / 340.0 + time, 2);
        let patch = 0.25 + 0.75 * smooth(-0.8, 0.3, self.noise.at(x / 420.0 + 60.0 - 1.6 * time));
        let fine = self.noise.at(x / 13.0 + 6.0 * fold + 7.0 * time);
        let broad = self.noise.at(x / 47.0 + 30.0 + 3.0 * time);
        let height = self.height * (0.72 + 0.2 * broad + 0.12 * fine);
        Ray {
            bottom: self.base + 70.0 * unit * fold,
            scale: STEPS as f32 / height,
            opacity: (256.0 * strength * self.opacity * patch * (0.66 + 0.2 * broad + 0.16 * fine)) as i32,
        }
    }
}

/// The colour and the opacity of a ray at one step: green at its lower end, violet at its upper one.
fn step(step: usize) -> ([u8; 3], i32) {
    const GREEN: Color = rgb(96, 255, 158);
    const BLUE: Color = rgb(64, 214, 196);
    const VIOLET: Color = rgb(150, 84, 214);
    let up = step as f32 / STEPS as f32;
    let color = GREEN.mix(BLUE, smooth(0.1, 0.45, up)).mix(VIOLET, smooth(0.35, 0.85, up));
    let fade = 1.0 - up;
    (color.bytes(), (256.0 * smooth(0.0, 0.13, up) * fade * fade.sqrt()) as i32)
}
