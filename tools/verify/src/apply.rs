//! Adds the evidence of a run to the provenance of the contract.

use openapi_checks::lines::Lines;

use crate::evidence::Evidence;
use crate::findings::Verdict;
use crate::statement::Contract;

/// Begins the list of sources in a line.
const LIST: &str = "x-provenance: [";

/// The changed text of the contract, and what people have to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The text of `video.yaml` with the new sources.
    pub text: String,
    /// The names of the statements that have a new source.
    pub verified: Vec<String>,
    /// The names of the statements that have lost the source of an earlier verification.
    pub withdrawn: Vec<String>,
    /// A text for each contradiction: the place, and what the server does.
    pub edits: Vec<String>,
}

/// Adds `verified: DATE` to the provenance of each confirmed statement, and removes it from contradicted ones. No statement changes.
///
/// # Errors
/// If the evidence is not of the service, or of another version of the contract.
pub fn apply(contract: &Contract, evidence: &Evidence) -> anyhow::Result<Applied> {
    anyhow::ensure!(
        evidence.is_service,
        "this is evidence of {}, and only the service can verify the contract; run `cargo xtask verify --base-url {}`",
        evidence.base_url,
        contract.document.value["servers"][0]["url"].as_str().unwrap_or_default()
    );
    anyhow::ensure!(
        evidence.contract == contract.version(),
        "this is evidence about version {} of the contract, and openapi/video.yaml is version {}: check out the commit of version {0} to \
         apply it, or run `cargo xtask verify` again",
        evidence.contract,
        contract.version()
    );
    let lines = Lines::read(&contract.text);
    let mut text: Vec<String> = contract.text.lines().map(str::to_owned).collect();
    let (mut verified, mut withdrawn) = (Vec::new(), Vec::new());
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
                if let Some(pointer) = pointer {
                    let line = lines.line(&format!("{pointer}/x-provenance")) - 1;
                    if let Some(changed) = without_date(&text[line], &evidence.date) {
                        text[line] = changed;
                        withdrawn.push(statement.name.clone());
                    }
                }
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
    Ok(Applied { text: text.join("\n") + "\n", verified, withdrawn, edits })
}

/// A line such as `x-provenance: [page]` with the date; `None` if it has the same or a later one.
fn with_date(line: &str, date: &str) -> Option<String> {
    let (before, mut sources) = sources(line)?;
    if sources.iter().any(|source| verified(source).is_some_and(|known| known >= date)) {
        return None;
    }
    sources.retain(|source| verified(source).is_none());
    let new = format!("'verified: {date}'");
    sources.push(&new);
    Some(format!("{before}{LIST}{}]", sources.join(", ")))
}

/// A line without the date of an earlier verification; `None` if it has none.
fn without_date(line: &str, date: &str) -> Option<String> {
    let (before, mut sources) = sources(line)?;
    let count = sources.len();
    sources.retain(|source| verified(source).is_none_or(|known| known > date));
    (sources.len() < count).then(|| format!("{before}{LIST}{}]", sources.join(", ")))
}

/// What is before the list of sources, and the sources.
fn sources(line: &str) -> Option<(&str, Vec<&str>)> {
    let (before, sources) = line.split_once(LIST)?;
    Some((before, sources.strip_suffix(']')?.split(", ").collect()))
}

/// The date of a source that is a verification.
fn verified(source: &str) -> Option<&str> {
    source.trim_matches('\'').strip_prefix("verified: ")
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

    #[test]
    fn the_date_of_an_earlier_verification_is_removed() {
        let line = "  x-provenance: [page, 'verified: 2026-12-01']";
        for date in ["2026-12-01", "2026-12-02"] {
            assert_eq!(without_date(line, date).as_deref(), Some("  x-provenance: [page]"));
        }
        assert_eq!(without_date(line, "2026-11-30"), None);
        assert_eq!(without_date("  x-provenance: [page]", "2026-12-01"), None);
    }
}
