//! The client whose time is measured.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::main(client::run(harness::Counter::Nobody))
}
