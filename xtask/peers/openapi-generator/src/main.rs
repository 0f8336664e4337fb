//! The contestant that is timed.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::main(generated_contestant::run(harness::Counter::Nobody))
}
