//! Any bytes as a clip that is downloaded and checked. From `crates/infrai-video`: `cargo +nightly fuzz run clip`,
//! or with a stable compiler `RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none clip`.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use support::hostile::download;

fuzz_target!(|clip: &[u8]| {
    // Either result is fine: `download` itself checks the files that it leaves.
    let _result = download(clip);
});
