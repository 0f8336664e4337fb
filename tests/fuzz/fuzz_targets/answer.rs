//! Any status and body, as the answer to every operation. From `tests`: `cargo +nightly fuzz run answer`,
//! or with a stable compiler `RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none answer`.
#![no_main]

use contract_tests::hostile::every_operation;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (status, body) = input;
    for error in every_operation(200 + status % 400, &[], body) {
        assert!(!error.next_step().is_empty());
    }
});
