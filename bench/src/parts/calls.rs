//! The cost of a call: the SDK beside clients written by hand and generated clients.

mod clients;
mod instructions;

use std::io::Write;
use std::path::Path;

use anyhow::Context as _;

use self::clients::{Client, Clients, Plan};
use crate::measure::build;
use crate::measure::fixed_server::{FixedServer, PEERS, Programs, Responses, Samples};
use crate::measure::generated_clients::Generated;
use crate::measure::report::{Report, median};
use crate::page::goals::{Goal, goals};
use crate::page::table::{figure, some, table};
use crate::parts::{Length, tell};

/// The number of concurrent calls in the second table.
const IN_FLIGHT: usize = 64;
/// The largest ratio to a client written by hand.
const GOAL: f64 = 1.03;

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "a call, beside reqwest, hyper and generated clients");
    let programs = Programs::build(root)?;
    let generated = Generated::make(root)?;
    let samples = Samples::take(root)?;
    let server = FixedServer::start(&programs.server, &samples, Responses::default())?;
    let clients = Clients { programs: &programs, generated: &generated, server: &server, samples: &samples };
    let one = rounds(&clients, 1, length, out)?;
    let many = rounds(&clients, IN_FLIGHT, length, out)?;
    let mut figures = Vec::new();
    for (at, client) in Client::ALL.into_iter().enumerate() {
        let counts = if client.is_rust() { Some(counts(&clients, client, out)?) } else { None };
        let (one, many) = (Times::median(&one[at]), Times::median(&many[at]));
        figures.push(Figures { client, one, many, counts });
    }
    Ok(format!(
        "{}### One after another\n\n{}### {IN_FLIGHT} in flight\n\n{}{}",
        text(root, length)?,
        one_after_another(&figures),
        in_flight(&figures),
        goals(&wanted(&figures))
    ))
}

/// The cost of a call by one client.
#[derive(Debug, Clone, Copy)]
struct Figures {
    client: Client,
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

/// The counts of a call, for clients without a just-in-time compiler.
#[derive(Debug, Clone, Copy)]
struct Counts {
    thousand_instructions: f64,
    blocks: f64,
    bytes: f64,
}

fn counts(clients: &Clients<'_>, client: Client, out: &mut dyn Write) -> anyhow::Result<Counts> {
    let plan = Plan { warm_up: 64, measured: 256, in_flight: 1 };
    let report = clients.run(client, plan, true)?;
    let of_a_call = |all: Option<f64>| all.map_or(f64::NAN, |all| all / plan.measured as f64);
    let counts = Counts {
        thousand_instructions: instructions::of_a_call(clients, client)? / 1000.0,
        blocks: of_a_call(report.blocks),
        bytes: of_a_call(report.bytes),
    };
    tell(out, &format!("{client:?}: {counts:?}"));
    Ok(counts)
}

/// Every client runs in every round, so that disturbances of the machine affect all of them. Seconds are per call.
fn rounds(
    clients: &Clients<'_>,
    in_flight: usize,
    length: Length,
    out: &mut dyn Write,
) -> anyhow::Result<[Vec<Report>; Client::ALL.len()]> {
    let mut reports = [const { Vec::new() }; Client::ALL.len()];
    for round in 0..length.repeats() {
        for turn in 0..Client::ALL.len() {
            let at = (turn + round) % Client::ALL.len();
            let client = Client::ALL[at];
            let plan = client.plan(in_flight, length);
            let mut report = clients.run(client, plan, false)?;
            report.wall_s /= plan.measured as f64;
            report.cpu_s /= plan.measured as f64;
            reports[at].push(report);
        }
    }
    for (client, reports) in Client::ALL.iter().zip(&reports) {
        let times: Vec<_> = reports.iter().map(|report| figure(report.wall_s * 1e6)).collect();
        tell(out, &format!("{client:?}, {in_flight} in flight: {} µs", times.join(" ")));
    }
    Ok(reports)
}

fn of(figures: &[Figures], client: Client) -> &Figures {
    figures.iter().find(|figures| figures.client == client).expect("all take part")
}

fn one_after_another(figures: &[Figures]) -> String {
    let ours = of(figures, Client::Sdk);
    let rows: Vec<_> = figures
        .iter()
        .map(|one| {
            [
                one.client.title().to_owned(),
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
    let ours = of(figures, Client::Sdk);
    let rows: Vec<_> = figures
        .iter()
        .map(|one| {
            [
                one.client.title().to_owned(),
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
    let (ours, by_hand) = (of(figures, Client::Sdk), of(figures, Client::Reqwest));
    let mut goals = Vec::new();
    let measures: [(&str, Measure); 4] = [
        ("µs, one after another", |one| one.one.wall),
        ("µs of processor, one after another", |one| one.one.processor),
        ("µs, 64 in flight", |one| one.many.wall),
        ("µs of processor, 64 in flight", |one| one.many.processor),
    ];
    for (what, measure) in measures {
        goals.push(Goal::less(format!("{what}, to reqwest"), measure(ours), measure(by_hand), GOAL));
        let generated = figures.iter().filter(|one| one.client.is_generated()).map(measure);
        let fastest = generated.fold(f64::NAN, f64::min);
        let what = format!("{what}, to the fastest generated client");
        goals.push(Goal::less(what, measure(ours), fastest, 1.0));
    }
    let instructions = |one: &Figures| one.counts.map_or(f64::NAN, |counts| counts.thousand_instructions);
    let what = "thousand instructions, to reqwest";
    goals.push(Goal::less(what, instructions(ours), instructions(by_hand), GOAL));
    goals
}

/// The text above the tables.
fn text(root: &Path, length: Length) -> anyhow::Result<String> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).with_context(|| format!("{path}"));
    let lock = read(&format!("{PEERS}/Cargo.lock"))?;
    let version = |package| build::locked(&lock, package).unwrap_or_default();
    let python = read("tests/cross_language/python/requirements.txt")?;
    let python = python.lines().find(|line| line.starts_with("openapi-python-client")).unwrap_or_default();
    let typescript: serde_json::Value =
        serde_json::from_str(&read("tests/cross_language/typescript/package.json")?)?;
    let generator = read("tests/cross_language/openapi-generator.txt")?;
    Ok(format!(
        "`status` of a finished job, over open connections, from one thread. A server in another process sends a stored response of the\n\
         sandbox, so that only the clients are measured. It counts the requests, and the results that the clients read are compared at the end.\n\
         The median of {} rounds; in each round the clients take turns. reqwest {} and hyper {} are used by hand, with types for\n\
         this one call. The others are clients generated by {} for Rust, {} (httpx), and openapi-fetch {} (Node.js).\n\
         The limit is a bare socket that knows the length of the response. callgrind counts instructions, dhat allocations.\n\n\
         The SDK executes 1 % more instructions than reqwest by hand, but takes more time: perf shows the same time in the kernel and more in\n\
         the program. The likely cause is that the SDK executes more distinct code, which has left the processor's caches after each wait for\n\
         the network. With 64 calls in flight the code stays in the caches, and the difference is smaller than that between two rounds of one\n\
         client. Of reqwest's instructions, 23 thousand parse the same URL three times, twice inside reqwest.\n\n",
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

    /// One value for all of our figures, one for the generated clients, and 100 for all others.
    fn figures(ours: f64, generated: f64) -> Vec<Figures> {
        let of = |client: Client| {
            let value = match client {
                Client::Sdk => ours,
                one if one.is_generated() => generated,
                _ => 100.0,
            };
            let times = Times { wall: value, processor: value };
            let counts = Counts { thousand_instructions: value, blocks: value, bytes: value };
            Figures { client, one: times, many: times, counts: client.is_rust().then_some(counts) }
        };
        Client::ALL.map(of).to_vec()
    }

    #[test]
    fn a_goal_is_missed_by_a_ratio_or_by_a_generated_client() {
        let missed = |ours, generated| goals(&wanted(&figures(ours, generated))).matches("**no**").count();
        assert_eq!(missed(103.0, 104.0), 0);
        // Slower than a generated client in four measures; slower than by hand in those and in instructions.
        assert_eq!(missed(103.0, 102.0), 4);
        assert_eq!(missed(104.0, 200.0), 5);
    }

    #[test]
    fn each_client_has_a_line_and_only_some_are_counted() {
        let figures = figures(50.0, 200.0);
        let shown = one_after_another(&figures);
        assert!(shown.contains("\n| openapi-fetch, Node.js | 200 | 0.25 | 200 | – | – | – |\n"), "{shown}");
        assert!(
            shown.contains("\n| limit: a bare socket | 100 | 0.50 | 100 | 100 | 100 | 100 |\n"),
            "{shown}"
        );
        assert_eq!(in_flight(&figures).lines().count(), Client::ALL.len() + 3);
    }
}
