//! Puts the parts of a scene together and paints its frames.

use super::caption::Caption;
use super::chance::Chance;
use super::frame::Frame;
use super::land::Landscape;
use super::palette::Palette;
use super::sky::Sky;
use super::theme::Theme;
use super::weather::Weather;
use super::{FRAMES_PER_SECOND, Scene};

/// In a shorter clip the light changes as far as it would in the first part of one that lasts this many seconds.
const SLOWEST_LIGHT: f32 = 5.0;

/// The light changes this often, in frames. No eye sees the steps, and in between the encoder finds whole areas of the
/// picture unchanged.
const LIGHT_STEP: u32 = 6;

/// The measures of the frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Width in pixels.
    pub(super) width: f32,
    /// Height in pixels.
    pub(super) height: f32,
    /// A pixel of a frame of 720 lines, in pixels of this frame: all sizes and speeds are given in it.
    pub(super) unit: f32,
    /// Where the sky ends, in pixels from the top.
    pub(super) horizon: f32,
}

/// A speed near the wanted one, in pixels each second, of which a frame sees whole pixels or quarters of them: the
/// encoder can describe such a motion exactly.
pub(super) fn even_speed(wanted: f32) -> f32 {
    let frames = FRAMES_PER_SECOND as f32;
    let step = if wanted.abs() < frames { 4.0 } else { 1.0 };
    let steps = (wanted / frames * step).round();
    if steps == 0.0 { wanted } else { steps / step * frames }
}

/// A moment of the clip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Seconds from the start.
    pub(super) seconds: f32,
    /// How far the light has moved on, from 0 to 1.
    pub(super) progress: f32,
}

/// A scene that is ready to be painted.
#[derive(Debug)]
pub(super) struct Picture {
    theme: Theme,
    seconds: f32,
    sky: Sky,
    land: Landscape,
    weather: Weather,
    caption: Caption,
}

impl Picture {
    /// Places everything for a clip of so many frames.
    pub(super) fn new(scene: &Scene, frames: u32) -> Self {
        let chance = Chance::new(&scene.prompt, scene.seed);
        let theme = Theme::new(&scene.prompt, &mut chance.branch(0));
        let (width, height) = (scene.width as f32, scene.height as f32);
        let layout = Layout { width, height, unit: width.min(height) / 720.0, horizon: 0.62 * height };
        let seconds = frames as f32 / FRAMES_PER_SECOND as f32;
        Self {
            theme,
            seconds,
            sky: Sky::new(&theme, layout, &chance.branch(10)),
            land: Landscape::new(&theme, layout, seconds, &chance.branch(20)),
            weather: Weather::new(&theme, layout, &mut chance.branch(30)),
            caption: Caption::new(&scene.prompt, scene.width as usize, scene.height as usize),
        }
    }

    /// Paints one frame over whatever is there.
    pub(super) fn paint(&self, index: u32, frame: &mut Frame) {
        let seconds = index as f32 / FRAMES_PER_SECOND as f32;
        let length = self.seconds.max(SLOWEST_LIGHT);
        let moment = Moment { seconds, progress: seconds / length };
        let light = (index / LIGHT_STEP * LIGHT_STEP) as f32 / FRAMES_PER_SECOND as f32;
        let palette = Palette::at(&self.theme, light / length);
        self.sky.paint(frame, &palette, moment);
        self.land.paint(frame, &palette, moment, self.sky.disc_at(moment).0);
        self.weather.paint(frame, &palette, moment);
        self.caption.paint(frame);
    }
}
