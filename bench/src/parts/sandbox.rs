//! The sandbox: its request rate beside Prism, and the time to render a clip.

mod calls;
mod clips;

use std::io::Write;
use std::path::Path;

use crate::parts::{Length, tell};

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "the sandbox, beside prism");
    let calls = calls::calls(root, length, out)?;
    Ok(format!("{calls}{}", clips::clips(root, length, out)?))
}
