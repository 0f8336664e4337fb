//! The runs that the page shows. They are stored in docs/scale/results.json, so that a test can make the page from them.

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::simulation::{Bug, Faults, Report, SECOND, Scenario, run};

/// The seeds of a variant, and of the search for a planted bug.
const SEEDS: u64 = 10;
const BUG_SEEDS: u64 = 30;

/// How far behind an asynchronous standby is.
const LAG: u64 = 2 * SECOND;

/// Everything that the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) size: Size,
    pub(crate) constants: Constants,
    pub(crate) main: Report,
    /// The bound of the makespan in seconds: all jobs on full workers, what stops all of them, and the longest job.
    pub(crate) bound: [f64; 3],
    pub(crate) variants: Vec<Variant>,
    pub(crate) bugs: Vec<FoundBug>,
    pub(crate) sharing: Vec<Sharing>,
    /// A run that a test repeats.
    pub(crate) check: Report,
}

/// The size of the main run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) seed: u64,
    pub(crate) items: u32,
    pub(crate) workers: u32,
}

/// Sums over several seeds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) items: u64,
    pub(crate) saved: u64,
    pub(crate) charges: u64,
    pub(crate) double_charges: u64,
    pub(crate) unknown: u64,
    pub(crate) lost: u64,
    pub(crate) lost_commits: u64,
}

/// A planted bug, and how it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FoundBug {
    pub(crate) bug: String,
    /// Number of runs until then.
    pub(crate) runs: Option<u64>,
    pub(crate) rule: Option<String>,
}

/// What an item needs if so many workers use one API key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sharing {
    pub(crate) workers: u32,
    pub(crate) polls: f64,
    pub(crate) pages: f64,
    pub(crate) transactions: f64,
    /// Writes of items, and leases.
    pub(crate) writes: f64,
    pub(crate) leases: f64,
    /// Mean seconds from the end of a job to its detection.
    pub(crate) delay: f64,
}

impl Sharing {
    /// All requests: also the one that is charged, and that for the link.
    pub(crate) fn requests(&self) -> f64 {
        self.polls + self.pages + 2.0
    }
}

impl Results {
    /// Runs everything. Takes minutes.
    pub(crate) fn compute(size: Size, constants: Constants) -> Self {
        let concurrency = constants.get("concurrency") as usize;
        let mut scenario = scenario(&constants, size.seed, size.items, size.workers, concurrency);
        scenario.faults = Faults::all(size.workers);
        let main = run(&scenario);
        let jobs = scenario.full_time() as f64 * main.service.charges as f64 / f64::from(size.items);
        let stops: u64 = main.marks.iter().map(|(_, duration, _)| duration).sum();
        let seconds = |micros: f64| micros / SECOND as f64;
        Self {
            size,
            bound: [seconds(jobs), seconds(stops as f64), seconds(scenario.service.longest_job as f64)],
            variants: variants(&constants),
            bugs: Bug::ALL.into_iter().map(find).collect(),
            sharing: [1, 10, 100].map(|workers| sharing(&constants, workers)).into(),
            check: run(&check_scenario()),
            main,
            constants,
        }
    }
}

fn scenario(constants: &Constants, seed: u64, items: u32, workers: u32, concurrency: usize) -> Scenario {
    let mut scenario = Scenario::new(seed, items, workers, concurrency);
    scenario.database.commits_per_second = constants.get("commits") as u64;
    scenario.database.statements_per_second = constants.get("statements") as u64;
    scenario.machine.clip_bytes = (constants.get("clip") * 1e6) as u64;
    let rate = constants.get("network").min(constants.get("download"));
    scenario.machine.bytes_per_second = (rate * 1e6) as u64;
    scenario
}

/// The run that a test repeats.
pub(crate) fn check_scenario() -> Scenario {
    Scenario { faults: Faults::all(10), ..Scenario::new(1, 5000, 10, 64) }
}

fn variants(constants: &Constants) -> Vec<Variant> {
    const WORKERS: u32 = 20;
    let all = Faults::all(WORKERS);
    let of = |name: &str, faults: &Faults, lag| {
        let mut sum = Variant { name: name.to_owned(), ..Variant::default() };
        for seed in 0..SEEDS {
            let mut scenario = scenario(constants, seed, 20_000, WORKERS, 64);
            (scenario.faults, scenario.database.standby_lag) = (faults.clone(), lag);
            let report = run(&scenario);
            sum.items += u64::from(report.items);
            sum.saved += report.saved;
            sum.charges += report.net_charges();
            sum.double_charges += report.service.double_charges;
            sum.unknown += report.unknown;
            sum.lost += report.unfinished;
            sum.lost_commits += report.ledger.lost_commits;
        }
        sum
    };
    vec![
        of("no faults", &Faults::default(), 0),
        of("all faults; synchronous standby", &all, 0),
        of("all faults; standby up to 2 s behind", &all, LAG),
        of("a site fails for 25 hours; synchronous standby", &Faults::site_outage(), 0),
        of("a site fails for 25 hours; standby up to 2 s behind", &Faults::site_outage(), LAG),
    ]
}

/// Looks for a planted bug.
pub(crate) fn find(bug: Bug) -> FoundBug {
    let scenarios = |seed| {
        [Scenario::small(seed), Scenario::small_site_outage(seed, 0), Scenario::small_asynchronous(seed)]
    };
    let rule_of =
        |scenario| run(&Scenario { bug: Some(bug), ..scenario }).violations.worst().map(|(rule, _)| rule);
    let mut rules = (0..BUG_SEEDS).flat_map(scenarios).map(rule_of).zip(1..);
    let found = rules.find_map(|(rule, runs)| Some((rule?, runs)));
    let (rule, runs) = found.unzip();
    FoundBug { bug: bug.text().to_owned(), runs, rule }
}

fn sharing(constants: &Constants, workers: u32) -> Sharing {
    let concurrency = constants.get("concurrency") as usize;
    let items = workers * u32::try_from(concurrency).expect("`-j` is at most 1000") * 6;
    let mut scenario = scenario(constants, 1, items, workers, concurrency);
    scenario.service.requests_per_second = 100_000_000;
    let report = run(&scenario);
    let each = |count: u64| count as f64 / f64::from(items);
    Sharing {
        workers,
        polls: each(report.service.status),
        pages: each(report.service.list),
        transactions: each(report.ledger.transactions),
        writes: each(report.ledger.writes),
        leases: each(report.ledger.leases),
        delay: each(report.delays) / SECOND as f64,
    }
}
