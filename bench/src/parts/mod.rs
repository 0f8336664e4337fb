//! The parts of the page: what each measures, and how the page is put together.

mod batches;
mod building;
mod calls;
mod command;
mod downloads;
mod listing;
mod regen;
mod sandbox;
mod waiting;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::ValueEnum;
use external_tools::programs::{
    CURL, GH, HYPERFINE, JAVA, NPM, POSTGRES, PYTHON, Program, TIME, VALGRIND, WGET, WRK, require,
};

use crate::measure::machine;
use crate::page::{plot, plots, sections};

/// The directory of the page and its plots, below the root.
const DOCS: &str = "docs";

/// The directory after a quick run.
const QUICK: &str = "target/bench/quick";

/// The name of the page. Its plots are in a directory of the same name.
const PAGE: &str = "benchmarks.md";

/// The length of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// Long enough to be published.
    Full,
    /// A few minutes, to check that everything works. The page is printed, and not written into `docs`.
    Quick,
}

impl Length {
    /// The duration of one measurement under load.
    fn load(self) -> Duration {
        Duration::from_secs(if self == Self::Full { 10 } else { 2 })
    }

    /// The number of repetitions of things that are timed as a whole.
    fn repeats(self) -> usize {
        if self == Self::Full { 5 } else { 2 }
    }
}

/// A part of the page, in the page's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The cost of a call.
    Calls,
    /// The requests and the delay of a wait.
    Waiting,
    /// The rate of reading a long list.
    Listing,
    /// The rate of downloading a large clip.
    Downloads,
    /// The rate and the cost of an item of a batch.
    Batches,
    /// The time to generate a client.
    Regen,
    /// The cost of building a program with the SDK.
    Building,
    /// The request rate and the rendering rate of the sandbox.
    Sandbox,
    /// The start of the command.
    Command,
}

impl Part {
    /// The heading of its section.
    fn heading(self) -> &'static str {
        match self {
            Self::Calls => "## A call",
            Self::Waiting => "## Waiting",
            Self::Listing => "## A long list",
            Self::Downloads => "## A large clip",
            Self::Batches => "## Batches",
            Self::Regen => "## Making a client",
            Self::Building => "## Building",
            Self::Sandbox => "## The sandbox",
            Self::Command => "## The command",
        }
    }

    /// Its name for `--only`.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What must be installed.
    fn programs(self) -> &'static [Program] {
        match self {
            Self::Calls => &[PYTHON, NPM, JAVA, VALGRIND],
            Self::Waiting | Self::Listing => &[],
            Self::Downloads => &[CURL, TIME, WGET],
            Self::Batches => &[POSTGRES, WRK],
            Self::Regen => &[HYPERFINE, JAVA, PYTHON],
            Self::Building => &[JAVA],
            Self::Sandbox => &[CURL, NPM, WRK],
            Self::Command => &[CURL, GH, HYPERFINE, TIME],
        }
    }

    /// Measures, and returns the section with its heading.
    fn section(self, root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
        let started = Instant::now();
        let measured = self.measure(root, length, out)?;
        let section = format!("{}\n\n{measured}", self.heading());
        Ok(sections::finished(&section, &self.name(), started.elapsed().as_secs_f64()))
    }

    fn measure(self, root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
        match self {
            Self::Calls => calls::section(root, length, out),
            Self::Waiting => waiting::section(root, length, out),
            Self::Listing => listing::section(root, length, out),
            Self::Downloads => downloads::section(root, length, out),
            Self::Batches => batches::section(root, length, out),
            Self::Regen => regen::section(root, length, out),
            Self::Building => building::section(root, length, out),
            Self::Sandbox => sandbox::section(root, length, out),
            Self::Command => command::section(root, length, out),
        }
    }
}

/// Measures the parts of the workspace at `root`, or only some, whose sections of the page are then replaced.
///
/// # Errors
/// If a baseline or a tool cannot be installed, or gives a wrong result.
pub(crate) fn run(root: &Path, length: Length, only: &[Part], out: &mut dyn Write) -> anyhow::Result<()> {
    let order: Vec<&str> = Part::value_variants().iter().map(|part| part.heading()).collect();
    let (mut page, parts) = match only {
        [] => (head(), Part::value_variants()),
        some => (stored(root)?, some),
    };
    // A run takes long: it must not fail in the middle for want of a program.
    let needed: Vec<Program> = parts.iter().flat_map(|part| part.programs()).copied().collect();
    require(&needed)?;
    let place = if length == Length::Full { DOCS } else { QUICK };
    for part in parts {
        page = sections::with(&page, &order, &part.section(root, length, out)?);
        // A run takes long: finished parts must survive a failure of a later one.
        write(&root.join(place), &page).context("the result cannot be written")?;
    }
    for plot in plots::ALL.iter().filter(|_| only.is_empty()) {
        plot.of(&page)?.with_context(|| format!("{} has no table", plot.file))?;
    }
    if length == Length::Quick {
        tell(out, &format!("\n{page}"));
    }
    tell(out, &format!("wrote {place}/{PAGE}"));
    Ok(())
}

/// Draws the plots of the stored page again.
///
/// # Errors
/// If there is no such page, or it cannot be written.
pub(crate) fn draw_again(root: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    write(&root.join(DOCS), &stored(root)?).context("the plots cannot be written")?;
    tell(out, &format!("wrote the plots of {DOCS}/{PAGE}"));
    Ok(())
}

/// The stored page, without its plots.
fn stored(root: &Path) -> anyhow::Result<String> {
    let path = root.join(DOCS).join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(plot::without_links(&page))
}

/// The text above all sections.
fn head() -> String {
    format!(
        "# Benchmarks\n\n`cargo xtask bench` writes this page. The figures of a part are from one run, and all parts from one machine, with all programs under the same conditions; only\n\
         ratios can be compared with other machines. A limit is what the machine allows to a program that does nothing else.\n\n{}",
        machine::describe()
    )
}

/// Writes the page with its plots.
fn write(place: &Path, page: &str) -> anyhow::Result<()> {
    let plots = place.join(PAGE).with_extension("");
    fs::create_dir_all(&plots)?;
    let mut page = page.to_owned();
    for plot in plots::ALL {
        if let Some((svg, linked)) = plot.of(&page)? {
            fs::write(plots.join(plot.file), svg)?;
            page = linked;
        }
    }
    Ok(fs::write(place.join(PAGE), page)?)
}

/// Reports progress.
fn tell(out: &mut dyn Write, what: &str) {
    // A closed output does not stop the measurement.
    let _ = writeln!(out, "{what}");
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_written_with_its_plots_beside_it() {
        let place = tempfile::tempdir().unwrap();
        let table = "| resolution | seconds of video a second |\n|---|---:|\n| 4k | 2.00 |";
        write(place.path(), &format!("# B\n\n### Clips\n\n{table}\n\nMore.\n")).unwrap();
        let page = fs::read_to_string(place.path().join("benchmarks.md")).unwrap();
        let (_, link) = page.split_once("](").unwrap();
        let file = link.split(')').next().unwrap();
        assert!(fs::read_to_string(place.path().join(file)).unwrap().starts_with("<svg"), "{page}");
    }

    #[test]
    fn every_part_has_a_name_and_a_heading_of_its_own() {
        let parts = Part::value_variants();
        for (at, part) in parts.iter().enumerate() {
            assert!(!part.name().is_empty());
            assert!(parts[..at].iter().all(|other| other.heading() != part.heading()), "{part:?}");
        }
    }
}
