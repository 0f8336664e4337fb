//! Adds the evidence of a run to the provenance of the contract.

use openapi_checks::lines::Lines;

use crate::evidence::Evidence;
use crate::findings::Verdict;
use crate::statement::Contract;

/// The changed text of the contract, and what people have to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The text of `video.yaml` with the new sources.
    pub text: String,
    /// The names of the statements that have a new source.
    pub verified: Vec<String>,
    /// A text for each contradiction: the place, and what the server does.
    pub edits: Vec<String>,
}

/// Adds `verified: DATE` to the provenance of each confirmed statement. No statement changes.
///
/// # Errors
/// If the evidence is not of the service.
pub fn apply(contract: &Contract, evidence: &Evidence) -> anyhow::Result<Applied> {
    anyhow::ensure!(
        evidence.is_service,
        "this is evidence of {}, and only the service can verify the contract; run `cargo xtask verify --base-url {}`",
        evidence.base_url,
        contract.document.value["servers"][0]["url"].as_str().unwrap_or_default()
    );
    let lines = Lines::read(&contract.text);
    let mut text: Vec<String> = contract.text.lines().map(str::to_owned).collect();
    let mut verified = Vec::new();
    let mut edits = Vec::new();
    for statement in &contract.statements {
        match (evidence.findings.verdict(&statement.name), &statement.pointer) {
            (Verdict::Confirmed, Some(pointer)) => {
                let line = lines.line(&format!("{pointer}/x-provenance")) - 1;
                if let Some(changed) = with_date(&text[line], &evidence.date) {
                    text[line] = changed;
                    verified.push(statement.name.clone());
                }
            }
            (Verdict::Contradicted, pointer) => {
                let finding = evidence.findings.statements.get(&statement.name);
                let found: Vec<_> = finding
                    .into_iter()
                    .flat_map(|finding| &finding.contradicted_by)
                    .map(|contradiction| format!("  {}", contradiction.found))
                    .collect();
                let place = match pointer {
                    Some(_) => format!("openapi/video.yaml:{}", statement.line),
                    None => format!("openapi/video.yaml:{}, and what else states it", statement.line),
                };
                edits.push(format!(
                    "{place}: {}\n  says: {}\n{}",
                    statement.name,
                    statement.says,
                    found.join("\n")
                ));
            }
            _ => {}
        }
    }
    Ok(Applied { text: text.join("\n") + "\n", verified, edits })
}

/// A line such as `x-provenance: [page]` with the date; `None` if it has the same or a later one.
fn with_date(line: &str, date: &str) -> Option<String> {
    let (before, sources) = line.split_once("x-provenance: [")?;
    let sources = sources.strip_suffix(']')?;
    let mut kept = Vec::new();
    for source in sources.split(", ") {
        match source.trim_matches('\'').strip_prefix("verified: ") {
            Some(known) if known >= date => return None,
            Some(_) => {}
            None => kept.push(source.to_owned()),
        }
    }
    kept.push(format!("'verified: {date}'"));
    Some(format!("{before}x-provenance: [{}]", kept.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_added_and_a_newer_one_replaces_it() {
        let once = with_date("  x-provenance: [page, assumed]", "2026-12-01").unwrap();
        assert_eq!(once, "  x-provenance: [page, assumed, 'verified: 2026-12-01']");
        assert_eq!(with_date(&once, "2026-12-01"), None);
        assert_eq!(with_date(&once, "2026-11-01"), None);
        let newer = "  x-provenance: [page, assumed, 'verified: 2027-01-01']";
        assert_eq!(with_date(&once, "2027-01-01").as_deref(), Some(newer));
    }
}
