//! Ways to break the SDK, each of which the simulation must notice: a check that cannot fail proves nothing.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use external_tools::workspace;

use super::simulation;

/// One way to break the SDK.
#[derive(Debug, Clone, Copy)]
pub struct Mutant {
    /// What is wrong with it.
    pub name: &'static str,
    /// The file, from the root of the workspace.
    pub file: &'static str,
    /// Texts to be replaced, each of which must be there exactly once.
    pub changes: &'static [(&'static str, &'static str)],
}

/// The ways that are known.
pub const MUTANTS: [Mutant; 7] = [
    Mutant {
        name: "the key is minted inside the loop",
        file: "crates/infrai-video/src/call/attempt.rs",
        changes: &[(
            "    let api = api_for_one_request(client, plan.body.as_ref(), deadline);",
            "    let minted = client.mint_key();\n    \
             let body = plan.body.as_ref().zip(plan.key()).map(|(body, key)| {\n        \
             Bytes::from(String::from_utf8_lossy(body).replace(key, minted.as_str()))\n    });\n    \
             let plan = &Plan { key: plan.key.as_ref().map(|_| minted), body, ..Plan::clone(plan) };\n    \
             let api = api_for_one_request(client, plan.body.as_ref(), deadline);",
        )],
    },
    Mutant {
        name: "the rename comes before the length check",
        file: "crates/infrai-video/src/download/to_path.rs",
        changes: &[("    match collected {\n", "    match collected.or(Ok::<(), Error>(())) {\n")],
    },
    Mutant {
        name: "a poll's error is taken for a failure of the job",
        file: "crates/infrai-video/src/wait/poller.rs",
        changes: &[(
            "        if let Some(kind) = self.failures.record(&error, self.wait.poll_failure_timeout) {\n            \
             return Err(self.fail(kind, Some(error)));",
            "        if self.failures.record(&error, self.wait.poll_failure_timeout).is_none() {\n            \
             return Err(self.fail(WaitErrorKind::Failed, Some(error)));",
        )],
    },
    Mutant {
        name: "the clip is not checked",
        file: "crates/infrai-video/src/download/to_path.rs",
        changes: &[(
            "let Err(error) = verify(download, part).await else",
            "let Err(error) = Ok::<(), Error>(()) else",
        )],
    },
    Mutant {
        name: "an unknown state ends the wait",
        file: "crates/infrai-video/src/wait/poller.rs",
        changes: &[(
            "            JobState::Unknown(_) if state.is_final() =>",
            "            JobState::Unknown(_) if !state.as_str().is_empty() =>",
        )],
    },
    Mutant {
        name: "a negative age is trusted",
        file: "crates/infrai-video/src/call/key_age.rs",
        changes: &[("    if ahead > SKEW {", "    if ahead > Duration::MAX {")],
    },
    Mutant {
        name: "a request in progress is taken for final",
        file: "crates/infrai-video/src/call/failure.rs",
        changes: &[(
            "(self.retryable, self.may_have_been_executed) = (true, true);",
            "(self.retryable, self.may_have_been_executed) = (false, true);",
        )],
    },
];

/// Applies each mutant to a copy of the workspace, and runs up to `seeds` seeds until one notices.
///
/// # Errors
/// If a mutant is not noticed, does not apply or does not build.
#[expect(clippy::print_stdout, reason = "the table is this command's output")]
pub fn run_mutants(root: &Path, seeds: u64) -> anyhow::Result<()> {
    let copy = root.join("target/mutants/workspace");
    let mut unnoticed = Vec::new();
    for mutant in MUTANTS {
        workspace::copy(root, &copy)?;
        apply(&copy, &mutant)?;
        // A target directory of its own: the programs have one name, and the broken one must never replace the other.
        let simulation = simulation(&copy, seeds, 0)
            .env("INFRAI_SIMULATION_FAIL_FAST", "1")
            .env("CARGO_TARGET_DIR", root.join("target/mutants/build"));
        let mut lines = Vec::new();
        let status = simulation.stream(&mut |line| {
            lines.push(line);
            Ok(())
        })?;
        match lines.iter().position(|line| line.starts_with("seed ")) {
            Some(at) => {
                let seed = lines[at].split_whitespace().nth(1).unwrap_or("?");
                let violation = lines.get(at + 1).map_or("", |line| line.trim());
                println!("noticed by seed {seed:4} {}: {violation}", mutant.name);
            }
            None if status.success() => unnoticed.push(mutant.name),
            None => bail!("{}: {}", mutant.name, lines.join("\n")),
        }
    }
    ensure!(unnoticed.is_empty(), "{seeds} seeds did not notice: {}", unnoticed.join("; "));
    Ok(())
}

fn apply(copy: &Path, mutant: &Mutant) -> anyhow::Result<()> {
    let path = copy.join(mutant.file);
    let mut text = fs::read_to_string(&path).context(mutant.file)?;
    for (from, to) in mutant.changes {
        ensure!(
            text.matches(from).count() == 1,
            "the mutant \"{}\" does not apply to {}; correct it in tools/tasks/src/simulate/mutants.rs",
            mutant.name,
            mutant.file
        );
        text = text.replacen(from, to, 1);
    }
    fs::write(&path, text).context(mutant.file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_fits_the_code_as_it_is() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for mutant in MUTANTS {
            let text = fs::read_to_string(root.join(mutant.file)).unwrap();
            for (from, _) in mutant.changes {
                assert_eq!(text.matches(from).count(), 1, "{}", mutant.name);
            }
        }
    }
}
