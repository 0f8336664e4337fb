//! Ways to break the SDK, each of which the simulation must notice: a check that cannot fail proves nothing.

use std::fs;
use std::path::Path;

use super::simulate;
use crate::copy::copy_workspace;

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
        file: "crates/infrai-video/src/call.rs",
        changes: &[(
            "    let api = api_for_one_request(client, plan.body.clone(), deadline);",
            "    let minted = client.mint_key();\n    \
             let body = plan.body.as_ref().zip(plan.key()).map(|(body, key)| {\n        \
             Bytes::from(String::from_utf8_lossy(body).replace(key, minted.as_str()))\n    });\n    \
             let plan = &Plan { key: plan.key.as_ref().map(|_| minted), body, ..Plan::clone(plan) };\n    \
             let api = api_for_one_request(client, plan.body.clone(), deadline);",
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
            "        if let Some(kind) = self.failing.verdict(&error, self.wait.poll_errors) {\n            \
             return Err(self.end(kind, Some(error)));",
            "        if self.failing.verdict(&error, self.wait.poll_errors).is_none() {\n            \
             return Err(self.end(WaitErrorKind::Failed, Some(error)));",
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
        changes: &[("    if age < -SKEW {", "    if age < SignedDuration::MIN {")],
    },
    Mutant {
        name: "a request in progress is taken for final",
        file: "crates/infrai-video/src/call.rs",
        changes: &[(
            "(self.retryable, self.may_have_been_carried_out) = (true, true);",
            "(self.retryable, self.may_have_been_carried_out) = (false, true);",
        )],
    },
];

/// Makes each mutant in a copy of the workspace, and plays seeds on it until one notices.
#[expect(clippy::print_stdout, reason = "the table is this command's output")]
pub(super) fn run(root: &Path, seeds: u64) -> Result<(), String> {
    let copy = root.join("target/mutants/workspace");
    let mut unnoticed = Vec::new();
    for mutant in MUTANTS {
        copy_workspace(root, &copy)?;
        mutate(&copy, &mutant)?;
        // A build of its own: the programs have one name, and the broken one must never be taken for the other.
        let mut command = simulate(&copy, &root.join("target/mutants/build"), seeds, 0);
        let output =
            command.arg("--first").output().map_err(|error| format!("cargo cannot be started: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match text.lines().find(|line| line.starts_with("seed ")) {
            Some(line) => {
                let seed = line.split_whitespace().nth(1).unwrap_or("?");
                let said = text.lines().skip_while(|other| *other != line).nth(1).unwrap_or_default().trim();
                println!("noticed by seed {seed:4} {}: {said}", mutant.name);
            }
            None if output.status.success() => unnoticed.push(mutant.name),
            None => return Err(format!("{}: {}", mutant.name, String::from_utf8_lossy(&output.stderr))),
        }
    }
    if unnoticed.is_empty() {
        return Ok(());
    }
    Err(format!("{seeds} seeds did not notice: {}", unnoticed.join("; ")))
}

fn mutate(copy: &Path, mutant: &Mutant) -> Result<(), String> {
    let path = copy.join(mutant.file);
    let mut text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", mutant.file))?;
    for (from, to) in mutant.changes {
        if text.matches(from).count() != 1 {
            return Err(format!(
                "the mutant \"{}\" does not fit {} any more; mend it in xtask/src/simulate/mutants.rs",
                mutant.name, mutant.file
            ));
        }
        text = text.replacen(from, to, 1);
    }
    fs::write(&path, text).map_err(|error| format!("{}: {error}", mutant.file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_fits_the_code_as_it_is() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for mutant in MUTANTS {
            let text = fs::read_to_string(root.join(mutant.file)).unwrap();
            for (from, _) in mutant.changes {
                assert_eq!(text.matches(from).count(), 1, "{}", mutant.name);
            }
        }
    }
}
