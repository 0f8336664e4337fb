//! Writes a clip and its thumbnail.
//!
//! The stock clip of the sandbox was made so, in the directory `crates/infrai-video-sandbox/src/clips/stock`:
//!
//! ```sh
//! cargo run -p infrai-video-render --example render -- "stock clip" 320 180 1 clip
//! ```

use std::error::Error;
use std::fs;
use std::time::Duration;

use infrai_video_render::{Scene, render};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [prompt, width, height, seconds, name] = arguments.as_slice() else {
        return Err("usage: render PROMPT WIDTH HEIGHT SECONDS NAME".into());
    };
    let scene = Scene {
        prompt: prompt.clone(),
        seed: 7,
        width: width.parse()?,
        height: height.parse()?,
        duration: Duration::try_from_secs_f64(seconds.parse()?)?,
    };
    let clip = render(&scene)?;
    fs::write(format!("{name}.mp4"), clip.mp4)?;
    fs::write(format!("{name}.jpg"), clip.thumbnail_jpeg)?;
    Ok(())
}
