//! The contestant that is timed.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::main(contestant::run(harness::Counter::Nobody))
}
