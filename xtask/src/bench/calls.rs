//! What a call costs: the SDK beside clients by hand and clients from generators.

mod contestants;
mod instructions;

use std::io::Write;
use std::path::Path;

use self::contestants::{Contestant, Contestants, Plan};
use super::fixed::{Answers, FixedServer, PEERS, Programs, Samples};
use super::generated::Generated;
use super::report::{Report, median, met};
use super::table::{figure, table};
use super::{Length, build, tell};

/// How many calls are under way at a time, where it is more than one.
const IN_FLIGHT: usize = 64;
/// How much more than by hand a call may take.
const GOAL: f64 = 1.03;

pub(super) fn section(root: &Path, length: Length, out: &mut dyn Write) -> Result<String, String> {
    tell(out, "a call, beside reqwest, hyper and generated clients");
    let programs = Programs::build(root)?;
    let generated = Generated::make(root)?;
    let samples = Samples::take(root)?;
    let server = FixedServer::start(&programs.server, &samples, Answers::default())?;
    let contestants =
        Contestants { programs: &programs, generated: &generated, server: &server, samples: &samples };
    let one = rounds(&contestants, 1, length, out)?;
    let many = rounds(&contestants, IN_FLIGHT, length, out)?;
    let mut rows = Vec::new();
    for (reports, how) in [(&one, "one after another"), (&many, "64 in flight")] {
        let of = |figure: fn(&Report) -> f64| {
            reports.each_ref().map(|reports| Some(median(reports.iter().map(figure)) * 1e6))
        };
        rows.push(row(&format!("time, µs, {how}"), of(|report| report.wall_s), Goal::Ahead));
        rows.push(row(&format!("processor, µs, {how}"), of(|report| report.cpu_s), Goal::Ahead));
    }
    let mut instructions = [None; Contestant::ALL.len()];
    let mut blocks = [None; Contestant::ALL.len()];
    let mut bytes = [None; Contestant::ALL.len()];
    for (at, contestant) in Contestant::ALL.into_iter().enumerate().filter(|(_, one)| one.is_rust()) {
        instructions[at] = Some(instructions::of_a_call(&contestants, contestant)? / 1000.0);
        tell(out, &format!("{contestant:?}: {:?} thousand instructions", instructions[at]));
        let plan = Plan { warm_up: 64, measured: 256, in_flight: 1 };
        let report = contestants.run(contestant, plan, true)?;
        blocks[at] = report.blocks.map(|blocks| blocks / plan.measured as f64);
        bytes[at] = report.bytes.map(|bytes| bytes / plan.measured as f64);
    }
    rows.push(row("thousand instructions", instructions, Goal::AsByHand));
    rows.push(row("allocations", blocks, Goal::None));
    rows.push(row("bytes allocated", bytes, Goal::None));
    page(root, length, &rows)
}

/// What is asked of a figure of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// At most so much more than by hand, and less than each client from a generator.
    Ahead,
    /// At most so much more than by hand.
    AsByHand,
    /// Nothing.
    None,
}

/// Every contestant takes its turn in every round, so that what disturbs the machine disturbs all. Seconds are of a call.
fn rounds(
    contestants: &Contestants<'_>,
    in_flight: usize,
    length: Length,
    out: &mut dyn Write,
) -> Result<[Vec<Report>; Contestant::ALL.len()], String> {
    let mut reports = [const { Vec::new() }; Contestant::ALL.len()];
    for round in 0..length.repeats() {
        for turn in 0..Contestant::ALL.len() {
            let at = (turn + round) % Contestant::ALL.len();
            let contestant = Contestant::ALL[at];
            let plan = contestant.plan(in_flight, length);
            let mut report = contestants.run(contestant, plan, false)?;
            report.wall_s /= plan.measured as f64;
            report.cpu_s /= plan.measured as f64;
            reports[at].push(report);
        }
    }
    for (contestant, reports) in Contestant::ALL.iter().zip(&reports) {
        let times: Vec<_> = reports.iter().map(|report| figure(report.wall_s * 1e6)).collect();
        tell(out, &format!("{contestant:?}, {in_flight} in flight: {} µs", times.join(" ")));
    }
    Ok(reports)
}

const COLUMNS: usize = Contestant::ALL.len() + 4;

fn row(what: &str, figures: [Option<f64>; Contestant::ALL.len()], goal: Goal) -> [String; COLUMNS] {
    let of = |contestant: Contestant| {
        figures[Contestant::ALL.iter().position(|one| *one == contestant).unwrap_or_default()]
    };
    let ours = of(Contestant::Sdk).unwrap_or(f64::NAN);
    let ratio = ours / of(Contestant::Reqwest).unwrap_or(f64::NAN);
    let ahead = Contestant::ALL
        .into_iter()
        .filter(|one| one.is_generated())
        .filter_map(of)
        .all(|theirs| ours < theirs);
    let (asked, reached) = match goal {
        Goal::Ahead => (format!("≤ {GOAL} and ahead of generated"), met(ratio <= GOAL && ahead)),
        Goal::AsByHand => (format!("≤ {GOAL}"), met(ratio <= GOAL)),
        Goal::None => ("–".to_owned(), "–".to_owned()),
    };
    let mut cells: [String; COLUMNS] = std::array::from_fn(|_| String::new());
    what.clone_into(&mut cells[0]);
    for (cell, value) in cells[1..].iter_mut().zip(figures) {
        *cell = value.map_or_else(|| "–".to_owned(), figure);
    }
    let [.., last_ratio, last_asked, last_reached] = &mut cells;
    *last_ratio = format!("{ratio:.3}");
    (*last_asked, *last_reached) = (asked, reached);
    cells
}

fn page(root: &Path, length: Length, rows: &[[String; COLUMNS]]) -> Result<String, String> {
    let read =
        |path: &str| std::fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"));
    let lock = read(&format!("{PEERS}/Cargo.lock"))?;
    let version = |package| build::locked(&lock, package).unwrap_or_default();
    let python = read("tests/consumers/python/requirements.txt")?;
    let python = python.lines().find(|line| line.starts_with("openapi-python-client")).unwrap_or_default();
    let typescript: serde_json::Value =
        serde_json::from_str(&read("tests/consumers/typescript/package.json")?)
            .map_err(|error| error.to_string())?;
    let generator = read("tests/consumers/openapi-generator.txt")?;
    let mut head = [""; COLUMNS];
    head[0] = "of a call";
    for (cell, contestant) in head[1..].iter_mut().zip(Contestant::ALL) {
        *cell = contestant.title();
    }
    let [.., ratio, goal, reached] = &mut head;
    (*ratio, *goal, *reached) = ("ours / reqwest", "goal", "met");
    Ok(format!(
        "## A call\n\n`status` of a job that has succeeded, over connections that stay open, from one thread. A server in another process gives the\n\
         sandbox's own answer without work of its own, so that the clients are measured; it counts the requests, and what each client\n\
         has read in the end is compared. The median of {} rounds, in each of which all take turns. reqwest {} and hyper {} are used by\n\
         hand, with types for this one call; the others are the clients of {} for Rust, {} (httpx) and openapi-fetch {} (Node.js).\n\
         A bare socket that knows the length of the answer is the limit. Instructions are counted by callgrind, allocations by dhat.\n\n{}\
         Again: `cargo xtask bench --only calls`\n\n",
        length.repeats(),
        version("reqwest"),
        version("hyper"),
        generator.trim().replace("-cli==", " "),
        python.replace("==", " "),
        typescript["dependencies"]["openapi-fetch"].as_str().unwrap_or_default(),
        table(head, rows)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(ours: f64, generated: f64) -> [Option<f64>; Contestant::ALL.len()] {
        Contestant::ALL.map(|contestant| match contestant {
            Contestant::Sdk => Some(ours),
            Contestant::Reqwest => Some(100.0),
            one if one.is_generated() => Some(generated),
            _ => None,
        })
    }

    #[test]
    fn a_goal_is_missed_by_a_ratio_or_by_a_generated_client() {
        let reached = |ours, generated, goal| {
            let [.., ratio, _, reached] = row("x", figures(ours, generated), goal);
            (ratio, reached)
        };
        assert_eq!(reached(103.0, 104.0, Goal::Ahead), ("1.030".to_owned(), "yes".to_owned()));
        assert_eq!(reached(103.0, 102.0, Goal::Ahead).1, "**no**");
        assert_eq!(reached(103.0, 102.0, Goal::AsByHand).1, "yes");
        assert_eq!(reached(104.0, 200.0, Goal::Ahead).1, "**no**");
        assert_eq!(reached(104.0, 200.0, Goal::None).1, "–");
    }
}
