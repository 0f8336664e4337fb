//! The sandbox: its request rate beside Prism, and the time to render a clip.

mod calls;
mod clips;
mod rendering;

use std::io::Write;
use std::path::Path;

use crate::page::goals::goals;
use crate::parts::{Length, tell};

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "the sandbox, beside prism");
    let (calls, mut all) = calls::calls(root, length, out)?;
    let clips = clips::clips(root, length, out)?;
    let (rendering, goal) = rendering::rendering(root, length, out)?;
    all.push(goal);
    Ok(format!("{calls}{clips}{rendering}{}", goals(&all)))
}
