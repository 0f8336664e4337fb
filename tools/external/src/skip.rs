//! Skipping a test that cannot run on this machine. With `CI=true` it fails instead.

use std::fmt;

/// Something outside of the workspace that is not available: a program, or packages that cannot be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable(pub String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// Whether nobody watches the run: `CI=true`.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// What a test needs, or `None` after printing why the test is skipped. `cargo xtask test` reads that line.
///
/// # Panics
/// If the error is not [`Unavailable`], and for that error too with `CI=true`.
pub fn available<T>(test: &str, needed: anyhow::Result<T>) -> Option<T> {
    match needed {
        Ok(needed) => Some(needed),
        Err(error) if error.downcast_ref::<Unavailable>().is_some() && !is_ci() => {
            print_line("skipped: ", &format!("{test}: {error:#}"));
            None
        }
        Err(error) => panic!("{test}: {error:#}"),
    }
}

/// Prints a line that `cargo xtask test` shows although the test passes.
pub fn summarize(line: &str) {
    print_line("summary: ", line);
}

#[expect(clippy::print_stdout, reason = "the test's output is what `cargo xtask test` reads")]
fn print_line(prefix: &str, line: &str) {
    // On a line of its own: the test's name may stand on the current one.
    println!("\n{prefix}{line}");
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    #[should_panic(expected = "go: wrong")]
    fn a_failure_is_not_a_skip() {
        available::<()>("go", Err(anyhow::anyhow!("wrong")));
    }

    #[test]
    fn an_unavailable_program_is_recognized_below_and_above_other_context() {
        let below = anyhow::Error::new(Unavailable("needs go".to_owned())).context("the client for Go");
        let above = Err::<(), _>(anyhow::anyhow!("no network"))
            .context(Unavailable("no npm".to_owned()))
            .unwrap_err();
        for error in [below, above] {
            assert!(error.downcast_ref::<Unavailable>().is_some());
        }
    }
}
