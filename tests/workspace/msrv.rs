//! The oldest supported compiler builds a program that depends on the client and the SDK.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use contract_tests::root;
use external_tools::Process;
use external_tools::skip::{Unavailable, available};

/// The crates whose `rust-version` is lower than that of the workspace.
const CRATES: [&str; 2] = ["infrai-video-client", "infrai-video"];

#[test]
#[ignore = "needs an old compiler and the network: cargo xtask test --only msrv"]
fn client_and_sdk_compile_with_the_oldest_supported_compiler() {
    let root = root().canonicalize().unwrap();
    let program = root.join("target/msrv");
    fs::create_dir_all(program.join("src")).unwrap();
    fs::write(program.join("src/lib.rs"), "").unwrap();
    fs::write(program.join("Cargo.toml"), manifest(&root)).unwrap();
    let cargo = |arguments: &str| {
        let cargo = Process::new("/usr/bin/cargo", &program).args(arguments).env("RUSTC", "/usr/bin/rustc");
        // As in a new program. The configuration of this workspace prefers the newest versions.
        cargo.env("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback").run()
    };
    let update = cargo("update").context(Unavailable("the registry cannot be reached".to_owned()));
    if available("msrv", update).is_some() {
        cargo("check --locked").expect("client and SDK compile without their features");
        cargo("check --locked --features all").expect("client and SDK compile with all features");
    }
}

/// The manifest of a program outside of the workspace. Its feature `all` turns on every feature of the crates.
fn manifest(root: &Path) -> String {
    let (mut dependencies, mut all) = (String::new(), Vec::new());
    for name in CRATES {
        let path = root.join("crates").join(name);
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let features = manifest["features"].as_table().unwrap();
        all.extend(features.keys().map(|feature| format!("{name}/{feature}")));
        dependencies += &format!("{name} = {{ path = {path:?}, default-features = false }}\n");
    }
    format!(
        "[package]\nname = \"program\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [features]\nall = {all:?}\n\n[dependencies]\n{dependencies}"
    )
}
