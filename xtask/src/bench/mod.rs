//! `cargo xtask bench`: measures side by side, in one run on one machine, and writes `docs/benchmarks.md`.

mod building;
mod call;
mod command;
mod hyperfine;
mod load;
mod machine;
mod one_answer;
mod prism;
mod regen;
mod sandbox;
mod table;
mod waiting;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;

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

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// How fast the sandbox answers and renders.
    Sandbox,
    /// How the command starts.
    Command,
    /// What a program that uses the SDK costs to build.
    Building,
    /// How long a client takes to make from the document.
    Regen,
    /// How many requests a wait takes, and how late it ends.
    Waiting,
}

impl Part {
    /// The line that it begins with.
    fn heading(self) -> &'static str {
        match self {
            Self::Command => "## The command",
            Self::Sandbox => "## The sandbox",
            Self::Building => "## Building",
            Self::Regen => "## Making a client",
            Self::Waiting => "## Waiting",
        }
    }

    fn measure(self, root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
        match self {
            Self::Command => command::section(root, length, out),
            Self::Sandbox => sandbox::section(root, length, out),
            Self::Building => building::section(root, length, out),
            Self::Regen => regen::section(root, length, out),
            Self::Waiting => waiting::section(root, length, out),
        }
    }
}

/// Measures on the workspace at `root` all there is to measure, or one part, whose place on the page is then written anew.
///
/// # Errors
/// If a peer or a tool cannot be had, or answers what it should not: in words.
pub fn run(root: &Path, length: Length, only: Option<Part>, out: &mut dyn Write) -> Result<(), String> {
    let path = root.join(PAGE);
    let page = match only {
        None => {
            let mut page = String::from(
                "# Benchmarks\n\n`cargo xtask bench` makes this page. Every figure is of one run on one machine, peers beside each other; only the\n\
                 ratios say something about other machines.\n\n",
            );
            page.push_str(&machine::describe());
            for part in Part::value_variants() {
                page.push_str(&part.measure(root, length, out)?);
            }
            page
        }
        Some(part) => {
            let page = fs::read_to_string(&path).map_err(|error| format!("{PAGE}: {error}"))?;
            with(&page, part.heading(), &part.measure(root, length, out)?)
        }
    };
    let written = match length {
        Length::Full => {
            let directory = path.parent().unwrap_or(root);
            fs::create_dir_all(directory)
                .and_then(|()| fs::write(&path, &page))
                .and_then(|()| writeln!(out, "wrote {PAGE}"))
        }
        Length::Quick => writeln!(out, "\n{page}"),
    };
    written.map_err(|error| format!("the result cannot be written: {error}"))
}

/// The page with that section in place of the one under the same heading, or at its end.
fn with(page: &str, heading: &str, section: &str) -> String {
    let Some(start) = page.find(&format!("{heading}\n")) else {
        return format!("{page}{section}");
    };
    let rest = &page[start + heading.len()..];
    let after = rest.find("\n## ").map_or("", |next| &rest[next + 1..]);
    format!("{}{section}{after}", &page[..start])
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
    fn one_section_is_replaced_and_the_others_stay() {
        let page = "# B\n\n## The command\n\nold\n\n## The sandbox\n\n### Calls\n\nkept\n";
        let changed = with(page, "## The command", "## The command\n\nnew\n\n");
        assert_eq!(changed, page.replace("old", "new"));
        let last = with(page, "## The sandbox", "## The sandbox\n\nnew\n");
        assert_eq!(last, "# B\n\n## The command\n\nold\n\n## The sandbox\n\nnew\n");
        assert_eq!(with("# B\n\n", "## The command", "## The command\n"), "# B\n\n## The command\n");
    }
}
