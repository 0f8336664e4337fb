use super::*;
use crate::results::find;

#[test]
fn no_seed_charges_an_item_twice_or_loses_one() {
    let mut deaths = [0; STEPS.len()];
    let mut total = Report::default();
    for seed in 0..150 {
        let report = run(&Scenario::small(seed));
        assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations.lines());
        assert_eq!(report.saved + report.failed + report.rejected + report.unknown, 400, "seed {seed}");
        assert_eq!(report.unfinished, 0, "seed {seed}");
        for (count, (step, _)) in deaths.iter_mut().zip(STEPS) {
            *count += report.deaths.of(step);
        }
        total.service.replayed += report.service.replayed;
        total.service.no_credit += report.service.no_credit;
        total.ledger.refused_writes += report.ledger.refused_writes;
        total.ledger.taken_from_living += report.ledger.taken_from_living;
        total.ledger.retries += report.ledger.retries;
        total.unknown += report.unknown;
    }
    // The faults happen, and matter.
    assert!(deaths.iter().all(|deaths| *deaths > 20), "{deaths:?}");
    assert!(total.service.replayed > 500, "{total:?}");
    assert!(total.service.no_credit > 500, "{total:?}");
    assert!(total.ledger.refused_writes > 500, "{total:?}");
    assert!(total.ledger.taken_from_living > 500, "{total:?}");
    assert!(total.ledger.retries > 500, "{total:?}");
    assert!(total.unknown < 10, "{total:?}");
}

#[test]
fn a_seed_gives_the_same_report() {
    assert_eq!(run(&Scenario::small(7)), run(&Scenario::small(7)));
    assert_ne!(run(&Scenario::small(7)), run(&Scenario::small(8)));
}

#[test]
fn without_faults_each_item_needs_one_request_and_one_charge() {
    let report = run(&Scenario::new(1, 2000, 5, 64));
    assert!(report.violations.is_empty(), "{:?}", report.violations.lines());
    assert_eq!((report.saved, report.service.charges, report.service.generate), (2000, 2000, 2000));
    // Sent, accepted, running, succeeded, fetched, saved.
    assert_eq!(report.ledger.writes, 6 * 2000);
    assert_eq!((report.retries, report.ledger.retries, report.ledger.refused_writes), (0, 0, 0));
}

#[test]
fn after_a_day_nothing_is_sent_again_that_may_have_been_charged() {
    for seed in 0..10 {
        let report = run(&Scenario::small_site_outage(seed, 0));
        assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations.lines());
        assert_eq!(report.saved + report.unknown, 2000, "seed {seed}");
    }
}

#[test]
fn an_asynchronous_standby_costs_charges_only_if_the_keys_have_expired() {
    // The lost commits are repeated under the same keys.
    let mut lost = 0;
    for seed in 0..30 {
        let report = run(&Scenario::small_asynchronous(seed));
        assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations.lines());
        lost += report.ledger.lost_commits;
    }
    assert!(lost > 20, "{lost}");
    let doubles: u64 =
        (0..10).map(|seed| run(&Scenario::small_site_outage(seed, 2 * SECOND)).service.double_charges).sum();
    assert!(doubles > 10, "{doubles}");
}

#[test]
fn each_bug_is_found() {
    for bug in Bug::ALL {
        let found = find(bug);
        assert!(found.rule.is_some(), "{bug:?}: {found:?}");
    }
}

/// A test of the command reads the same file.
#[test]
fn an_item_is_written_as_by_the_command() {
    let mut world = World::new(Scenario::new(1, 1, 1, 8));
    world.start(0);
    let mut rows = vec![row(&world)];
    while let Some(event) = world.queue.next().filter(|_| !world.is_over()) {
        world.handle(event);
        rows.push(row(&world));
    }
    rows.dedup();
    assert_eq!(rows[1..].join("\n") + "\n", include_str!("../../item.txt"));
}

/// The only item as a line of the file.
fn row(world: &World) -> String {
    let row = world.database.rows[0];
    let state = row.job.map_or("-".to_owned(), |_| format!("{:?}", row.state));
    let holder = if row.worker == 0 { "free" } else { "leased" };
    format!("{:?} {state} {holder}", row.stage).to_lowercase()
}
