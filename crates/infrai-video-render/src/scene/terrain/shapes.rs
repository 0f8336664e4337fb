//! Ridges, woods, skylines and waves as a row of heights: for each column the first pixel that is covered, from the top.

use crate::rng::{Noise, Rng, smooth, wave};

/// A lit window, in pixels from the left end of its skyline and from the top.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// How dark it must be before someone turns on the light, from 0 to 1.
    pub(crate) threshold: f32,
}

/// A flat line.
pub(crate) fn flat(length: usize, base: f32) -> Vec<f32> {
    vec![base; length]
}

/// Round hills around `base`.
pub(crate) fn hills(length: usize, base: f32, rise: f32, stretch: f32, rng: &mut Rng) -> Vec<f32> {
    let noise = Noise::new(rng);
    (0..length).map(|x| base - rise * noise.fractal(x as f32 / stretch, 3)).collect()
}

/// Sharp peaks above `base`.
pub(crate) fn mountains(length: usize, base: f32, rise: f32, stretch: f32, rng: &mut Rng) -> Vec<f32> {
    let (large, small) = (Noise::new(rng), Noise::new(rng));
    (0..length)
        .map(|x| {
            let x = x as f32 / stretch;
            // Folding the noise at its zero makes ridges.
            let ridge = 1.0 - large.fractal(x, 2).abs() * 1.7;
            base - rise * (ridge - 0.35 + 0.13 * small.fractal(x * 5.0, 4))
        })
        .collect()
}

/// Dunes: a long slope to windward, a short one to lee.
pub(crate) fn dunes(length: usize, base: f32, rise: f32, stretch: f32, rng: &mut Rng) -> Vec<f32> {
    let (bend, size) = (Noise::new(rng), Noise::new(rng));
    (0..length)
        .map(|x| {
            let x = x as f32 / stretch;
            let place = x + 0.35 * bend.at(x * 0.7);
            let along = place - place.floor();
            let slope = if along < 0.68 { smooth(0.0, 0.7, along) } else { 1.0 - smooth(0.66, 1.0, along) };
            base - rise * (slope * (0.7 + 0.5 * size.at(place.floor())) - 0.3)
        })
        .collect()
}

/// Waves of the sea.
pub(crate) fn waves(length: usize, base: f32, rise: f32, stretch: f32, rng: &mut Rng) -> Vec<f32> {
    let noise = Noise::new(rng);
    let phase = rng.unit();
    (0..length)
        .map(|x| {
            let x = x as f32 / stretch;
            // The magnitude of a sine has sharp crests when it is turned over.
            let crest = 1.0 - wave((x + 0.25 * noise.at(x * 0.8)) * 0.5 + phase).abs();
            base - rise * (crest * (1.0 + 0.35 * noise.at(x * 0.5 + 20.0)) - 0.4)
        })
        .collect()
}

/// Firs on a ridge. `size` is the height of a tall one.
pub(crate) fn plant_firs(ground: &mut [f32], size: f32, density: f32, rng: &mut Rng) {
    let soil = ground.to_vec();
    let mut x = 0.0;
    while (x as usize) < soil.len() {
        let height = size * rng.range(0.5, 1.0);
        let half = 0.25 * height;
        let middle = soil[x as usize];
        for_columns(ground, x, half, |column, distance| {
            let step = distance * 4.0;
            // Each of four tiers juts out over the one above it.
            let fall = (step.floor() + 0.5 * (step - step.floor())) / 4.0;
            (middle - height * (1.0 - fall)).min(soil[column])
        });
        x += half * rng.range(0.6, 2.2) / density;
    }
}

/// Round trees and bushes on a ridge. `size` is the height of a tall one.
pub(crate) fn plant_bushes(ground: &mut [f32], size: f32, density: f32, rng: &mut Rng) {
    let soil = ground.to_vec();
    let mut x = 0.0;
    while (x as usize) < soil.len() {
        let height = size * rng.range(0.35, 1.0);
        let half = 0.6 * height;
        let middle = soil[x as usize];
        for_columns(ground, x, half, |_, distance| {
            middle - height * (1.0 - distance * distance).max(0.0).sqrt()
        });
        // Groups with gaps between them.
        let gap = if rng.happens(0.6) { rng.range(0.4, 1.4) } else { rng.range(4.0, 12.0) };
        x += half * gap / density;
    }
}

/// A skyline of houses with their windows. `unit` is a pixel of a small frame, `size` the height of a tall house.
pub(crate) fn skyline(
    length: usize,
    base: f32,
    size: f32,
    unit: f32,
    rng: &mut Rng,
) -> (Vec<f32>, Vec<Window>) {
    let mut heights = flat(length, base);
    let mut windows = Vec::new();
    let mut left = 0.0;
    while left < length as f32 {
        let width = (size * rng.range(0.16, 0.34)).max(4.0).floor();
        let tall = if rng.happens(0.22) { 1.0 } else { 0.62 };
        let top = (base - size * tall * rng.range(0.45, 1.0)).floor();
        raise(&mut heights, left, width, top);
        let middle = left + width / 2.0;
        match rng.bits() % 6 {
            0 => raise(&mut heights, middle - unit, 2.0 * unit, top - 0.22 * size),
            1 => raise(&mut heights, left + 0.2 * width, 0.6 * width, top - 0.07 * size),
            2 => for_columns(&mut heights, middle, width / 2.0, |_, distance| {
                top - 0.3 * width * (1.0 - distance)
            }),
            _ => {}
        }
        add_windows(&mut windows, (left, top, width, base + 0.6 * size), size, unit, rng);
        left += width + if rng.happens(0.3) { 0.05 * size } else { 0.0 };
    }
    (heights, windows)
}

/// Windows in a grid on the house with the given left edge, top edge, width and lower end.
fn add_windows(windows: &mut Vec<Window>, house: (f32, f32, f32, f32), size: f32, unit: f32, rng: &mut Rng) {
    let (left, top, width, end) = house;
    let (pane_width, pane_height) = ((0.026 * size).max(1.5 * unit), (0.036 * size).max(2.0 * unit));
    let columns = ((width - pane_width) / (2.1 * pane_width)).floor().max(1.0);
    let margin = (width - columns * 2.1 * pane_width + 1.1 * pane_width) / 2.0;
    let busy = rng.range(0.2, 0.6);
    let mut y = top + 2.0 * pane_height;
    while y < end {
        for column in 0..columns as u32 {
            if rng.happens(busy) {
                let x = left + margin + column as f32 * 2.1 * pane_width;
                let threshold = rng.range(0.05, 0.95);
                windows.push(Window { x, y, width: pane_width, height: pane_height, threshold });
            }
        }
        y += 2.2 * pane_height;
    }
}

/// Lifts a stretch of the outline to a height, where it is not higher yet.
fn raise(heights: &mut [f32], left: f32, width: f32, top: f32) {
    let end = ((left + width).max(0.0) as usize).min(heights.len());
    let start = (left.max(0.0) as usize).min(end);
    for height in &mut heights[start..end] {
        *height = height.min(top);
    }
}

/// Lifts the columns within `half` of `middle`. `top` gets the column and its distance, from 0 to 1.
fn for_columns(heights: &mut [f32], middle: f32, half: f32, top: impl Fn(usize, f32) -> f32) {
    let end = ((middle + half).ceil().max(0.0) as usize).min(heights.len());
    let start = ((middle - half).max(0.0) as usize).min(end);
    for (column, height) in heights.iter_mut().enumerate().take(end).skip(start) {
        let distance = ((column as f32 + 0.5 - middle) / half).abs();
        if distance < 1.0 {
            *height = height.min(top(column, distance));
        }
    }
}
