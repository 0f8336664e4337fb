//! Batches: the rate and the cost of an item, on SQLite and with several processes on one PostgreSQL, and large plans.

mod large_plans;
mod limit;
mod scene;

use std::io::Write;
use std::path::Path;

use external_tools::postgres::Postgres;

use self::scene::{Load, Measured, Scene, Store, describe};
use crate::measure::build::{executables, named};
use crate::page::goals::{Goal, goals};
use crate::page::table::{count, figure, none, table};
use crate::parts::{Length, tell};

/// The values of `-j` of the runs of one process, and the wanted items a second.
const ONE_PROCESS: [(usize, f64); 2] = [(64, 150.0), (512, 500.0)];

/// The numbers of processes that share a database, and `-j` of each, so that one of them keeps no core busy.
const WORKERS: [usize; 4] = [1, 2, 4, 8];
const CONCURRENCY: usize = 16;

/// The least rate of twice as many processes, to twice the rate.
const SCALING: f64 = 0.8;

/// From this share of busy processors on, more processes cannot be faster.
const BUSY: f64 = 0.9;

const MOST_MEMORY_MB: f64 = 100.0;

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "batches, on SQLite and PostgreSQL");
    let built = executables(root, root, "-p infrai-video-cli --features postgres")?;
    let scene = Scene { command: named(&built, "infrai-video")?, root: root.to_owned() };
    let (lines, lines_each) = if length == Length::Full { (10_000, 800) } else { (500, 60) };
    let mut measure = |load: Load<'_>| {
        let measured = scene.run(load)?;
        tell(out, &format!("{} x -j {}: {}", load.workers, load.concurrency, describe(&measured)));
        anyhow::Ok(measured)
    };
    let sqlite = ONE_PROCESS
        .map(|(concurrency, _)| measure(Load { store: Store::Sqlite, lines, workers: 1, concurrency }));
    let [sqlite_64, sqlite_512] = sqlite;
    let sqlite = [sqlite_64?, sqlite_512?];
    // Each commit is on the disk, as for users.
    let server = Postgres::start(&["max_connections=200"])?;
    let mut shared = Vec::new();
    for workers in WORKERS {
        let store = Store::Postgres(&server);
        shared.push(measure(Load { store, lines: lines_each * workers, workers, concurrency: CONCURRENCY })?);
    }
    let store = Store::Postgres(&server);
    let busiest = measure(Load { store, lines, workers: 8, concurrency: 64 })?;
    drop(server);
    let limit = limit::items_per_second(&scene, length)?;
    tell(out, &format!("limit: {limit:.0} items/s"));
    let large = large_plans::measure(&scene, if length == Length::Full { 100_000 } else { 5000 }, out)?;
    Ok(text(&Results { lines, lines_each, sqlite, shared, busiest, limit, large }))
}

/// All that was measured.
struct Results {
    lines: usize,
    lines_each: usize,
    sqlite: [Measured; ONE_PROCESS.len()],
    /// In the order of [`WORKERS`].
    shared: Vec<Measured>,
    busiest: Measured,
    limit: f64,
    large: large_plans::Measured,
}

fn text(results: &Results) -> String {
    let Results { lines, lines_each, sqlite, shared, busiest, limit, large } = results;
    let mut wanted = Vec::new();
    for ((concurrency, least), measured) in ONE_PROCESS.iter().zip(sqlite) {
        let what = format!("SQLite, -j {concurrency}: items a second");
        wanted.push(Goal::at_least(what, measured.items_per_second(), *least).with_limit(*limit));
    }
    let what = format!("SQLite, -j {}: peak MB", ONE_PROCESS[1].0);
    wanted.push(Goal::at_most(what, megabytes(sqlite[1].taken.peak_kib), MOST_MEMORY_MB));
    let mut saturated = Vec::new();
    for (workers, pair) in WORKERS.iter().zip(shared.windows(2)) {
        let twice = 2 * workers;
        if pair[1].taken.busy >= BUSY {
            saturated.push(twice.to_string());
            continue;
        }
        let what = format!("PostgreSQL, {twice} processes: items a second, to twice those of {workers}");
        let rates = [&pair[1], &pair[0]].map(Measured::items_per_second);
        wanted.push(Goal::more(what, rates[0], 2.0 * rates[1], SCALING));
    }
    let saturated = match saturated.is_empty() {
        true => "No run of this table kept them so busy.".to_owned(),
        false => format!("The run of {} processes did.", saturated.join(" and of ")),
    };
    wanted.extend(large.goals());
    format!(
        "`batch run` with {} lines for clips of {:.0} kB, in a sandbox on the same machine, whose clock runs 100 times as fast, so that a job\n\
         takes 30 to 40 ms, and which renders one clip for all. A run is measured from the start of the processes to the exit of the last.\n\
         Each run is checked: one charge for each line, none twice, and all clips on the disk. An item is a request, a wait, and a download that is\n\
         verified and synced; each step is synced to the ledger before the next begins. Processor time is that of the command alone, and the\n\
         machine's busy share that of all cores and all programs. Bytes of the ledger are what the process wrote to the disk without the\n\
         clips, for SQLite, and the write-ahead log of PostgreSQL. The limit is what the sandbox serves to a program that costs nothing:\n\
         items a second if each takes one request of `generate`, one of `status`, one of `download_url` and one for the file, each kind sent\n\
         by wrk over 16 connections.\n\n\
         ### One process, on SQLite\n\n{}\
         At `-j 512` the kernel takes most of the processor time, so that the rate depends on the state of the machine: 765 items a second\n\
         with 5,000 lines, and from 410 to 520 with 10,000. Each clip creates and removes two sidecars of its part file. ext4 passes over every\n\
         inode that was removed in the last minutes before it takes a free one, and the other threads wait for the lock of the directory: in a\n\
         profile of 5,000 lines this took more than half of the samples. What was tried before: shared transactions of the ledger, and at most\n\
         64 downloads at the same time. What is left is one sidecar for each clip, which would change what a crash leaves behind.\n\n\
         ### Several processes, on one PostgreSQL\n\n\
         Each process has `-j {CONCURRENCY}`, so that it cannot keep a core busy alone, and the plan has {} lines for each of them. The last row has\n\
         8 processes with `-j 64`, and {} lines. Two times as many processes should make at least {SCALING} times two times as many items a second while\n\
         cores last: there is no goal for a run that keeps the processors busy for more than {:.0} % of its time. {saturated}\n\
         A process that finds no free item looks again, since another may die: after 0.1 s, and then after twice as long each time, up to 2 s.\n\n{}\
         ### Large plans\n\n{}{}",
        figure(*lines as f64),
        sqlite[0].clip_bytes / 1000.0,
        sqlite_table(sqlite, *limit),
        count(u32::try_from(*lines_each).unwrap_or(u32::MAX)),
        figure(*lines as f64),
        BUSY * 100.0,
        shared_table(shared, busiest),
        large.text(),
        goals(&wanted)
    )
}

fn sqlite_table(sqlite: &[Measured], limit: f64) -> String {
    let rows = ONE_PROCESS.iter().zip(sqlite).map(|((concurrency, _), measured)| {
        let [rate, rest @ ..] = cells(measured);
        let [a, b, c, d, e, f] = rest;
        [format!("-j {concurrency}"), rate, figure(measured.items_per_second() / limit), a, b, c, d, e, f]
    });
    let mut rows: Vec<_> = rows.collect();
    let limit = [figure(limit), figure(1.0), none(), none(), none(), none(), none(), none()];
    let [a, b, c, d, e, f, g, h] = limit;
    rows.push(["limit: the sandbox alone".to_owned(), a, b, c, d, e, f, g, h]);
    table(
        [
            "run",
            "items a second",
            "to the limit",
            "processor, ms an item",
            "transactions an item",
            "ledger kB an item",
            "requests an item",
            "peak MB",
            "machine busy, %",
        ],
        &rows,
    )
}

fn shared_table(shared: &[Measured], busiest: &Measured) -> String {
    let row = |name: String, scaling: String, measured: &Measured| {
        let [rate, a, b, c, d, e, f] = cells(measured);
        [name, rate, scaling, a, b, c, d, e, f]
    };
    let one = shared.first().map_or(f64::NAN, Measured::items_per_second);
    let mut rows: Vec<_> = WORKERS
        .iter()
        .zip(shared)
        .map(|(workers, measured)| {
            let scaling = measured.items_per_second() / one / *workers as f64;
            row(format!("{workers} x -j {CONCURRENCY}"), figure(scaling), measured)
        })
        .collect();
    rows.push(row("8 x -j 64".to_owned(), none(), busiest));
    table(
        [
            "processes",
            "items a second",
            "to one, for each",
            "processor, ms an item",
            "transactions an item",
            "ledger kB an item",
            "requests an item",
            "peak MB",
            "machine busy, %",
        ],
        &rows,
    )
}

/// Items a second, and what an item takes.
fn cells(measured: &Measured) -> [String; 7] {
    let each = |whole: f64| figure(whole / measured.lines);
    [
        figure(measured.items_per_second()),
        each(measured.taken.cpu_s * 1000.0),
        each(measured.transactions),
        each(measured.ledger_bytes / 1000.0),
        each(measured.requests),
        figure(megabytes(measured.taken.peak_kib)),
        figure(measured.taken.busy * 100.0),
    ]
}

fn megabytes(kib: f64) -> f64 {
    kib * 1.024 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::process::Taken;

    fn measured(lines: f64, wall_s: f64, busy: f64) -> Measured {
        let taken = Taken { wall_s, cpu_s: 1.0, peak_kib: 50_000.0, written: 0.0, busy };
        Measured {
            lines,
            taken,
            transactions: 500.0,
            ledger_bytes: 1e6,
            requests: 400.0,
            clip_bytes: 20_000.0,
        }
    }

    #[test]
    fn a_doubling_has_a_goal_while_cores_last() {
        let results = Results {
            lines: 100,
            lines_each: 10,
            sqlite: [measured(100.0, 1.0, 0.2), measured(100.0, 0.1, 0.5)],
            shared: [(10.0, 0.2), (20.0, 0.4), (30.0, 0.8), (35.0, 0.95)]
                .map(|(lines, busy)| measured(lines, 1.0, busy))
                .into(),
            busiest: measured(100.0, 1.0, 1.0),
            limit: 2000.0,
            large: large_plans::Measured::default(),
        };
        let text = text(&results);
        assert!(
            text.contains("| SQLite, -j 64: items a second | 100 | – | 2,000 | – | at least 150 | **no** |"),
            "{text}"
        );
        assert!(
            text.contains("to twice those of 1 | 20.0 | 20.0 | – | 1.000 | at least 0.8 | yes |"),
            "{text}"
        );
        assert!(
            text.contains("to twice those of 2 | 30.0 | 40.0 | – | 0.750 | at least 0.8 | **no** |"),
            "{text}"
        );
        assert!(!text.contains("to twice those of 4"), "{text}");
        assert!(text.contains("The run of 8 processes did."), "{text}");
    }
}
