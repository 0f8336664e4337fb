//! The report of a run for people, in Markdown.

use std::fmt::Write as _;

use crate::evidence::{Change, Evidence};
use crate::exchange::{Body, Exchange};
use crate::findings::{Contradiction, Undeclared, UndeclaredKind, Verdict};
use crate::statement::{Contract, Statement};

/// The characters of a body that are shown.
const SHOWN: usize = 600;

/// The number of statements with each verdict: contradicted, confirmed, not seen.
pub fn counts(contract: &Contract, evidence: &Evidence) -> [usize; 3] {
    [Verdict::Contradicted, Verdict::Confirmed, Verdict::NotSeen]
        .map(|verdict| with(contract, evidence, verdict).count())
}

/// The report.
pub fn report(contract: &Contract, evidence: &Evidence, changes: &[Change]) -> String {
    let mut text = String::new();
    let [contradicted, confirmed, not_seen] = counts(contract, evidence);
    let Evidence { base_url, date, contract: version, spent_usd, .. } = evidence;
    let server = if evidence.is_service { "the service" } else { "a server that is not the service" };
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!("# {base_url} and the contract {version}, {date}\n"));
    line(format!(
        "{base_url} is {server}. **Statements: {contradicted} contradicted, {confirmed} confirmed, {not_seen} not seen.** \
         {} requests, {spent_usd} USD charged.\n",
        evidence.exchanges.last_key_value().map_or(0, |(number, _)| *number)
    ));
    line("A number such as (7) is that of an exchange in the evidence file. Lines are those of `openapi/video.yaml`.\n".to_owned());
    if !changes.is_empty() {
        line("## Changed\n\n| statement | before | now |\n|---|---|---|".to_owned());
        for Change { statement, before, date, now } in changes {
            line(format!("| {statement} | {} ({date}) | {} |", before.as_str(), now.as_str()));
        }
        line(String::new());
    }
    if contradicted > 0 {
        line("## Contradicted\n".to_owned());
        for statement in with(contract, evidence, Verdict::Contradicted) {
            line(contradiction(evidence, statement));
        }
    }
    let undeclared = &evidence.findings.undeclared;
    if !undeclared.is_empty() {
        line("## Not declared\n\nThe contract allows members, headers, values and error statuses that it does not declare.\n".to_owned());
        line("| what | where | seen in |\n|---|---|---|".to_owned());
        let mut rows: Vec<(UndeclaredKind, &str, Vec<&str>, usize)> = Vec::new();
        for Undeclared { kind, place, what, exchange } in undeclared {
            match rows.iter_mut().find(|(known, name, ..)| (*known, *name) == (*kind, what.as_str())) {
                Some((.., places, _)) => places.push(place),
                None => rows.push((*kind, what, vec![place], *exchange)),
            }
        }
        for (kind, what, places, exchange) in rows {
            line(format!("| {} `{}` | {} | ({exchange}) |", kind.as_str(), cell(what), places.join(", ")));
        }
        line(String::new());
    }
    if !evidence.findings.observed.is_empty() {
        line(
            "## States and values seen\n\nThe contract leaves them open.\n\n| what | the server |\n|---|---|"
                .to_owned(),
        );
        evidence
            .findings
            .observed
            .iter()
            .for_each(|(what, seen)| line(format!("| {what} | {} |", cell(seen))));
        line(String::new());
    }
    if !evidence.left_out.is_empty() {
        line("## Left out\n".to_owned());
        evidence.left_out.iter().for_each(|left_out| line(format!("- {left_out}")));
        line(String::new());
    }
    if !evidence.findings.error_codes.is_empty() {
        line("## Error codes\n\n| code | statuses |\n|---|---|".to_owned());
        for (code, statuses) in &evidence.findings.error_codes {
            let statuses: Vec<_> = statuses.iter().map(u16::to_string).collect();
            line(format!("| `{}` | {} |", cell(code), statuses.join(", ")));
        }
        line(String::new());
    }
    for (title, verdict) in [("Confirmed", Verdict::Confirmed), ("Not seen", Verdict::NotSeen)] {
        line(format!("## {title}\n\n| statement | what it says | line | seen in |\n|---|---|---|---|"));
        for Statement { name, says, line: number, .. } in with(contract, evidence, verdict) {
            let confirmed =
                evidence.findings.statements.get(name).map_or(&[][..], |finding| &finding.confirmed_by);
            let numbers: Vec<_> = confirmed.iter().map(|number| format!("({number})")).collect();
            line(format!("| {name} | {} | {number} | {} |", cell(says), numbers.join(" ")));
        }
        line(String::new());
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn with<'a>(
    contract: &'a Contract,
    evidence: &'a Evidence,
    verdict: Verdict,
) -> impl Iterator<Item = &'a Statement> {
    contract.statements.iter().filter(move |statement| evidence.findings.verdict(&statement.name) == verdict)
}

fn contradiction(evidence: &Evidence, statement: &Statement) -> String {
    let mut text = format!("### {} (line {})\n\n> {}\n\n", statement.name, statement.line, statement.says);
    let Some(finding) = evidence.findings.statements.get(&statement.name) else { return text };
    for Contradiction { exchange, found } in &finding.contradicted_by {
        let _ = writeln!(text, "- {found} ({exchange})");
    }
    if !finding.confirmed_by.is_empty() {
        let numbers: Vec<_> = finding.confirmed_by.iter().map(|number| format!("({number})")).collect();
        let _ = writeln!(text, "- as the contract says in {}", numbers.join(" "));
    }
    let first = finding
        .contradicted_by
        .first()
        .and_then(|first| Some((first.exchange, evidence.exchanges.get(&first.exchange)?)));
    if let Some((number, exchange)) = first {
        let _ = write!(text, "\n```http\n{}\n```\n", shown(number, exchange));
        for (pointer, list) in evidence.shortened.get(&number).into_iter().flatten() {
            let _ = writeln!(text, "\n`{pointer}` had {} items.", list.length);
        }
    }
    text
}

fn shown(number: usize, Exchange { request, response, .. }: &Exchange) -> String {
    let mut text = format!("({number}) {} {}", request.method, request.url);
    if let Some(body) = &request.body {
        let _ = write!(text, "\n{body}");
    }
    let _ = write!(text, "\n\n{}", response.status);
    for name in ["content-type", "content-range", "retry-after", "www-authenticate"] {
        if let Some(value) = response.header(name) {
            let _ = write!(text, "\n{name}: {value}");
        }
    }
    let body = match &response.body {
        Body::Json(value) => value.to_string(),
        Body::Text(body) => body.clone(),
        Body::Binary(binary) => format!("({} bytes)", binary.length),
    };
    let cut: String = body.chars().take(SHOWN).collect();
    let rest = if cut.len() < body.len() { "..." } else { "" };
    if !cut.is_empty() {
        let _ = write!(text, "\n\n{cut}{rest}");
    }
    text
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
