//! `cargo xtask diff --compare-tools`: the pairs of the table through this command and through two others.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::pairs::{self, Pair};
use super::{Breaks, compare};
use external_tools::node;

/// Where the result goes, below the root.
const PAGE: &str = "docs/contract-diff.md";

/// The programs beside this one, in the order of the columns.
const PEERS: [&str; 2] = ["api-smart-diff", "specmatic"];

/// One pair in one direction, and whether each program says that it breaks somebody: this one first.
struct Row {
    name: String,
    breaks: Breaks,
    back: bool,
    /// `None` if the program gives no verdict.
    verdicts: [Option<bool>; 3],
}

impl Row {
    fn is_right(&self, program: usize) -> bool {
        self.verdicts[program] == Some(self.breaks != Breaks::Nobody)
    }
}

/// Runs all pairs through all programs, in both directions, and writes `docs/contract-diff.md`.
///
/// # Errors
/// If a program cannot be had or run, or the page not written: in words.
pub fn compare_tools(root: &Path, out: &mut dyn Write) -> Result<(), String> {
    // The programs run elsewhere, where a relative path would lead to nothing.
    let root =
        &std::path::absolute(root).map_err(|error| format!("there is no working directory: {error}"))?;
    let manifest = root.join("xtask/peers/differs");
    let packages = node::packages(root, "differs", &manifest).map_err(|error| format!("{error:#}"))?;
    let mut pairs: Vec<(Pair, bool)> = pairs::all()?.into_iter().map(|pair| (pair, false)).collect();
    let backwards = pairs.iter().map(|(pair, _)| {
        let Pair { name, old, new, breaks, back, says } = pair.clone();
        (Pair { name, old: new, new: old, breaks: back, back: breaks, says }, true)
    });
    let backwards: Vec<_> = backwards.collect();
    pairs.extend(backwards);
    let documents: Vec<(&Value, &Value)> = pairs.iter().map(|(pair, _)| (&pair.old, &pair.new)).collect();
    let smart = smart_diff(&packages, &manifest, &documents)?;
    let specmatic = specmatic(&packages, &documents)?;
    let rows: Vec<Row> = pairs
        .into_iter()
        .zip(smart.into_iter().zip(specmatic))
        .map(|((pair, back), (smart, specmatic))| {
            let ours = compare(&pair.old, &pair.new).iter().any(|change| change.breaks != Breaks::Nobody);
            Row { name: pair.name, breaks: pair.breaks, back, verdicts: [Some(ours), smart, specmatic] }
        })
        .collect();
    let page = page(&rows, &versions(&manifest)?);
    let path = root.join(PAGE);
    fs::create_dir_all(path.parent().unwrap_or(root))
        .and_then(|()| fs::write(&path, &page))
        .and_then(|()| writeln!(out, "{}wrote {PAGE}", summary(&rows)))
        .map_err(|error| format!("the result cannot be written: {error}; look at {PAGE}"))
}

/// Asks api-smart-diff, all pairs in one process.
fn smart_diff(
    packages: &Path,
    manifest: &Path,
    documents: &[(&Value, &Value)],
) -> Result<Vec<Option<bool>>, String> {
    let input: Vec<Value> = documents.iter().map(|(old, new)| json!({"old": old, "new": new})).collect();
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    fs::write(file.path(), json!(input).to_string()).map_err(|error| error.to_string())?;
    let input = fs::File::open(file.path()).map_err(|error| error.to_string())?;
    let script = manifest.join("smart-diff.cjs");
    let output = run(Command::new("node").current_dir(packages).arg(script).stdin(input))?;
    let verdicts: Vec<Option<bool>> = serde_json::from_str(&output)
        .map_err(|error| format!("api-smart-diff answered no list of verdicts: {error}"))?;
    if verdicts.len() != documents.len() {
        return Err(format!("api-smart-diff answered {} of {} pairs", verdicts.len(), documents.len()));
    }
    Ok(verdicts)
}

/// Asks specmatic, some pairs at a time: a document that it cannot read ends its run, which begins anew without that pair.
fn specmatic(packages: &Path, documents: &[(&Value, &Value)]) -> Result<Vec<Option<bool>>, String> {
    const AT_ONCE: usize = 24;
    let mut found = vec![None; documents.len()];
    for start in (0..documents.len()).step_by(AT_ONCE) {
        let mut waiting: Vec<usize> = (start..documents.len().min(start + AT_ONCE)).collect();
        while !waiting.is_empty() {
            let output = check(packages, documents, &waiting)?;
            let verdicts = verdicts(&output, documents.len());
            if verdicts.iter().any(Option::is_some) {
                waiting.iter().for_each(|index| found[*index] = verdicts[*index]);
                break;
            }
            let unread =
                last_read(&output, documents.len()).filter(|index| waiting.contains(index)).ok_or_else(
                    || format!("specmatic gave no verdict: {}", output.lines().last().unwrap_or_default()),
                )?;
            waiting.retain(|index| *index != unread);
        }
    }
    Ok(found)
}

/// Runs specmatic, which compares the files of two commits, and gives back what it prints.
fn check(packages: &Path, documents: &[(&Value, &Value)], chosen: &[usize]) -> Result<String, String> {
    let repository = tempfile::tempdir().map_err(|error| error.to_string())?;
    let at = repository.path();
    let git = |arguments: &[&str]| {
        let identity =
            ["-c", "user.name=xtask", "-c", "user.email=xtask@localhost", "-c", "commit.gpgsign=false"];
        run(Command::new("git").current_dir(at).args(identity).args(arguments))
    };
    let write = |choose: fn(&(&Value, &Value)) -> String| {
        chosen.iter().try_for_each(|index| {
            fs::write(at.join(file(*index)), choose(&documents[*index])).map_err(|error| error.to_string())
        })
    };
    git(&["init", "--quiet", "--initial-branch=old", "."])?;
    write(|(old, _)| old.to_string())?;
    git(&["add", "."])?;
    git(&["commit", "--quiet", "--message=old"])?;
    git(&["checkout", "--quiet", "-b", "new"])?;
    write(|(_, new)| new.to_string())?;
    git(&["commit", "--quiet", "--all", "--message=new"])?;
    let output = Command::new("java")
        .current_dir(at)
        .arg(format!("-Duser.home={}", at.display()))
        .arg("-jar")
        .arg(packages.join("node_modules/specmatic/specmatic.jar"))
        .args(["backward-compatibility-check", "--base-branch", "old"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("java cannot be started: {error}; install it for specmatic"))?;
    // It fails where a pair breaks somebody, so that its status says nothing here.
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The file that specmatic was reading when it ended.
fn last_read(output: &str, count: usize) -> Option<usize> {
    let line = output.lines().rfind(|line| line.starts_with("Loading "))?;
    (0..count).find(|index| line.contains(&format!("/{}'", file(*index))))
}

/// Reads the verdict below the name of each file.
fn verdicts(output: &str, count: usize) -> Vec<Option<bool>> {
    let mut lines = output.lines();
    let mut found = vec![None; count];
    while let Some(line) = lines.next() {
        let Some((_, path)) = line.split_once("Verdict for spec ") else { continue };
        let verdict = lines.next().unwrap_or_default();
        let index =
            (0..count).find(|index| path.trim_end_matches(':').ends_with(&format!("/{}", file(*index))));
        if let Some(index) = index {
            found[index] = match verdict {
                text if text.contains("(INCOMPATIBLE)") => Some(true),
                text if text.contains("(COMPATIBLE)") => Some(false),
                _ => None,
            };
        }
    }
    found
}

fn file(index: usize) -> String {
    format!("pair-{index:03}.yaml")
}

fn run(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|error| format!("{program} cannot be started: {error}; install it"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{program} failed: {}", complaint.trim().lines().last().unwrap_or_default()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The names of the programs with the versions that are installed.
fn versions(manifest: &Path) -> Result<[String; 2], String> {
    let path = manifest.join("package.json");
    let text =
        fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(PEERS.map(|name| format!("{name} {}", value["dependencies"][name].as_str().unwrap_or_default())))
}

fn page(rows: &[Row], peers: &[String; 2]) -> String {
    let [smart, specmatic] = peers;
    let mut page = format!(
        "# Comparing contracts\n\n\
         `cargo xtask diff` beside {smart} and {specmatic}, on the pairs of old and new documents in `xtask/src/diff/pairs/`.\n\
         `cargo xtask diff --compare-tools` makes this page; it needs npm, git and Java.\n\n\
         The pairs were written for `cargo xtask diff`, which is held to each of them by a test, so its own column is no\n\
         surprise. Some are beyond what the others set out to do: a name that only generated code uses is nothing to\n\
         specmatic, which compares what travels. The verdict alone counts, and not the reason that is given for it.\n\n{}\n",
        summary(rows)
    );
    page.push_str("## Pair by pair\n\nA wrong verdict is in bold; \"–\" is none at all.\n\n");
    page.push_str(&format!("| pair | breaks | diff | {smart} | {specmatic} |\n|---|---|---|---|---|\n"));
    for row in rows.iter().filter(|row| !row.back) {
        let cells: Vec<String> = (0..3)
            .map(|program| {
                let said = match row.verdicts[program] {
                    None => return "–".to_owned(),
                    Some(true) => "breaks",
                    Some(false) => "safe",
                };
                if row.is_right(program) { said.to_owned() } else { format!("**{said}**") }
            })
            .collect();
        page.push_str(&format!("| {} | {} | {} |\n", row.name, row.breaks, cells.join(" | ")));
    }
    page
}

/// How often each program is right.
fn summary(rows: &[Row]) -> String {
    let mut text =
        String::from("| | pairs | diff | api-smart-diff | specmatic |\n|---|---:|---:|---:|---:|\n");
    for (name, back, breaking) in [
        ("breaking, and seen", false, true),
        ("safe, and let pass", false, false),
        ("backwards: breaking, and seen", true, true),
        ("backwards: safe, and let pass", true, false),
    ] {
        let chosen: Vec<&Row> = rows
            .iter()
            .filter(|row| row.back == back && (row.breaks != Breaks::Nobody) == breaking)
            .collect();
        let right = |program| chosen.iter().filter(|row| row.is_right(program)).count();
        text.push_str(&format!(
            "| {name} | {} | {} | {} | {} |\n",
            chosen.len(),
            right(0),
            right(1),
            right(2)
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_belong_to_the_file_above_them() {
        let output = "\
  Verdict for spec /pairs/./pair-001.yaml:
    (INCOMPATIBLE) The changes are not compatible
  Verdict for spec /pairs/pair-000.yaml:
    (COMPATIBLE) The spec is compatible
  Verdict for spec /pairs/pair-002.yaml:
    (SOMETHING) else
";
        assert_eq!(verdicts(output, 4), [Some(false), Some(true), None, None]);
    }

    #[test]
    fn the_file_that_ended_a_run_is_the_last_one_read() {
        let output = "\
Loading newer specification '/pairs/pair-001.yaml' from branch 'new'
Finished loading newer specification '/pairs/pair-001.yaml' from branch 'new'
Loading older specification '/pairs/pair-002.yaml' from branch 'old'
it cannot be read
";
        assert_eq!(last_read(output, 4), Some(2));
        assert_eq!(last_read("no such line", 4), None);
    }

    #[test]
    fn a_missing_verdict_is_never_right() {
        let row = |breaks, verdict| Row {
            name: "a pair".to_owned(),
            breaks,
            back: false,
            verdicts: [Some(true), verdict, Some(false)],
        };
        let rows = [row(Breaks::Writer, None), row(Breaks::Nobody, None)];
        let text = summary(&rows);
        assert!(text.contains("| breaking, and seen | 1 | 1 | 0 | 0 |"), "{text}");
        assert!(text.contains("| safe, and let pass | 1 | 0 | 0 | 1 |"), "{text}");
    }
}
