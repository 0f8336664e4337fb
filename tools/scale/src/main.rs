//! `cargo xtask scale`: simulates a million clips in virtual time, models what they need, and writes docs/scale.md.

mod constants;
mod model;
mod page;
mod plots;
mod results;
mod simulation;
mod table;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Parser;

use self::constants::Constants;
use self::model::Model;
use self::results::{Results, Size};

/// Simulate many workers in virtual time, and write docs/scale.md.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask scale", bin_name = "cargo xtask scale")]
struct Arguments {
    /// The name of the command, as `xtask` passes it on.
    #[arg(value_parser = ["scale"], hide = true)]
    _command: String,
    /// The seed of the simulation.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of clips.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    items: u32,
    /// The number of workers.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    workers: u32,
    /// Simulate nothing: write the page from the last results and the current inputs.
    #[arg(long, conflicts_with_all = ["seed", "items", "workers"])]
    page: bool,
}

fn main() -> anyhow::Result<()> {
    let Arguments { seed, items, workers, page, .. } = Arguments::parse();
    let docs = docs();
    let constants = Constants::read(&fs::read_to_string(docs.join("benchmarks.md"))?)?;
    let results = match page {
        true => Results { constants, ..stored(&docs)? },
        false => Results::compute(Size { seed, items, workers }, constants),
    };
    fs::create_dir_all(docs.join("scale"))?;
    for (name, text) in files(&results)? {
        fs::write(docs.join(name), text).context(name)?;
    }
    let violations = results.main.violations.lines();
    ensure!(violations.is_empty(), "the simulation broke its rules: {}", violations.join("; "));
    Ok(())
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn stored(docs: &Path) -> anyhow::Result<Results> {
    let text = fs::read_to_string(docs.join("scale/results.json")).context("docs/scale/results.json")?;
    serde_json::from_str(&text).context("docs/scale/results.json")
}

/// The files below `docs`.
fn files(results: &Results) -> anyhow::Result<[(&'static str, String); 4]> {
    let model = Model::new(results);
    Ok([
        ("scale.md", page::page(results)),
        ("scale/progress.svg", plots::progress(results)?),
        ("scale/bounds.svg", plots::bounds(&model)?),
        ("scale/results.json", serde_json::to_string_pretty(results)? + "\n"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_page_and_plots_follow_from_the_stored_results() {
        let docs = docs();
        for (name, text) in files(&stored(&docs).unwrap()).unwrap() {
            let stored = fs::read_to_string(docs.join(name)).unwrap();
            assert!(text == stored, "{name} is not current: run `cargo xtask scale --page`");
        }
    }

    #[test]
    fn the_stored_results_are_those_of_this_simulation() {
        let stored = stored(&docs()).unwrap();
        let report = simulation::run(&results::check_scenario());
        assert_eq!(report, stored.check, "run `cargo xtask scale`");
    }

    #[test]
    fn the_stored_run_broke_no_rule() {
        let Results { main, bugs, variants, .. } = stored(&docs()).unwrap();
        assert!(main.violations.is_empty(), "{:?}", main.violations.lines());
        assert_eq!((main.service.double_charges, main.unfinished), (0, 0));
        assert!(bugs.iter().all(|bug| bug.rule.is_some()), "{bugs:?}");
        assert!(variants.iter().all(|variant| variant.lost == 0), "{variants:?}");
    }
}
