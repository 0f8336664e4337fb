//! Rounds in which the clients take turns, and what their times are beside each other.
//!
//! A disturbance of the machine lasts longer than a round, so the two times of a round are divided before the median is taken.

use std::io::Write;

use super::clients::{Client, Clients};
use crate::measure::report::{Report, quartiles};
use crate::page::table::figure;
use crate::parts::{Length, tell};

/// Clients that are not fast take part in one round of so many.
const SLOW: usize = 5;

/// Microseconds of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) wall: f64,
    pub(super) processor: f64,
}

/// One of the times.
pub(super) type Measure = fn(&Times) -> f64;

/// The time on the clock.
pub(super) const WALL: Measure = |times| times.wall;

/// The time of the processor.
pub(super) const PROCESSOR: Measure = |times| times.processor;

/// The quartiles of a ratio.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ratio {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
}

/// The times of the clients in each round, in the order of [`Client::ALL`].
#[derive(Debug)]
pub(super) struct Rounds(pub(super) Vec<[Option<Times>; Client::ALL.len()]>);

impl Rounds {
    /// The number of rounds.
    pub(super) fn count(length: Length) -> usize {
        if length == Length::Full { 25 } else { 5 }
    }

    /// Runs the clients with so many calls in flight.
    pub(super) fn run(
        clients: &Clients<'_>,
        in_flight: usize,
        length: Length,
        out: &mut dyn Write,
    ) -> anyhow::Result<Self> {
        let mut rounds = Vec::new();
        for round in 0..Self::count(length) {
            let mut times = [None; Client::ALL.len()];
            for turn in 0..Client::ALL.len() {
                let at = (turn + round) % Client::ALL.len();
                let client = Client::ALL[at];
                if client.is_fast() || round % SLOW == 0 {
                    let plan = client.plan(in_flight);
                    let Report { wall_s, cpu_s, .. } = clients.run(client, plan, false)?;
                    let of_a_call = |seconds: f64| seconds * 1e6 / plan.measured as f64;
                    times[at] = Some(Times { wall: of_a_call(wall_s), processor: of_a_call(cpu_s) });
                }
            }
            rounds.push(times);
        }
        let rounds = Self(rounds);
        for client in Client::ALL {
            let [low, median, high] = quartiles(rounds.of(client).map(WALL));
            let [low, median, high] = [low, median, high].map(figure);
            tell(
                out,
                &format!(
                    "{client:?}, {in_flight} in flight: {median} µs, half of the rounds {low} to {high}"
                ),
            );
        }
        Ok(rounds)
    }

    /// The median of a client's times.
    pub(super) fn median(&self, client: Client, measure: Measure) -> f64 {
        let [_, median, _] = quartiles(self.of(client).map(measure));
        median
    }

    /// The SDK's time to that of a client, within each round.
    pub(super) fn ratio(&self, client: Client, measure: Measure) -> Ratio {
        let of = |round: &[Option<Times>], client| round[place(client)].as_ref().map(measure);
        let ratios = self.0.iter().filter_map(|round| Some(of(round, Client::Sdk)? / of(round, client)?));
        let [low, median, high] = quartiles(ratios);
        Ratio { low, median, high }
    }

    fn of(&self, client: Client) -> impl Iterator<Item = &Times> {
        self.0.iter().filter_map(move |round| round[place(client)].as_ref())
    }
}

fn place(client: Client) -> usize {
    Client::ALL.iter().position(|one| *one == client).expect("all take part")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_divided_within_a_round() {
        let round = |ours: f64, theirs: Option<f64>| {
            let mut round = [None; Client::ALL.len()];
            let times = |wall| Times { wall, processor: 2.0 * wall };
            round[place(Client::Sdk)] = Some(times(ours));
            round[place(Client::Reqwest)] = theirs.map(times);
            round
        };
        let rounds = Rounds(vec![
            round(10.0, Some(20.0)),
            round(90.0, Some(100.0)),
            round(30.0, Some(50.0)),
            round(1.0, None),
        ]);
        let Ratio { low, median, high } = rounds.ratio(Client::Reqwest, WALL);
        assert_eq!([low, median, high], [0.5, 0.6, 0.9]);
        assert_eq!(rounds.median(Client::Reqwest, PROCESSOR), 100.0);
        assert!(rounds.ratio(Client::Socket, WALL).median.is_nan());
    }
}
