//! `cargo xtask bench`: measures side by side, in one run on one machine, and writes `docs/benchmarks.md`.

mod build;
mod building;
mod call;
mod calls;
mod command;
mod debian;
mod downloads;
mod fixed;
mod generated;
mod goals;
mod hyperfine;
mod listing;
mod load;
mod machine;
mod one_answer;
mod page;
mod plot;
mod plots;
mod regen;
mod report;
mod sandbox;
mod table;
mod waiting;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::ValueEnum;

/// Where the page and the folder of its plots go, below the root.
const DOCS: &str = "docs";

/// Where they go after a quick run.
const QUICK: &str = "target/bench/quick";

/// The name of the page. Its plots are in a folder of the same name.
const PAGE: &str = "benchmarks.md";

/// How long a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Long enough to be published.
    Full,
    /// A few minutes, to see that all works. The page is printed, and written where nobody takes it for a result.
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

/// A part of the page, in the page's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// What a call of the SDK costs.
    Calls,
    /// How many requests a wait takes, and how late it ends.
    Waiting,
    /// How fast a long list is read.
    Listing,
    /// How fast a large clip comes onto the disk.
    Downloads,
    /// How long a client takes to make from the document.
    Regen,
    /// What a program that uses the SDK costs to build.
    Building,
    /// How fast the sandbox answers and renders.
    Sandbox,
    /// How the command starts.
    Command,
}

impl Part {
    /// The line that it begins with.
    fn heading(self) -> &'static str {
        match self {
            Self::Calls => "## A call",
            Self::Waiting => "## Waiting",
            Self::Listing => "## A long list",
            Self::Downloads => "## A large clip",
            Self::Regen => "## Making a client",
            Self::Building => "## Building",
            Self::Sandbox => "## The sandbox",
            Self::Command => "## The command",
        }
    }

    /// What `--only` calls it.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The part of the page, from its heading on.
    fn section(self, root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
        let started = Instant::now();
        let measured = self.measure(root, length, out)?;
        let section = format!("{}\n\n{measured}", self.heading());
        Ok(page::finished(&section, &self.name(), started.elapsed().as_secs_f64()))
    }

    fn measure(self, root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
        match self {
            Self::Calls => calls::section(root, length, out),
            Self::Waiting => waiting::section(root, length, out),
            Self::Listing => listing::section(root, length, out),
            Self::Downloads => downloads::section(root, length, out),
            Self::Regen => regen::section(root, length, out),
            Self::Building => building::section(root, length, out),
            Self::Sandbox => sandbox::section(root, length, out),
            Self::Command => command::section(root, length, out),
        }
    }
}

/// Measures on the workspace at `root` all there is to measure, or one part, whose place on the page is then written anew.
///
/// # Errors
/// If a peer or a tool cannot be had, or answers what it should not: in words.
pub fn run(root: &Path, length: Length, only: Option<Part>, out: &mut dyn Write) -> Result<(), String> {
    let order: Vec<&str> = Part::value_variants().iter().map(|part| part.heading()).collect();
    let (mut page, parts) = match only {
        None => (head(), Part::value_variants().to_vec()),
        Some(part) => {
            let path = root.join(DOCS).join(PAGE);
            let page = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            (plot::without_links(&page), vec![part])
        }
    };
    let place = if length == Length::Full { DOCS } else { QUICK };
    let unwritten = |error| format!("the result cannot be written: {error}");
    for part in parts {
        page = page::with(&page, &order, &part.section(root, length, out)?);
        // A run takes long: what it has measured is not lost with what comes after.
        write(&root.join(place), &page).map_err(unwritten)?;
    }
    if length == Length::Quick {
        tell(out, &format!("\n{page}"));
    }
    tell(out, &format!("wrote {place}/{PAGE}"));
    Ok(())
}

/// What stands above all sections.
fn head() -> String {
    format!(
        "# Benchmarks\n\n`cargo xtask bench` makes this page. Every figure is of one run on one machine, peers beside each other; only the\n\
         ratios say something about other machines. A limit is what the machine allows to a program that does nothing else.\n\n{}",
        machine::describe()
    )
}

/// Writes the page with its plots.
fn write(place: &Path, page: &str) -> std::io::Result<()> {
    let plots = place.join(PAGE).with_extension("");
    fs::create_dir_all(&plots)?;
    let mut page = page.to_owned();
    for plot in plots::ALL {
        if let Some((svg, linked)) = plot.of(&page) {
            fs::write(plots.join(plot.file), svg)?;
            page = linked;
        }
    }
    fs::write(place.join(PAGE), page)
}

/// Says what is being measured.
fn tell(out: &mut dyn Write, what: &str) {
    // Where nobody reads on, the measurement itself still counts.
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
