//! The sandbox: how many calls it answers beside Prism, and how long a clip takes to make.

mod calls;
mod clips;

use std::io::Write;
use std::path::Path;

use super::{Length, tell};

pub(super) fn section(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    tell(out, "the sandbox, beside prism");
    let calls = calls::calls(root, length, out)?;
    Ok(format!("{calls}{}", clips::clips(root, length, out)?))
}
