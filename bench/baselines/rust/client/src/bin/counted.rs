//! The client whose allocations are counted.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: harness::Counting = harness::Counting;

fn main() -> ExitCode {
    harness::main(client::run(harness::Counter::Dhat))
}
