//! The agreed costs of calls, in `tests/counts.toml` of the workspace.

use std::fs;
use std::path::Path;

/// Fails if `counted` is more than 2 % above the agreed cost of that name.
#[track_caller]
pub(crate) fn assert_agreed(name: &str, counted: f64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/counts.toml");
    let text = fs::read_to_string(&path).expect("the test runs in the workspace of the crate");
    let counts: toml::Table = text.parse().expect("tests/counts.toml is TOML");
    let agreed = counts["costs"].get(name).and_then(toml::Value::as_float);
    let agreed = agreed.unwrap_or_else(|| panic!("tests/counts.toml has no number of {name}"));
    assert!(
        counted <= agreed * 1.02,
        "{name}: {counted:.1}, {agreed:.1} were agreed; correct the cause, or raise the number in tests/counts.toml and say why"
    );
}
