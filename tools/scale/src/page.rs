//! docs/scale.md.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::model::{API_LIMITS, LONGEST_JOB, MEAN_JOB, Model, Resource, WORKERS};
use crate::results::{Results, Sharing};
use crate::simulation::{Report, SECOND, STEPS};
use crate::table::{count, figure, table};
use crate::words::*;

/// The vendors of the sandbox and their prices.
const CATALOGUE: &str = include_str!("../../../crates/infrai-video-sandbox/src/model/catalogue/default.toml");

const MILLION: f64 = 1e6;

#[derive(Deserialize)]
struct Catalogue {
    vendor: Vec<Vendor>,
}

#[derive(Deserialize)]
struct Vendor {
    resolutions: Vec<Resolution>,
}

#[derive(Deserialize)]
struct Resolution {
    name: String,
    usd_per_second: f64,
}

/// The page.
pub(crate) fn page(results: &Results) -> String {
    let model = Model::new(results);
    let mut page = String::new();
    let mut add = |text: &str| {
        page.push_str(text.trim_end());
        page.push_str("\n\n");
    };
    add(INTRODUCTION);
    add(&summary(results, &model));
    add(SIMULATED);
    add(&main_run(results));
    add(&variants(results));
    add(&bugs(results));
    add(&sharing(results));
    add(&bounds(&model));
    add(&sharding(&model));
    add(&costs(results, &model));
    add(&constants(results));
    page.trim_end().to_owned() + "\n"
}

fn summary(results: &Results, model: &Model<'_>) -> String {
    let (main, size) = (&results.main, results.size);
    let bound: f64 = results.bound.iter().sum();
    let prices = prices(results);
    let cheapest = prices.iter().map(|(_, usd)| *usd).fold(f64::MAX, f64::min);
    let (binds, _) = model.binding(size.workers, f64::INFINITY);
    format!(
        "- {} clips on {} workers, with every kind of fault: {} charges that were not refunded, {} clips, {} double charges,\n  \
         {} lost items. Left to a person: {}, since the response alone cannot tell whether the service rejected them or knows their keys.\n\
         - The last clip is saved after {} minutes, {} times the bound.\n\
         - Without a limit of the API, {} bind first. With one of up to 10,000 requests per second, the API binds: {} of {} requests for each clip are polls, since all\n  \
         workers share one list of jobs.\n\
         - One PostgreSQL suffices for about {} workers with {} jobs each. Shard by API key before that: it makes the list short.\n\
         - Nearly all of the money is spent on clips: from {} USD. An asynchronous standby can lead to double charges, a synchronous\n  \
         one does not.\n",
        count(u64::from(size.items)),
        size.workers,
        count(main.net_charges()),
        count(main.saved),
        main.service.double_charges,
        main.unfinished,
        main.unknown,
        main.makespan / SECOND / 60,
        figure(main.makespan as f64 / SECOND as f64 / bound),
        binds.text(),
        figure(model.sharing(size.workers).polls + model.sharing(size.workers).pages),
        figure(model.sharing(size.workers).requests()),
        model.workers_of_a_ledger(),
        model.constants.get("concurrency"),
        figure(cheapest * MILLION),
    )
}

fn main_run(results: &Results) -> String {
    let Results { main, size, .. } = results;
    let mut text = format!(
        "## {} clips on {} workers\n\nSeed {}. `cargo xtask scale --seed N --items N --workers N` writes the page for another run.\n\n",
        count(u64::from(size.items)),
        size.workers,
        size.seed
    );
    text += &table(["what", "number"], &counts(main));
    let [jobs, stops, longest] = results.bound;
    let bound = jobs + stops + longest;
    let makespan = main.makespan as f64 / SECOND as f64;
    let minutes = |seconds: f64| figure(seconds / 60.0);
    text += "The bound adds what no worker can avoid: all jobs on workers that are always full, the time in which nothing can be\n\
             submitted, and the longest job at the end.\n\n";
    text += &table(
        ["time", "minutes"],
        &[
            ["all jobs, on full workers".to_owned(), minutes(jobs)],
            ["outages of the API, failover, no credit".to_owned(), minutes(stops)],
            ["the longest job".to_owned(), minutes(longest)],
            ["bound".to_owned(), minutes(bound)],
            ["99 % of the clips are saved".to_owned(), main.minutes_until(0.99).to_string()],
            ["the last clip is saved, after failed jobs were requested again".to_owned(), minutes(makespan)],
            ["last clip / bound".to_owned(), figure(makespan / bound)],
        ],
    );
    text += "![Clips saved in each minute](scale/progress.svg)\n\n";
    text += "Each process dies while one of its items is at a chosen step. Its other items are at other steps.\n\n";
    let rows: Vec<[String; 2]> =
        STEPS.iter().map(|(step, about)| [(*about).to_owned(), count(main.deaths.of(*step))]).collect();
    text += &table(["step of an item when its process died", "items"], &rows);
    text
}

fn counts(report: &Report) -> Vec<[String; 2]> {
    let Report { service, ledger, .. } = report;
    let rows: [(&str, u64); 26] = [
        ("clips saved", report.saved),
        ("charges that were not refunded", report.net_charges()),
        ("items charged twice", service.double_charges),
        ("items lost", report.unfinished),
        ("items rejected by the service, not charged", report.rejected),
        ("items whose jobs failed three times, refunded", report.failed),
        ("items left to a person", report.unknown),
        ("failed jobs, refunded and requested again under a new key", service.refunds),
        ("processes started", report.processes),
        ("processes killed", report.kills),
        ("processes that stood still for longer than their leases", report.stalls),
        ("machines cut off from the database for longer than their leases", report.partitions),
        ("items taken over from dead processes", ledger.taken_from_dead),
        ("items taken over from processes that were only slow", ledger.taken_from_living),
        ("writes refused, since another process had the lease", ledger.refused_writes),
        ("statements without a response, sent again", ledger.retries),
        ("requests that arrived: generate", service.generate),
        ("of these under a key that was known: no charge", service.replayed),
        ("of these answered 402", service.no_credit),
        ("requests that arrived: list and status", service.list + service.status),
        ("requests that arrived: download_url", service.link),
        ("requests refused with 429", service.rate_limited),
        ("requests during outages of the API", service.during_outages),
        ("attempts of calls after the first", report.retries),
        ("transactions of the ledger", ledger.transactions),
        ("events simulated", report.events),
    ];
    rows.map(|(name, number)| [name.to_owned(), count(number)]).into()
}

fn variants(results: &Results) -> String {
    let rows: Vec<[String; 8]> = results
        .variants
        .iter()
        .map(|variant| {
            let numbers = [
                variant.items,
                variant.saved,
                variant.charges,
                variant.lost,
                variant.unknown,
                variant.lost_commits,
                variant.double_charges,
            ];
            let [a, b, c, d, e, f, g] = numbers.map(count);
            [variant.name.clone(), a, b, c, d, e, f, g]
        })
        .collect();
    let head = [
        "variant",
        "items",
        "clips",
        "charges",
        "lost",
        "left to a person",
        "lost commits",
        "double charges",
    ];
    format!("{VARIANTS}\n{}{STANDBY}", table(head, &rows))
}

fn bugs(results: &Results) -> String {
    let rows: Vec<[String; 3]> = results
        .bugs
        .iter()
        .map(|found| {
            let rule = found.rule.clone().unwrap_or_else(|| "nothing".to_owned());
            [found.bug.clone(), rule, found.runs.unwrap_or_default().to_string()]
        })
        .collect();
    format!("{BUGS}\n{}", table(["planted bug", "what the checks find", "runs until then"], &rows))
}

fn sharing(results: &Results) -> String {
    let row = |sharing: &Sharing| {
        let Sharing { workers, polls, pages, transactions, writes, leases, delay } = sharing;
        let [a, b, c, d, e, f, g] =
            [*polls, *pages, sharing.requests(), *transactions, *writes, *leases, *delay].map(figure);
        [workers.to_string(), a, b, c, d, e, f, g]
    };
    let rows: Vec<[String; 8]> = results.sharing.iter().map(row).collect();
    let head = [
        "workers with one API key",
        "status",
        "pages",
        "all requests",
        "transactions",
        "writes",
        "leases",
        "delay, s",
    ];
    format!("{SHARING}\n{}", table(head, &rows))
}

fn bounds(model: &Model<'_>) -> String {
    let rates = |workers: u32| {
        let [a, b, c, d, e] =
            [Resource::Jobs, Resource::Ledger, Resource::Processor, Resource::Network, Resource::Disk]
                .map(|resource| figure(model.rate(resource, workers, f64::INFINITY)));
        let api = API_LIMITS.map(|limit| figure(model.rate(Resource::Api, workers, limit)));
        let [f, g, h] = api;
        [count(u64::from(workers)), a, b, c, d, e, f, g, h]
    };
    let head = [
        "workers",
        "jobs in flight",
        "ledger",
        "processor",
        "network",
        "hash and disk",
        "API, 100/s",
        "API, 1,000/s",
        "API, 10,000/s",
    ];
    let mut text = format!("{BOUNDS}\n{}", table(head, &WORKERS.map(rates)));
    text += "![Clips per second against workers, with the bounds](scale/bounds.svg)\n\n";
    text += "The hours that a million clips take, and what binds:\n\n";
    let cell = |workers: u32, limit: f64| {
        let hours = model.makespan(MILLION, workers, limit) / 3600.0;
        format!("{} ({})", figure(hours), model.binding(workers, limit).0.text())
    };
    let rows = WORKERS.map(|workers| {
        let [a, b, c] = API_LIMITS.map(|limit| cell(workers, limit));
        [count(u64::from(workers)), a, b, c, cell(workers, f64::INFINITY)]
    });
    text += &table(["workers", "API, 100/s", "API, 1,000/s", "API, 10,000/s", "no limit"], &rows);
    text
}

fn sharding(model: &Model<'_>) -> String {
    let workers = model.workers_of_a_ledger();
    let bytes = model.constants.get("ledger_row") * 1e3 * MILLION / 1e9;
    let alone = model.sharing(1).requests();
    let shared = model.sharing(100).requests();
    let mut text = SHARDING.to_owned();
    let _infallible = writeln!(
        text,
        "\n- One ledger is enough for {} workers with full slots. It then allows {} clips per second. With more workers most leases find\n  \
         only items that others have just leased.\n\
         - A million items take about {} GB in it.\n\
         - A worker with an API key of its own needs {} requests for each clip, {} workers with one key need {}.",
        workers,
        figure(model.ledger(workers)),
        figure(bytes),
        figure(alone),
        100,
        figure(shared),
    );
    text
}

/// The lowest price of a clip for each resolution.
fn prices(results: &Results) -> Vec<(String, f64)> {
    let catalogue: Catalogue = toml::from_str(CATALOGUE).expect("tests of the sandbox read its catalogue");
    let seconds = results.constants.get("clip_seconds");
    let mut prices: Vec<(String, f64)> = Vec::new();
    for Resolution { name, usd_per_second } in
        catalogue.vendor.into_iter().flat_map(|vendor| vendor.resolutions)
    {
        let usd = usd_per_second * seconds;
        match prices.iter_mut().find(|(known, _)| *known == name) {
            Some((_, lowest)) => *lowest = lowest.min(usd),
            None => prices.push((name, usd)),
        }
    }
    prices
}

fn costs(results: &Results, model: &Model<'_>) -> String {
    let get = |name| results.constants.get(name);
    let workers = 100;
    let hours = model.makespan(MILLION, workers, f64::INFINITY) / 3600.0;
    let gigabytes = get("clip") * MILLION / 1000.0;
    let mut rows: Vec<[String; 2]> = prices(results)
        .into_iter()
        .map(|(name, usd)| [format!("a million clips, {name}, the cheapest vendor"), figure(usd * MILLION)])
        .collect();
    rows.extend([
        [
            format!("{workers} machines for {} hours", figure(hours)),
            figure(f64::from(workers) * hours * get("machine_price")),
        ],
        [format!("the database for {} hours", figure(hours)), figure(hours * get("database_price"))],
        [
            format!("storage of {} GB for a month", figure(gigabytes)),
            figure(gigabytes * get("storage_price")),
        ],
    ]);
    format!("{COSTS}\n{}", table(["what", "USD"], &rows))
}

fn constants(results: &Results) -> String {
    let mut rows: Vec<[String; 4]> = results
        .constants
        .0
        .iter()
        .map(|(name, constant)| {
            [format!("`{name}`"), figure(constant.value), constant.unit.clone(), constant.from.clone()]
        })
        .collect();
    let simulated = "assumed: 60 s + 540 s x u³, where u is even between 0 and 1";
    rows.push(["job, mean".to_owned(), figure(MEAN_JOB), "s".to_owned(), simulated.to_owned()]);
    rows.push(["job, longest".to_owned(), figure(LONGEST_JOB), "s".to_owned(), simulated.to_owned()]);
    format!("{CONSTANTS}\n{}", table(["input", "value", "unit", "from"], &rows))
}
