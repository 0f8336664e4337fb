//! The cost of a call: the SDK beside clients written by hand and generated clients.

mod clients;
mod instructions;
mod rounds;

use std::io::Write;
use std::path::Path;

use anyhow::Context as _;

use self::clients::{Client, Clients, Plan, SERVER_CORE};
use self::rounds::{Measure, PROCESSOR, Ratio, Rounds, WALL};
use crate::measure::build;
use crate::measure::fixed_server::{FixedServer, PEERS, Programs, Responses, Samples};
use crate::measure::generated_clients::Generated;
use crate::page::goals::{Goal, goals};
use crate::page::table::{figure, some, table};
use crate::parts::{Length, tell};

/// The number of concurrent calls in the second table.
const IN_FLIGHT: usize = 64;
/// The largest ratio to a client written by hand.
const GOAL: f64 = 1.03;
/// The clients that ours is compared with, their names, and the largest ratio to each.
const PEERS_OF_GOALS: [(Client, &str, f64); 2] =
    [(Client::Reqwest, "reqwest", GOAL), (Client::OpenapiGenerator, "openapi-generator", 1.0)];

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "a call, beside reqwest, hyper and generated clients");
    let programs = Programs::build(root)?;
    let generated = Generated::make(root)?;
    let samples = Samples::take(root)?;
    let server = FixedServer::start_on(SERVER_CORE, &programs.server, &samples, Responses::default())?;
    let clients = Clients { programs: &programs, generated: &generated, server: &server, samples: &samples };
    let one = Rounds::run(&clients, 1, length, out)?;
    let many = Rounds::run(&clients, IN_FLIGHT, length, out)?;
    let mut all = Vec::new();
    for client in Client::ALL {
        all.push(if client.is_rust() { Some(counts(&clients, client, out)?) } else { None });
    }
    let figures = Figures { one, many, counts: all };
    Ok(format!(
        "{}### One after another\n\n{}### {IN_FLIGHT} in flight\n\n{}{}",
        text(root, length)?,
        one_after_another(&figures),
        in_flight(&figures),
        goals(&wanted(&figures))
    ))
}

/// The costs of a call.
#[derive(Debug)]
struct Figures {
    one: Rounds,
    many: Rounds,
    /// In the order of [`Client::ALL`].
    counts: Vec<Option<Counts>>,
}

impl Figures {
    fn thousand_instructions(&self, of: Client) -> f64 {
        let counts = Client::ALL.iter().zip(&self.counts).find(|(client, _)| **client == of);
        counts.and_then(|(_, counts)| *counts).map_or(f64::NAN, |counts| counts.thousand_instructions)
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

fn one_after_another(figures: &Figures) -> String {
    let head = [
        "client",
        "time, µs",
        "ours / it",
        "half of the rounds",
        "processor, µs",
        "ours / it, processor",
        "thousand instructions",
        "allocations",
        "bytes allocated",
    ];
    let rows = Client::ALL.into_iter().zip(&figures.counts).map(|(client, counts)| {
        let [title, wall, ratio, half, processor, of_processor] = times(&figures.one, client);
        let counts = [
            counts.map(|counts| counts.thousand_instructions),
            counts.map(|counts| counts.blocks),
            counts.map(|counts| counts.bytes),
        ];
        let [instructions, blocks, bytes] = counts.map(some);
        [title, wall, ratio, half, processor, of_processor, instructions, blocks, bytes]
    });
    table(head, &rows.collect::<Vec<_>>())
}

fn in_flight(figures: &Figures) -> String {
    let head =
        ["client", "time, µs", "ours / it", "half of the rounds", "processor, µs", "ours / it, processor"];
    table(head, &Client::ALL.map(|client| times(&figures.many, client)))
}

/// The name of a client and its times.
fn times(rounds: &Rounds, client: Client) -> [String; 6] {
    let Ratio { low, median, high } = rounds.ratio(client, WALL);
    [
        client.title().to_owned(),
        figure(rounds.median(client, WALL)),
        figure(median),
        format!("{low:.2} to {high:.2}"),
        figure(rounds.median(client, PROCESSOR)),
        figure(rounds.ratio(client, PROCESSOR).median),
    ]
}

fn wanted(figures: &Figures) -> Vec<Goal> {
    let mut goals = Vec::new();
    let measures: [(&str, &Rounds, Measure); 4] = [
        ("µs, one after another", &figures.one, WALL),
        ("µs of processor, one after another", &figures.one, PROCESSOR),
        ("µs, 64 in flight", &figures.many, WALL),
        ("µs of processor, 64 in flight", &figures.many, PROCESSOR),
    ];
    for (what, rounds, measure) in measures {
        for (peer, name, most) in PEERS_OF_GOALS {
            let [ours, theirs] = [Client::Sdk, peer].map(|client| rounds.median(client, measure));
            let goal = Goal::less(format!("{what}, to {name}"), ours, theirs, most);
            let goal = goal.with_limit(rounds.median(Client::Socket, measure));
            goals.push(goal.with_ratio(rounds.ratio(peer, measure).median));
        }
    }
    let [ours, by_hand, socket] =
        [Client::Sdk, Client::Reqwest, Client::Socket].map(|client| figures.thousand_instructions(client));
    goals.push(Goal::less("thousand instructions, to reqwest", ours, by_hand, GOAL).with_limit(socket));
    goals
}

/// The text above the tables.
fn text(root: &Path, length: Length) -> anyhow::Result<String> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
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
         reqwest {} and hyper {} are used by hand, with types for this one call. The others are clients generated by {} for Rust,\n\
         {} (httpx), and openapi-fetch {} (Node.js).\n\n\
         reqwest by hand keeps the promises of the SDK that take one line each: its three time limits (60 s for a call, 10 s to connect,\n\
         30 s without a byte), no redirects and no retries. openapi-generator's client is as its users get it, and so without any time limit\n\
         and with redirects; neither it nor hyper by hand starts a timer for a call. All clients in Rust run on tokio's single-threaded runtime, with\n\
         TCP_NODELAY and a pool of connections. The SDK also searches the texts of a response for secrets, and reads the service's clock.\n\n\
         The client and the server each have a processor core: on one core both take a third of the time, and which of the two the\n\
         kernel chooses would decide more than the client. There are {} rounds of a tenth of a second, in which the clients take turns; the two\n\
         in other languages take part in every fifth. A ratio is the median of the ratios within a round, since a disturbance of the machine\n\
         affects the whole round; beside it are the quartiles. The limit is a bare socket that knows the length of the response. callgrind\n\
         counts instructions, dhat allocations.\n\n",
        version("reqwest"),
        version("hyper"),
        generator.trim().replace("-cli==", " "),
        python.replace("==", " "),
        typescript["dependencies"]["openapi-fetch"].as_str().unwrap_or_default(),
        Rounds::count(length),
    ))
}

#[cfg(test)]
mod tests {
    use super::rounds::Times;
    use super::*;

    /// One value for all of our figures, one for the generated clients, and 100 for all others.
    fn figures(ours: f64, generated: f64) -> Figures {
        let value = |client: Client| match client {
            Client::Sdk => ours,
            one if one.is_generated() => generated,
            _ => 100.0,
        };
        let times = |client| Some(Times { wall: value(client), processor: value(client) });
        let rounds = || Rounds(vec![Client::ALL.map(times)]);
        let counts = |client: Client| {
            let value = value(client);
            let counts = Counts { thousand_instructions: value, blocks: value, bytes: value };
            client.is_rust().then_some(counts)
        };
        Figures { one: rounds(), many: rounds(), counts: Client::ALL.map(counts).to_vec() }
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
        for line in [
            "| openapi-fetch, Node.js | 200 | 0.25 | 0.25 to 0.25 | 200 | 0.25 | – | – | – |",
            "| limit: a bare socket | 100 | 0.50 | 0.50 to 0.50 | 100 | 0.50 | 100 | 100 | 100 |",
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{shown}");
        }
        assert_eq!(in_flight(&figures).lines().count(), Client::ALL.len() + 3);
    }
}
