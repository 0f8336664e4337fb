//! Colours in the form that the encoder takes: luma and two chroma values, BT.709 with limited range.

/// A colour: luma from 16 to 235, chroma from 16 to 240 around 128.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Color {
    /// Luma.
    pub(crate) y: f32,
    /// Blue against yellow.
    pub(crate) u: f32,
    /// Red against cyan.
    pub(crate) v: f32,
}

/// A colour from red, green and blue in 0 to 255.
pub(crate) const fn rgb(red: u8, green: u8, blue: u8) -> Color {
    let (r, g, b) = (red as f32 / 255.0, green as f32 / 255.0, blue as f32 / 255.0);
    let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    Color {
        y: 16.0 + 219.0 * luma,
        u: 128.0 + 224.0 * (b - luma) / 1.8556,
        v: 128.0 + 224.0 * (r - luma) / 1.5748,
    }
}

impl Color {
    /// The colour between this (`share` 0) and the other (`share` 1).
    pub(crate) fn mix(self, other: Self, share: f32) -> Self {
        let share = share.clamp(0.0, 1.0);
        Self {
            y: self.y + (other.y - self.y) * share,
            u: self.u + (other.u - self.u) * share,
            v: self.v + (other.v - self.v) * share,
        }
    }

    /// The three values as the planes hold them.
    pub(crate) fn bytes(self) -> [u8; 3] {
        // The cast cuts at 0 and 255.
        [(self.y + 0.5) as u8, (self.u + 0.5) as u8, (self.v + 0.5) as u8]
    }
}

/// Red, green and blue of one pixel of the planes.
pub(crate) fn to_rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let luma = (f32::from(y) - 16.0) / 219.0;
    let blue = luma + 1.8556 * (f32::from(u) - 128.0) / 224.0;
    let red = luma + 1.5748 * (f32::from(v) - 128.0) / 224.0;
    let green = (luma - 0.2126 * red - 0.0722 * blue) / 0.7152;
    [red, green, blue].map(|value| (value * 255.0 + 0.5) as u8)
}
