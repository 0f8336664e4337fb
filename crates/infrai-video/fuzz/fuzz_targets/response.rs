//! Any status and body as the response to every operation. From `crates/infrai-video`: `cargo +nightly fuzz run response`,
//! or with a stable compiler `RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none response`.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::hostile::every_operation;

fuzz_target!(|input: (u16, &[u8])| {
    let (status, body) = input;
    for error in every_operation(200 + status % 400, &[], body) {
        assert!(!error.next_step().is_empty());
    }
});
