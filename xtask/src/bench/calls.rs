//! What a call costs: the SDK beside clients by hand and clients from generators.

mod contestants;
mod instructions;

use std::io::Write;
use std::path::Path;

use self::contestants::{Contestant, Contestants, Plan};
use super::fixed::{Answers, FixedServer, PEERS, Programs, Samples};
use super::generated::Generated;
use super::goals::{Goal, goals};
use super::report::{Report, median};
use super::table::{figure, some, table};
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
    let mut figures = Vec::new();
    for (at, contestant) in Contestant::ALL.into_iter().enumerate() {
        let counts = if contestant.is_rust() { Some(counts(&contestants, contestant, out)?) } else { None };
        let (one, many) = (Times::median(&one[at]), Times::median(&many[at]));
        figures.push(Figures { contestant, one, many, counts });
    }
    Ok(format!(
        "{}### One after another\n\n{}### {IN_FLIGHT} in flight\n\n{}{}",
        text(root, length)?,
        one_after_another(&figures),
        in_flight(&figures),
        goals(&wanted(&figures))
    ))
}

/// What a call of one contestant takes.
#[derive(Debug, Clone, Copy)]
struct Figures {
    contestant: Contestant,
    one: Times,
    many: Times,
    counts: Option<Counts>,
}

/// Microseconds of a call.
#[derive(Debug, Clone, Copy)]
struct Times {
    wall: f64,
    processor: f64,
}

impl Times {
    fn median(reports: &[Report]) -> Self {
        let of = |seconds: fn(&Report) -> f64| median(reports.iter().map(seconds)) * 1e6;
        Self { wall: of(|report| report.wall_s), processor: of(|report| report.cpu_s) }
    }
}

/// What is counted of a call, where there is no compiler at work beside it.
#[derive(Debug, Clone, Copy)]
struct Counts {
    thousand_instructions: f64,
    blocks: f64,
    bytes: f64,
}

fn counts(
    contestants: &Contestants<'_>,
    contestant: Contestant,
    out: &mut dyn Write,
) -> Result<Counts, String> {
    let plan = Plan { warm_up: 64, measured: 256, in_flight: 1 };
    let report = contestants.run(contestant, plan, true)?;
    let of_a_call = |all: Option<f64>| all.map_or(f64::NAN, |all| all / plan.measured as f64);
    let counts = Counts {
        thousand_instructions: instructions::of_a_call(contestants, contestant)? / 1000.0,
        blocks: of_a_call(report.blocks),
        bytes: of_a_call(report.bytes),
    };
    tell(out, &format!("{contestant:?}: {counts:?}"));
    Ok(counts)
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

fn of(figures: &[Figures], contestant: Contestant) -> &Figures {
    figures.iter().find(|figures| figures.contestant == contestant).expect("all take part")
}

fn one_after_another(figures: &[Figures]) -> String {
    let ours = of(figures, Contestant::Sdk);
    let rows: Vec<_> = figures
        .iter()
        .map(|one| {
            [
                one.contestant.title().to_owned(),
                figure(one.one.wall),
                figure(ours.one.wall / one.one.wall),
                figure(one.one.processor),
                some(one.counts.map(|counts| counts.thousand_instructions)),
                some(one.counts.map(|counts| counts.blocks)),
                some(one.counts.map(|counts| counts.bytes)),
            ]
        })
        .collect();
    let head = [
        "client",
        "time, µs",
        "ours / it",
        "processor, µs",
        "thousand instructions",
        "allocations",
        "bytes allocated",
    ];
    table(head, &rows)
}

fn in_flight(figures: &[Figures]) -> String {
    let ours = of(figures, Contestant::Sdk);
    let rows: Vec<_> = figures
        .iter()
        .map(|one| {
            [
                one.contestant.title().to_owned(),
                figure(one.many.wall),
                figure(ours.many.wall / one.many.wall),
                figure(one.many.processor),
            ]
        })
        .collect();
    table(["client", "time, µs", "ours / it", "processor, µs"], &rows)
}

/// One of the figures.
type Measure = fn(&Figures) -> f64;

fn wanted(figures: &[Figures]) -> Vec<Goal> {
    let (ours, by_hand) = (of(figures, Contestant::Sdk), of(figures, Contestant::Reqwest));
    let mut goals = Vec::new();
    let measures: [(&str, Measure); 4] = [
        ("µs, one after another", |one| one.one.wall),
        ("µs of processor, one after another", |one| one.one.processor),
        ("µs, 64 in flight", |one| one.many.wall),
        ("µs of processor, 64 in flight", |one| one.many.processor),
    ];
    for (what, measure) in measures {
        goals.push(Goal::less(format!("{what}, to reqwest"), measure(ours), measure(by_hand), GOAL));
        let generated = figures.iter().filter(|one| one.contestant.is_generated()).map(measure);
        let fastest = generated.fold(f64::NAN, f64::min);
        let what = format!("{what}, to the fastest generated client");
        goals.push(Goal::less(what, measure(ours), fastest, 1.0));
    }
    let instructions = |one: &Figures| one.counts.map_or(f64::NAN, |counts| counts.thousand_instructions);
    let what = "thousand instructions, to reqwest";
    goals.push(Goal::less(what, instructions(ours), instructions(by_hand), GOAL));
    goals
}

/// What is said above the tables.
fn text(root: &Path, length: Length) -> Result<String, String> {
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
    Ok(format!(
        "`status` of a job that has succeeded, over connections that stay open, from one thread. A server in another process gives the\n\
         sandbox's own answer without work of its own, so that the clients are measured; it counts the requests, and what each client\n\
         has read in the end is compared. The median of {} rounds, in each of which all take turns. reqwest {} and hyper {} are used by\n\
         hand, with types for this one call; the others are the clients of {} for Rust, {} (httpx) and openapi-fetch {} (Node.js).\n\
         A bare socket that knows the length of the answer is the limit. Instructions are counted by callgrind, allocations by dhat.\n\n\
         What was found, by callgrind: a call took 98.7 thousand instructions at first. What was over reqwest's went to a second pass over\n\
         each body, to parsing the base URL for each call, and to passing the answer on as a response of reqwest's; none of the three is\n\
         left. Of reqwest's own, 23 thousand are three parses of one URL, two of them inside it. By perf the kernel's time is that of reqwest by\n\
         hand, and what is over is in the program, although its instructions are 1 % more: it is a longer way through code that is cold after each\n\
         sleep. With 64 in flight it is warm, and little is left; rounds of one client differ by more.\n\n",
        length.repeats(),
        version("reqwest"),
        version("hyper"),
        generator.trim().replace("-cli==", " "),
        python.replace("==", " "),
        typescript["dependencies"]["openapi-fetch"].as_str().unwrap_or_default(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All figures of ours, of the generated clients, and 100 for all others.
    fn figures(ours: f64, generated: f64) -> Vec<Figures> {
        let of = |contestant: Contestant| {
            let value = match contestant {
                Contestant::Sdk => ours,
                one if one.is_generated() => generated,
                _ => 100.0,
            };
            let times = Times { wall: value, processor: value };
            let counts = Counts { thousand_instructions: value, blocks: value, bytes: value };
            Figures { contestant, one: times, many: times, counts: contestant.is_rust().then_some(counts) }
        };
        Contestant::ALL.map(of).to_vec()
    }

    #[test]
    fn a_goal_is_missed_by_a_ratio_or_by_a_generated_client() {
        let missed = |ours, generated| goals(&wanted(&figures(ours, generated))).matches("**no**").count();
        assert_eq!(missed(103.0, 104.0), 0);
        // Behind a generated client in four measures; further than by hand in those and in instructions.
        assert_eq!(missed(103.0, 102.0), 4);
        assert_eq!(missed(104.0, 200.0), 5);
    }

    #[test]
    fn each_contestant_has_a_line_and_only_some_are_counted() {
        let figures = figures(50.0, 200.0);
        let shown = one_after_another(&figures);
        assert!(shown.contains("\n| openapi-fetch, Node.js | 200 | 0.25 | 200 | – | – | – |\n"), "{shown}");
        assert!(
            shown.contains("\n| limit: a bare socket | 100 | 0.50 | 100 | 100 | 100 | 100 |\n"),
            "{shown}"
        );
        assert_eq!(in_flight(&figures).lines().count(), Contestant::ALL.len() + 3);
    }
}
