#![doc = include_str!("../README.md")]

mod color;
mod error;
mod frame;
mod mp4;
mod render;
mod rng;
mod scene;
mod spec;
#[cfg(test)]
mod tests;
mod thumbnail;
mod video;

pub use self::error::RenderError;
pub use self::render::{Clip, render};
pub use self::spec::{FRAMES_PER_SECOND, Scene};
