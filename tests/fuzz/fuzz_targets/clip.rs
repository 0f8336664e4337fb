//! Any bytes, as a clip that is downloaded and checked. From `tests`: `cargo +nightly fuzz run clip`, or
//! with a stable compiler `RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none clip`.
#![no_main]

use contract_tests::hostile::download;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|clip: &[u8]| {
    // Whether it is a clip or not, it must come to a verdict; `download` itself checks what is left on the disk.
    let _verdict = download(clip);
});
