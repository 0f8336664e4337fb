//! A small still picture of a frame.

use jpeg_encoder::{ColorType, Encoder};

use crate::color::to_rgb;
use crate::error::RenderError;
use crate::frame::{Frame, Plane};

/// The longer side, in pixels.
const LONG_SIDE: usize = 320;
const QUALITY: u8 = 82;

/// The frame as JPEG. It is made smaller, never larger.
pub(crate) fn jpeg(frame: &Frame) -> Result<Vec<u8>, RenderError> {
    let long = frame.width().max(frame.height());
    let shrink = |side: usize| {
        if long > LONG_SIDE { (side * LONG_SIDE / long).max(1) } else { side }
    };
    let (width, height) = (shrink(frame.width()), shrink(frame.height()));
    let [y, u, v] = frame.planes.each_ref().map(|plane| shrunk(plane, width, height));
    let pixels: Vec<u8> = y.iter().zip(&u).zip(&v).flat_map(|((y, u), v)| to_rgb(*y, *u, *v)).collect();
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, QUALITY)
        .encode(&pixels, width as u16, height as u16, ColorType::Rgb)
        .map_err(|error| RenderError::Thumbnail(error.to_string()))?;
    Ok(bytes)
}

/// The plane at another size: each pixel is the average of those it stands for.
fn shrunk(plane: &Plane, width: usize, height: usize) -> Vec<u8> {
    let part = |index: usize, count: usize, size: usize| {
        let start = index * size / count;
        start..((index + 1) * size / count).max(start + 1)
    };
    let mut pixels = Vec::with_capacity(width * height);
    for row in 0..height {
        let rows = part(row, height, plane.height);
        for column in 0..width {
            let columns = part(column, width, plane.width);
            let sum: usize = rows
                .clone()
                .flat_map(|y| &plane.data[y * plane.width + columns.start..y * plane.width + columns.end])
                .map(|value| usize::from(*value))
                .sum();
            pixels.push((sum / (rows.len() * columns.len())) as u8);
        }
    }
    pixels
}
