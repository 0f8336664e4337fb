//! The client whose time is measured.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::main(generated_client::run(harness::Counter::Nobody))
}
