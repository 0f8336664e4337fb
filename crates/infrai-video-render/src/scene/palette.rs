//! The colours of a moment: those of the time of day, on the way to the next one.

use super::theme::{Daytime, Terrain, Theme};
use crate::color::{Color, rgb};

/// The colours of one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    /// The sky from the top over the middle to the horizon.
    pub(crate) sky: [Color; 3],
    /// Sun or moon.
    pub(crate) disc: Color,
    /// The light around it.
    pub(crate) glow: Color,
    pub(crate) cloud_top: Color,
    pub(crate) cloud_base: Color,
    /// The light on the ground, and how much it counts against the ground's own colour.
    shade: Color,
    shade_share: f32,
    /// How bright stars are, from 0 to 1.
    pub(crate) stars: f32,
    /// How bright windows and fireflies are, from 0 to 1.
    pub(crate) lamps: f32,
}

const DAWN: Palette = Palette {
    sky: [rgb(72, 96, 158), rgb(226, 160, 172), rgb(255, 218, 176)],
    disc: rgb(255, 240, 206),
    glow: rgb(255, 206, 150),
    cloud_top: rgb(255, 226, 214),
    cloud_base: rgb(222, 160, 176),
    shade: rgb(62, 58, 104),
    shade_share: 0.5,
    stars: 0.12,
    lamps: 0.35,
};

const DAY: Palette = Palette {
    sky: [rgb(50, 124, 208), rgb(112, 182, 236), rgb(216, 240, 250)],
    disc: rgb(255, 252, 230),
    glow: rgb(255, 248, 214),
    cloud_top: rgb(255, 255, 255),
    cloud_base: rgb(206, 226, 242),
    shade: rgb(42, 88, 130),
    shade_share: 0.14,
    stars: 0.0,
    lamps: 0.0,
};

const DUSK: Palette = Palette {
    sky: [rgb(58, 48, 116), rgb(222, 92, 112), rgb(255, 192, 104)],
    disc: rgb(255, 226, 158),
    glow: rgb(255, 158, 84),
    cloud_top: rgb(255, 186, 150),
    cloud_base: rgb(168, 76, 122),
    shade: rgb(54, 28, 72),
    shade_share: 0.66,
    stars: 0.1,
    lamps: 0.75,
};

const NIGHT: Palette = Palette {
    sky: [rgb(8, 12, 38), rgb(20, 36, 86), rgb(62, 92, 150)],
    disc: rgb(240, 242, 250),
    glow: rgb(140, 170, 226),
    cloud_top: rgb(74, 94, 146),
    cloud_base: rgb(36, 50, 98),
    shade: rgb(9, 15, 42),
    shade_share: 0.74,
    stars: 1.0,
    lamps: 1.0,
};

impl Palette {
    /// The colours at `progress`, 0 for the first moment and 1 for the last.
    pub(crate) fn at(theme: &Theme, progress: f32) -> Self {
        let (from, to, way) = match theme.daytime {
            Daytime::Dawn => (DAWN, DAY, 0.45),
            Daytime::Day => (DAY, DUSK, 0.22),
            Daytime::Dusk => (DUSK, NIGHT, 0.42),
            Daytime::Night => (NIGHT, DAWN, 0.16),
        };
        let mut palette = from.mix(&to, way * progress);
        if let Some(tint) = theme.tint {
            let [top, middle, low] = palette.sky;
            // The tint takes on the brightness of what it colours.
            let tinted =
                |color: Color, share: f32| color.mix(Color { y: (color.y + tint.y) / 2.0, ..tint }, share);
            palette.sky = [tinted(top, 0.2), tinted(middle, 0.34), tinted(low, 0.22)];
            palette.shade = tinted(palette.shade, 0.25);
            palette.glow = tinted(palette.glow, 0.3);
        }
        if theme.aurora {
            let [top, middle, low] = palette.sky;
            let light = rgb(46, 150, 120);
            palette.sky = [top, middle.mix(light, 0.16), low.mix(light, 0.32)];
        }
        palette.mix(&palette.in_storm(), theme.storm)
    }

    /// The colours under thunderclouds: grey, with a little of what they were, and dark enough for lamps.
    fn in_storm(&self) -> Self {
        let grey = |color: Color, dark: Color| dark.mix(color, 0.22);
        let [top, middle, low] = self.sky;
        Self {
            sky: [grey(top, rgb(24, 30, 44)), grey(middle, rgb(58, 68, 86)), grey(low, rgb(112, 122, 134))],
            glow: grey(self.glow, rgb(120, 130, 146)),
            cloud_top: grey(self.cloud_top, rgb(84, 94, 112)),
            cloud_base: grey(self.cloud_base, rgb(30, 36, 52)),
            shade: grey(self.shade, rgb(24, 32, 48)),
            shade_share: self.shade_share.max(0.62),
            stars: 0.0,
            lamps: self.lamps.max(0.9),
            ..*self
        }
    }

    /// The colours while lightning lights up the clouds.
    pub(crate) fn with_flash(&self, strength: f32) -> Self {
        let white = rgb(214, 222, 244);
        Self { sky: self.sky.map(|color| color.mix(white, 0.5 * strength)), ..*self }
    }

    /// The colour of the sky at `height`, 0 for the top and 1 for the horizon.
    pub(crate) fn sky_at(&self, height: f32) -> Color {
        let t = height.clamp(0.0, 1.0);
        let [top, middle, low] = self.sky;
        top.mix(middle, t).mix(middle.mix(low, t), t)
    }

    /// The colour of the ground, from far (`depth` 0) to near (`depth` 1).
    pub(crate) fn ground(&self, terrain: Terrain, depth: f32, mist: f32) -> Color {
        let (far, near) = ground_colors(terrain);
        let own = far.mix(near, depth).mix(self.shade, self.shade_share * (0.55 + 0.45 * depth));
        own.mix(self.haze(), (1.0 - depth) * (0.5 + 0.4 * mist))
    }

    /// A colour of its own in the light of the moment.
    pub(crate) fn lit(&self, color: Color) -> Color {
        color.mix(self.shade, 0.62 * self.shade_share)
    }

    /// What lies on a side that is turned away from the light.
    pub(crate) fn shadow(&self) -> Color {
        self.shade.mix(rgb(12, 14, 28), 0.4)
    }

    /// The colour of the mist in front of far hills.
    pub(crate) fn haze(&self) -> Color {
        self.sky[1].mix(self.sky[2], 0.6)
    }

    fn mix(&self, other: &Self, share: f32) -> Self {
        let number = |from: f32, to: f32| from + (to - from) * share;
        Self {
            sky: std::array::from_fn(|index| self.sky[index].mix(other.sky[index], share)),
            disc: self.disc.mix(other.disc, share),
            glow: self.glow.mix(other.glow, share),
            cloud_top: self.cloud_top.mix(other.cloud_top, share),
            cloud_base: self.cloud_base.mix(other.cloud_base, share),
            shade: self.shade.mix(other.shade, share),
            shade_share: number(self.shade_share, other.shade_share),
            stars: number(self.stars, other.stars),
            lamps: number(self.lamps, other.lamps),
        }
    }
}

/// The colours that a terrain has at noon, far and near.
fn ground_colors(terrain: Terrain) -> (Color, Color) {
    match terrain {
        Terrain::Meadow => (rgb(124, 180, 132), rgb(58, 128, 62)),
        Terrain::Forest => (rgb(96, 150, 136), rgb(22, 70, 52)),
        Terrain::Mountains => (rgb(120, 146, 180), rgb(40, 66, 78)),
        Terrain::City => (rgb(130, 156, 190), rgb(46, 58, 88)),
        Terrain::Ocean => (rgb(86, 170, 200), rgb(12, 74, 118)),
        Terrain::Desert => (rgb(238, 190, 130), rgb(184, 104, 56)),
        Terrain::Snow => (rgb(200, 218, 238), rgb(238, 244, 250)),
    }
}
