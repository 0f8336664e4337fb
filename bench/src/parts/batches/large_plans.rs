//! Time and memory of a plan with very many lines.

use std::io::Write;

use super::scene::{Scene, write_plan};
use super::{MOST_MEMORY_MB, megabytes};
use crate::measure::process;
use crate::page::goals::Goal;
use crate::page::table::{figure, table};
use crate::parts::tell;

/// The commands, in this order, with their arguments separated by spaces.
const COMMANDS: [&str; 5] = [
    "batch run plan.jsonl --dry-run",
    "batch run plan.jsonl --dry-run --json",
    "batch run plan.jsonl -j 512 --quiet",
    "batch run plan.jsonl --dry-run",
    "batch status plan",
];

/// What the commands did, for the table.
const SHOWN: [&str; COMMANDS.len()] = [
    "batch run --dry-run, nothing recorded",
    "batch run --dry-run --json, nothing recorded",
    "batch run -j 512, all clips",
    "batch run --dry-run, all saved",
    "batch status NAME",
];

/// Seconds and peak MB of each command.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Measured {
    lines: usize,
    runs: Vec<(f64, f64)>,
}

pub(super) fn measure(scene: &Scene, lines: usize, out: &mut dyn Write) -> anyhow::Result<Measured> {
    let sandbox = scene.sandbox()?;
    let place = scene.place()?;
    write_plan(place.path(), lines)?;
    let mut runs = Vec::new();
    for arguments in COMMANDS {
        let mut command = scene.command(&sandbox, place.path());
        command.args(arguments.split(' ')).stderr(std::process::Stdio::null());
        let taken = process::run(&mut [command], || ())?;
        tell(out, &format!("{lines} lines, {arguments}: {:.2} s, {} KiB", taken.wall_s, taken.peak_kib));
        runs.push((taken.wall_s, megabytes(taken.peak_kib)));
    }
    Ok(Measured { lines, runs })
}

impl Measured {
    pub(super) fn text(&self) -> String {
        let rows: Vec<_> = SHOWN
            .iter()
            .zip(&self.runs)
            .map(|(shown, (seconds, peak))| [(*shown).to_owned(), figure(*seconds), figure(*peak)])
            .collect();
        format!(
            "A plan with {} lines, on SQLite. The commands run in this order, with one ledger; each is measured once, from start to exit.\n\n{}",
            figure(self.lines as f64),
            table(["command", "seconds", "peak MB"], &rows)
        )
    }

    pub(super) fn goals(&self) -> impl Iterator<Item = Goal> {
        let lines = figure(self.lines as f64);
        SHOWN.iter().zip(&self.runs).map(move |(shown, (_, peak))| {
            Goal::at_most(format!("{lines} lines, {shown}: peak MB"), *peak, MOST_MEMORY_MB)
        })
    }
}
