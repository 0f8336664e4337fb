//! `cargo xtask bench`: measures side by side, in one run on one machine, and writes `docs/benchmarks.md`.

mod call;
mod load;
mod machine;
mod prism;
mod sandbox;
mod table;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Where the result goes, below the root.
const PAGE: &str = "docs/benchmarks.md";

/// How long a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Long enough to be published.
    Full,
    /// A few minutes, to see that all works. The page is printed and not written.
    Quick,
}

impl Length {
    /// How long one measurement under load takes.
    fn load(self) -> Duration {
        Duration::from_secs(if self == Self::Full { 10 } else { 2 })
    }

    /// How often something is done that is timed as a whole.
    fn repeats(self) -> usize {
        if self == Self::Full { 5 } else { 2 }
    }
}

/// Measures all there is to measure on the workspace at `root`.
///
/// # Errors
/// If a peer or a tool cannot be had, or answers what it should not: in words.
pub fn run(root: &Path, length: Length, out: &mut dyn Write) -> Result<(), String> {
    let mut page = String::from(
        "# Benchmarks\n\n`cargo xtask bench` makes this page. Every figure is of one run on one machine, peers beside each other; only the\n\
         ratios say something about other machines.\n\n",
    );
    page.push_str(&machine::describe());
    page.push_str(&sandbox::section(root, length, out)?);
    let written = match length {
        Length::Full => {
            let path = root.join(PAGE);
            let directory = path.parent().unwrap_or(root);
            fs::create_dir_all(directory)
                .and_then(|()| fs::write(&path, &page))
                .and_then(|()| writeln!(out, "wrote {PAGE}"))
        }
        Length::Quick => writeln!(out, "\n{page}"),
    };
    written.map_err(|error| format!("the result cannot be written: {error}"))
}

/// Says what is being measured.
fn tell(out: &mut dyn Write, what: &str) {
    // Where nobody reads on, the measurement itself still counts.
    let _ = writeln!(out, "{what}");
    let _ = out.flush();
}
