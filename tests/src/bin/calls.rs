//! Calls `status` so many times through the SDK, with the same answer each time. `cargo xtask test` counts the instructions.
#![allow(clippy::print_stdout, reason = "the last state is printed, so that no call can be left out")]

use clap::Parser;
use contract_tests::fixed;
use contract_tests::hostile::on_a_paused_clock;

/// Calls `status` so many times.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many times.
    calls: u32,
}

fn main() {
    let calls = Arguments::parse().calls;
    let running = on_a_paused_clock(async {
        let client = fixed::client();
        let mut running = 0;
        for _ in 0..calls {
            let job = client.status("vj_1").await.expect("the service answers every call");
            running += u32::from(job.state == infrai_video::JobState::Running);
        }
        running
    });
    println!("{running} of {calls} jobs are running");
}
