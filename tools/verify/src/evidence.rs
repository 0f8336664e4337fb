//! The evidence of a run: the verdicts, and what the server sent, without what belongs to the account.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base_url::{file_name, is_service};
use crate::exchange::{Body, Exchange, Response};
use crate::findings::{Findings, UndeclaredKind, Verdict};
use crate::probe::Outcome;
use crate::redact::Redactor;
use crate::shorten::{Shortened, shorten};
use crate::statement::Contract;

/// The version of the file format.
const FORMAT: u32 = 1;

/// The length of a date.
const DATE: usize = 10;

/// The file of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The version of the file format.
    pub format: u32,
    /// Whether the server is the service: the first server of the contract.
    pub is_service: bool,
    /// The base URL of the server.
    pub base_url: String,
    /// The day of the run in UTC.
    pub date: String,
    /// What the run could do.
    pub mode: Mode,
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
    /// What the lists were that are shortened in the exchanges: by the numbers of the exchanges and the JSON pointers in the bodies.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shortened: BTreeMap<usize, BTreeMap<String, Shortened>>,
}

/// What a run could do. Only runs of one mode are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It could change nothing.
    Reading,
    /// It could make clips.
    Spending,
}

/// Where and when a run took place.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// The base URL of the server.
    pub base_url: String,
    /// The day in UTC.
    pub date: String,
    /// What the run could do.
    pub mode: Mode,
}

impl Evidence {
    /// The evidence of a run. `secrets` are removed wherever the server repeats them.
    ///
    /// # Panics
    /// Never: evidence without secrets is evidence.
    pub fn new(contract: &Contract, outcome: &Outcome, info: RunInfo, secrets: &[&str]) -> Self {
        let mut redactor = Redactor::new(contract, secrets);
        let redacted: Vec<_> = outcome.exchanges.iter().map(|exchange| redactor.exchange(exchange)).collect();
        let mut findings = outcome.findings.clone();
        for contradiction in findings.statements.values_mut().flat_map(|finding| &mut finding.contradicted_by)
        {
            contradiction.found = redactor.text(&contradiction.found);
        }
        for undeclared in &mut findings.undeclared {
            undeclared.what = match undeclared.kind {
                UndeclaredKind::Member => redactor.member(&undeclared.what),
                _ => redactor.text(&undeclared.what),
            };
        }
        for seen in findings.observed.values_mut() {
            *seen = redactor.text(seen);
        }
        let mut exchanges = without_repeated_polls(redacted, &findings);
        let shortened = exchanges.iter_mut().filter_map(|(number, exchange)| {
            let Body::Json(body) = &mut exchange.response.body else { return None };
            Some((*number, shorten(body))).filter(|(_, lists)| !lists.is_empty())
        });
        let shortened = shortened.collect();
        let evidence = Self {
            format: FORMAT,
            is_service: is_service(contract, &info.base_url),
            base_url: info.base_url,
            date: info.date,
            mode: info.mode,
            contract: contract.version().to_owned(),
            spent_usd: crate::budget::dollars(outcome.spent),
            left_out: outcome.left_out.iter().map(|line| redactor.text(line)).collect(),
            exchanges,
            shortened,
            findings,
        };
        let value = serde_json::to_value(evidence).map(|value| redactor.without_secrets(value));
        value.and_then(serde_json::from_value).expect("evidence without secrets is evidence")
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
        format!("{}-{}", self.date, file_name(&self.base_url))
    }

    /// The evidence of earlier runs against the same server in a directory, the oldest first. `say` gets a line for each file that
    /// cannot be read.
    pub fn earlier(directory: &Path, base_url: &str, say: &mut dyn FnMut(String)) -> Vec<Self> {
        let server = file_name(base_url);
        let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        // `DATE-HOST.json`, and `DATE-HOST.2.json` for the second run of a day.
        let mut runs: Vec<(String, u32, String)> = names
            .filter_map(|name| {
                let (date, rest) = name.strip_suffix(".json")?.split_at_checked(DATE)?;
                let number = match rest.strip_prefix('-')?.strip_prefix(&server)? {
                    "" => 1,
                    number => number.strip_prefix('.')?.parse().ok()?,
                };
                Some((date.to_owned(), number, name))
            })
            .collect();
        runs.sort();
        let read = |(_, _, name): &(String, u32, String)| match Self::read(&directory.join(name)) {
            Ok(evidence) => Some(evidence),
            Err(error) => {
                say(format!("warning: {error:#}; the verdicts are not compared with it"));
                None
            }
        };
        runs.iter().filter_map(read).filter(|evidence| evidence.base_url == base_url).collect()
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

/// The verdicts that differ from those of earlier runs of the same mode. A statement that one of them has not seen has not changed, except
/// a member that the server sent in the last run, and now leaves out of its object.
pub fn changes(earlier: &[Evidence], now: &Evidence) -> Vec<Change> {
    let earlier: Vec<_> = earlier.iter().filter(|evidence| evidence.mode == now.mode).collect();
    let names = |evidence: &Evidence| evidence.findings.statements.keys().cloned().collect::<Vec<_>>();
    let statements: BTreeSet<String> =
        earlier.last().into_iter().flat_map(|last| names(last)).chain(names(now)).collect();
    let changed = |statement: String| {
        let verdict = now.findings.verdict(&statement);
        let holder = statement.split_once('.').map(|(holder, _)| now.findings.verdict(holder));
        let before = match verdict {
            Verdict::NotSeen => {
                let is_left_out = holder.is_some_and(|holder| holder != Verdict::NotSeen);
                earlier
                    .last()
                    .filter(|last| is_left_out && last.findings.verdict(&statement) == Verdict::Confirmed)?
            }
            _ => {
                let mut seen = earlier.iter().rev();
                seen.find(|evidence| evidence.findings.verdict(&statement) != Verdict::NotSeen)?
            }
        };
        let (before, date) = (before.findings.verdict(&statement), before.date.clone());
        (before != verdict).then_some(Change { statement, before, date, now: verdict })
    };
    statements.into_iter().filter_map(changed).collect()
}

/// Polls that say the same as the one before are left out, unless a finding cites them.
fn without_repeated_polls(exchanges: Vec<Exchange>, findings: &Findings) -> BTreeMap<usize, Exchange> {
    let essence = |response: &Response| {
        let mut body = response.body.clone();
        if let Body::Json(Value::Object(members)) = &mut body {
            members.remove("metadata");
        }
        (response.status, body)
    };
    let of_statements = findings.statements.values().flat_map(|finding| {
        let contradicted = finding.contradicted_by.iter().map(|contradiction| contradiction.exchange);
        contradicted.chain(finding.confirmed_by.iter().copied())
    });
    let undeclared = findings.undeclared.iter().map(|undeclared| undeclared.exchange);
    let cited: BTreeSet<_> = of_statements.chain(undeclared).collect();
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

#[cfg(test)]
mod tests;
