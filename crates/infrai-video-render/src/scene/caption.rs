//! The prompt on a band at the bottom, and the mark that says where the clip comes from.

mod glyphs;
pub(crate) mod text;

use crate::frame::Frame;

/// The mark in the upper corner: nobody should take the scene for the work of a video model.
const MARK: &str = "sandbox · not a real generation";

/// A longer prompt is cut.
const MOST_LINES: usize = 2;

/// The panel behind a text: how much of the picture it hides.
const PANEL: f32 = 0.5;
/// The luma of the panel and of the letters.
const DARK: f32 = 22.0;
const LIGHT: f32 = 232.0;

/// Text that lies over each frame.
#[derive(Debug)]
pub(crate) struct Caption {
    patches: Vec<Patch>,
}

impl Caption {
    /// Lays out the prompt for a frame of this size.
    pub(crate) fn new(prompt: &str, width: usize, height: usize) -> Self {
        let mut patches = vec![mark(width, height)];
        let prompt = text::clean(prompt);
        if !prompt.is_empty() {
            patches.push(band(&prompt, width, height));
        }
        Self { patches }
    }

    /// Blends the texts into a frame.
    pub(crate) fn paint(&self, frame: &mut Frame) {
        for patch in &self.patches {
            patch.paint(frame);
        }
    }
}

/// The lines of the prompt and the size of their letters: as large as fits into two lines, and cut at last.
pub(crate) fn fit(prompt: &str, unit: f32, limit: f32) -> (Vec<String>, f32) {
    let sizes = [34.0, 29.0, 25.0].map(|pixels: f32| (pixels * unit).max(7.0));
    for size in sizes {
        let lines = text::wrap(prompt, size, limit);
        if lines.len() <= MOST_LINES {
            return (lines, size);
        }
    }
    let size = sizes[sizes.len() - 1];
    let mut lines = text::wrap(prompt, size, limit);
    text::cut(&mut lines, MOST_LINES, size, limit);
    (lines, size)
}

fn band(prompt: &str, width: usize, height: usize) -> Patch {
    let unit = width.min(height) as f32 / 720.0;
    // The band keeps clear of the edges, which some screens hide: of the lower one by a twentieth of the height.
    let (margin, padding) = (36.0 * unit, 22.0 * unit);
    let bottom = height as f32 / 720.0 * 36.0;
    let limit = width as f32 - 2.0 * (margin + padding);
    let (lines, size) = fit(prompt, unit, limit);
    let line_height = 1.32 * size;
    let panel_height = lines.len() as f32 * line_height + 1.3 * padding;
    let top = (height as f32 - bottom - panel_height).max(0.0);
    let mut patch =
        Patch::new(margin, top, width as f32 - 2.0 * margin, panel_height, 14.0 * unit, (width, height));
    let right_to_left = text::is_right_to_left(prompt);
    for (index, line) in lines.iter().enumerate() {
        let line = text::in_display_order(line, right_to_left);
        let baseline = top + 0.65 * padding + index as f32 * line_height + 0.97 * size;
        let free = if right_to_left { limit - text::width(&line, size) } else { 0.0 };
        patch.write(&line, size, margin + padding + free, baseline, 1.0);
    }
    patch.finish()
}

fn mark(width: usize, height: usize) -> Patch {
    let unit = width.min(height) as f32 / 720.0;
    let size = (17.0 * unit).max(5.0);
    let (margin, padding) = (24.0 * unit, 12.0 * unit);
    let panel_width = text::width(MARK, size) + 2.0 * padding;
    let left = (width as f32 - margin - panel_width).max(0.0);
    let mut patch = Patch::new(left, margin, panel_width, 1.75 * size, 0.875 * size, (width, height));
    patch.write(MARK, size, left + padding, margin + 1.16 * size, 0.92);
    patch.finish()
}

/// A rectangle of the frame that is darkened and written on. Its corner and size are even.
#[derive(Debug)]
struct Patch {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    /// The coverage of the panel and of the letters, while the patch is laid out.
    panel: Vec<f32>,
    ink: Vec<f32>,
    /// For luma and for both chroma planes: `new = old * keep / 256 + add`.
    keep: [Vec<u16>; 2],
    add: [Vec<u8>; 2],
}

impl Patch {
    /// An empty panel with round corners, cut to the frame of the given size.
    fn new(left: f32, top: f32, width: f32, height: f32, radius: f32, frame: (usize, usize)) -> Self {
        let even = |value: f32, limit: usize| (value.max(0.0) as usize / 2 * 2).min(limit);
        let (x, y) = (even(left, frame.0), even(top, frame.1));
        let (columns, rows) = (even(left + width + 2.0, frame.0) - x, even(top + height + 2.0, frame.1) - y);
        let mut panel = vec![0.0; columns * rows];
        for (index, cover) in panel.iter_mut().enumerate() {
            let (px, py) = ((x + index % columns) as f32 + 0.5, (y + index / columns) as f32 + 0.5);
            let dx = (left + radius - px).max(px - (left + width - radius)).max(0.0);
            let dy = (top + radius - py).max(py - (top + height - radius)).max(0.0);
            *cover = (radius - (dx * dx + dy * dy).sqrt() + 0.5).clamp(0.0, 1.0);
        }
        let ink = vec![0.0; columns * rows];
        Self {
            left: x,
            top: y,
            width: columns,
            height: rows,
            panel,
            ink,
            keep: Default::default(),
            add: Default::default(),
        }
    }

    /// Writes a line whose left end and baseline are given in pixels of the frame.
    fn write(&mut self, line: &str, size: f32, x: f32, baseline: f32, strength: f32) {
        text::draw(line, size, x, baseline, |px, py, cover| {
            let (column, row) = (px - self.left as i32, py - self.top as i32);
            if column >= 0 && row >= 0 && (column as usize) < self.width && (row as usize) < self.height {
                let ink = &mut self.ink[row as usize * self.width + column as usize];
                *ink = ink.max(cover.clamp(0.0, 1.0) * strength);
            }
        });
    }

    /// Works out what is done to each pixel.
    fn finish(mut self) -> Self {
        let kept: Vec<f32> = self
            .panel
            .iter()
            .zip(&self.ink)
            .map(|(panel, ink)| (1.0 - PANEL * panel) * (1.0 - ink))
            .collect();
        let luma = kept
            .iter()
            .zip(self.panel.iter().zip(&self.ink))
            .map(|(_, (panel, ink))| PANEL * panel * DARK * (1.0 - ink) + ink * LIGHT);
        self.add[0] = luma.map(|value| (value + 0.5) as u8).collect();
        self.keep[0] = kept.iter().map(|keep| (keep * 256.0 + 0.5) as u16).collect();
        for row in (0..self.height).step_by(2) {
            for column in (0..self.width).step_by(2) {
                let at = row * self.width + column;
                let keep =
                    (kept[at] + kept[at + 1] + kept[at + self.width] + kept[at + self.width + 1]) / 4.0;
                self.keep[1].push((keep * 256.0 + 0.5) as u16);
                // Panel and letters are grey.
                self.add[1].push((128.0 * (1.0 - keep) + 0.5) as u8);
            }
        }
        (self.panel, self.ink) = (Vec::new(), Vec::new());
        self
    }

    fn paint(&self, frame: &mut Frame) {
        for (index, plane) in frame.planes.iter_mut().enumerate() {
            let (maps, scale) = if index == 0 { (0, 1) } else { (1, 2) };
            let (left, top, width) = (self.left / scale, self.top / scale, self.width / scale);
            if width == 0 {
                continue;
            }
            let rows = self.keep[maps].chunks_exact(width).zip(self.add[maps].chunks_exact(width));
            for (row, (keep, add)) in rows.enumerate() {
                let target = &mut plane.row(top + row)[left..left + width];
                for ((pixel, keep), add) in target.iter_mut().zip(keep).zip(add) {
                    *pixel = ((u32::from(*pixel) * u32::from(*keep)) >> 8) as u8 + add;
                }
            }
        }
    }
}
