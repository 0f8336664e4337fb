//! The evidence of a run: the verdicts, and what the server sent, without what belongs to the account.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exchange::{Body, Exchange, Response};
use crate::findings::{Findings, Verdict};
use crate::probe::Outcome;
use crate::redact::Redactor;
use crate::statement::Contract;

/// The version of the form of the file.
const FORMAT: u32 = 1;

/// The length of a date.
const DATE: usize = 10;

/// The file of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The version of the form of the file.
    pub format: u32,
    /// Whether the server is the service: the first server of the contract.
    pub is_service: bool,
    /// The base URL of the server.
    pub base_url: String,
    /// The day of the run in UTC.
    pub date: String,
    /// The version of the contract.
    pub contract: String,
    /// The charges in US dollars.
    pub spent_usd: String,
    /// Parts that were left out, and why.
    pub left_out: Vec<String>,
    /// The verdicts.
    pub findings: Findings,
    /// The exchanges by their numbers.
    pub exchanges: BTreeMap<usize, Exchange>,
}

/// Where and when a run took place.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// The base URL of the server.
    pub base_url: String,
    /// The day in UTC.
    pub date: String,
}

impl Evidence {
    /// The evidence of a run. `secrets` are removed wherever the server repeats them.
    pub fn new(contract: &Contract, outcome: &Outcome, occasion: Occasion, secrets: &[&str]) -> Self {
        let mut redactor = Redactor::new(secrets);
        let redacted: Vec<_> = outcome.exchanges.iter().map(|exchange| redactor.exchange(exchange)).collect();
        let mut findings = outcome.findings.clone();
        for contradiction in findings.statements.values_mut().flat_map(|finding| &mut finding.contradicted_by)
        {
            contradiction.found = redactor.text(&contradiction.found);
        }
        for undeclared in &mut findings.undeclared {
            undeclared.what = redactor.text(&undeclared.what);
        }
        Self {
            format: FORMAT,
            is_service: is_service(contract, &occasion.base_url),
            base_url: occasion.base_url,
            date: occasion.date,
            contract: contract.version().to_owned(),
            spent_usd: crate::budget::dollars(outcome.spent),
            left_out: outcome.left_out.iter().map(|line| redactor.text(line)).collect(),
            exchanges: without_repeated_polls(redacted, &findings),
            findings,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it is not a file of evidence.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let evidence: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is not evidence of `cargo xtask verify`", path.display()))?;
        if evidence.format != FORMAT {
            bail!("{} has the form {}, and this version knows {FORMAT}", path.display(), evidence.format);
        }
        Ok(evidence)
    }

    /// The text of the file.
    ///
    /// # Panics
    /// Never: every value is representable in JSON.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("evidence has only text, numbers and lists");
        format!("{text}\n")
    }

    /// The name of its file without an extension.
    pub fn name(&self) -> String {
        format!("{}-{}", self.date, host(&self.base_url))
    }

    /// The files of earlier runs against the same server in a directory, the oldest first.
    ///
    /// # Errors
    /// If a file that has the name of evidence cannot be read.
    pub fn earlier(directory: &Path, base_url: &str) -> anyhow::Result<Vec<Self>> {
        let host = host(base_url);
        let Ok(entries) = fs::read_dir(directory) else { return Ok(Vec::new()) };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        // `DATE-HOST.json`, and `DATE-HOST.2.json` for the second run of a day.
        let mut runs: Vec<(String, u32, String)> = names
            .filter_map(|name| {
                let (date, rest) = name.strip_suffix(".json")?.split_at_checked(DATE)?;
                let number = match rest.strip_prefix('-')?.strip_prefix(&host)? {
                    "" => 1,
                    number => number.strip_prefix('.')?.parse().ok()?,
                };
                Some((date.to_owned(), number, name))
            })
            .collect();
        runs.sort();
        runs.iter().map(|(_, _, name)| Self::read(&directory.join(name))).collect()
    }
}

/// A verdict that differs from the latest one that says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The name of the statement.
    pub statement: String,
    /// The verdict of an earlier run.
    pub before: Verdict,
    /// The day of that run.
    pub date: String,
    /// The verdict now.
    pub now: Verdict,
}

/// The verdicts that differ from those of earlier runs. A statement that one of them has not seen has not changed.
pub fn changes(earlier: &[Evidence], now: &Evidence) -> Vec<Change> {
    let changed = |statement: &String| {
        let now = now.findings.verdict(statement);
        let verdicts =
            earlier.iter().rev().map(|evidence| (evidence.findings.verdict(statement), &evidence.date));
        let (before, date) = verdicts.into_iter().find(|(verdict, _)| *verdict != Verdict::NotSeen)?;
        let change = Change { statement: statement.clone(), before, date: date.clone(), now };
        (now != Verdict::NotSeen && now != before).then_some(change)
    };
    now.findings.statements.keys().filter_map(changed).collect()
}

/// The host of a URL with its port, as a part of a file name.
pub fn host(base_url: &str) -> String {
    let host = base_url.split("://").last().unwrap_or_default().split('/').next().unwrap_or_default();
    host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}

/// Whether a URL is that of the service.
pub fn is_service(contract: &Contract, base_url: &str) -> bool {
    let service = contract.document.value["servers"][0]["url"].as_str().unwrap_or_default();
    base_url.trim_end_matches('/') == service
}

/// Polls that say the same as the one before are left out.
fn without_repeated_polls(exchanges: Vec<Exchange>, findings: &Findings) -> BTreeMap<usize, Exchange> {
    let essence = |response: &Response| {
        let mut body = response.body.clone();
        if let Body::Json(Value::Object(members)) = &mut body {
            members.remove("metadata");
        }
        (response.status, body)
    };
    let contradicted = findings.statements.values().flat_map(|finding| &finding.contradicted_by);
    let cited: Vec<_> = contradicted.map(|contradiction| contradiction.exchange).collect();
    let mut kept: BTreeMap<usize, Exchange> = BTreeMap::new();
    for (index, exchange) in exchanges.into_iter().enumerate() {
        let repeats = kept.last_key_value().is_some_and(|(_, last)| {
            exchange.request.method == "GET"
                && last.request == exchange.request
                && essence(&last.response) == essence(&exchange.response)
        });
        if !repeats || cited.contains(&(index + 1)) {
            kept.insert(index + 1, exchange);
        }
    }
    kept
}
