//! Many small worlds in which anything may go wrong.

use contract_tests::simulation::{Report, run};

#[test]
fn five_hundred_seeds_break_no_promise() {
    let play = |seeds: std::ops::Range<u64>| -> Vec<Report> {
        seeds.map(run).filter(|report| !report.violations.is_empty()).collect()
    };
    let broken: Vec<Report> = std::thread::scope(|scope| {
        let halves = [0..250, 250..500].map(|half| scope.spawn(move || play(half)));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(
        broken.is_empty(),
        "play these again with `cargo xtask simulate --seeds 1 --from SEED`: {broken:#?}"
    );
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 1000..1020 {
        assert_eq!(run(seed), run(seed));
    }
}
