//! Measures the SDK, the sandbox and the command beside others, in one run on one machine, and writes `docs/benchmarks.md`.
//!
//! `cargo xtask bench` starts it.

mod measure;
mod page;
mod parts;

use std::path::Path;

use clap::Parser;
use parts::{Length, Part};

/// The API's document, below the root.
const DOCUMENT: &str = "openapi/video.yaml";

/// Measures side by side with others, and writes docs/benchmarks.md.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// A short run, which is printed, and written to target/bench/quick alone.
    #[arg(long)]
    quick: bool,
    /// Measure these parts alone, separated by commas, and leave the others of the page as they are.
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<Part>,
    /// Draw the plots again from the tables of docs/benchmarks.md, and measure nothing.
    #[arg(long, conflicts_with_all = ["quick", "only"])]
    plots: bool,
}

fn main() -> anyhow::Result<()> {
    let Arguments { quick, only, plots } = Arguments::parse();
    let length = if quick { Length::Quick } else { Length::Full };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    if plots {
        return parts::draw_again(&root, &mut std::io::stdout());
    }
    parts::run(&root, length, &only, &mut std::io::stdout())
}
