//! The parts of a scene and the picture that they make together.

pub(crate) mod caption;
mod layout;
mod palette;
mod sky;
mod terrain;
pub(crate) mod theme;
mod weather;

use self::caption::Caption;
use self::layout::{Layout, Moment};
use self::palette::Palette;
use self::sky::Sky;
use self::terrain::Landscape;
use self::theme::Theme;
use self::weather::Weather;
use crate::frame::Frame;
use crate::rng::Rng;
use crate::spec::{FRAMES_PER_SECOND, Scene};

/// In a shorter clip the light changes as far as it would in the first part of one that lasts this many seconds.
const SLOWEST_LIGHT: f32 = 5.0;

/// The light changes this often, in frames. No eye sees the steps, and in between the encoder finds whole areas of the
/// picture unchanged.
const LIGHT_STEP: u32 = 6;

/// A scene that is ready to be painted.
#[derive(Debug)]
pub(crate) struct Picture {
    theme: Theme,
    seconds: f32,
    sky: Sky,
    terrain: Landscape,
    weather: Weather,
    caption: Caption,
}

impl Picture {
    /// Places everything for a clip of so many frames.
    pub(crate) fn new(scene: &Scene, frames: u32) -> Self {
        let rng = Rng::new(&scene.prompt, scene.seed);
        let theme = Theme::new(&scene.prompt, &mut rng.branch(0));
        let (width, height) = (scene.width as f32, scene.height as f32);
        let layout = Layout { width, height, unit: width.min(height) / 720.0, horizon: 0.62 * height };
        let seconds = frames as f32 / FRAMES_PER_SECOND as f32;
        Self {
            theme,
            seconds,
            sky: Sky::new(&theme, layout, &rng.branch(10)),
            terrain: Landscape::new(&theme, layout, seconds, &rng.branch(20)),
            weather: Weather::new(&theme, layout, &mut rng.branch(30)),
            caption: Caption::new(&scene.prompt, scene.width as usize, scene.height as usize),
        }
    }

    /// Paints one frame over whatever is there.
    pub(crate) fn paint(&self, index: u32, frame: &mut Frame) {
        let seconds = index as f32 / FRAMES_PER_SECOND as f32;
        let length = self.seconds.max(SLOWEST_LIGHT);
        let moment = Moment { seconds, progress: seconds / length };
        let light = (index / LIGHT_STEP * LIGHT_STEP) as f32 / FRAMES_PER_SECOND as f32;
        let palette = Palette::at(&self.theme, light / length).with_flash(self.sky.flash_at(moment));
        self.sky.paint(frame, &palette, moment);
        self.terrain.paint(frame, &palette, moment, self.sky.disc_at(moment).0);
        self.weather.paint(frame, &palette, moment);
        self.caption.paint(frame);
    }
}
