//! What the exchanges of a run say about the statements of the contract.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rules::Rule;

/// The findings of a statement that are kept: more say nothing new.
const KEPT: usize = 4;

/// All findings of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// The findings by the name of their statement. A statement without findings was not seen.
    pub statements: BTreeMap<String, Finding>,
    /// What the contract does not declare.
    pub undeclared: Vec<Undeclared>,
    /// What the contract leaves open, and the server decides.
    pub observed: BTreeMap<String, String>,
    /// The error codes that the server sent, each with its statuses.
    pub error_codes: BTreeMap<String, Vec<u16>>,
}

/// What is known of a statement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The numbers of the first exchanges that confirm it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirmed_by: Vec<usize>,
    /// The first contradictions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contradicted_by: Vec<Contradiction>,
}

/// A response that contradicts a statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contradiction {
    /// The number of the exchange.
    pub exchange: usize,
    /// What the server did.
    pub found: String,
}

/// Something that the contract neither declares nor forbids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undeclared {
    /// What it is.
    pub kind: UndeclaredKind,
    /// Where it was: an operation, or the name of a schema.
    pub place: String,
    /// The status, or the name of the header or member, or the value.
    pub what: String,
    /// The number of the first exchange with it.
    pub exchange: usize,
}

/// A kind of things that a contract declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndeclaredKind {
    /// The status of a response.
    Status,
    /// A header of a response.
    Header,
    /// A member of an object.
    Member,
    /// A value of an open vocabulary.
    Value,
}

impl UndeclaredKind {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Header => "header",
            Self::Member => "member",
            Self::Value => "value",
        }
    }
}

/// What a run says about a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A response contradicts it.
    Contradicted,
    /// A response confirms it, and none contradicts it.
    Confirmed,
    /// No response says anything about it.
    NotSeen,
}

impl Verdict {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contradicted => "contradicted",
            Self::Confirmed => "confirmed",
            Self::NotSeen => "not seen",
        }
    }
}

impl Findings {
    /// The verdict about a statement.
    pub fn verdict(&self, statement: &str) -> Verdict {
        match self.statements.get(statement) {
            Some(finding) if !finding.contradicted_by.is_empty() => Verdict::Contradicted,
            Some(finding) if !finding.confirmed_by.is_empty() => Verdict::Confirmed,
            _ => Verdict::NotSeen,
        }
    }

    /// The names of the statements with this verdict, which is not [`Verdict::NotSeen`].
    pub fn with_verdict(&self, verdict: Verdict) -> impl Iterator<Item = &str> {
        self.statements.keys().map(String::as_str).filter(move |name| self.verdict(name) == verdict)
    }

    pub(crate) fn confirm(&mut self, statement: &str, exchange: usize) {
        let confirmed = &mut self.statements.entry(statement.to_owned()).or_default().confirmed_by;
        if confirmed.len() < KEPT && !confirmed.contains(&exchange) {
            confirmed.push(exchange);
        }
    }

    pub(crate) fn contradict(&mut self, statement: &str, exchange: usize, found: impl Into<String>) {
        let contradicted = &mut self.statements.entry(statement.to_owned()).or_default().contradicted_by;
        let found = found.into();
        if contradicted.len() < KEPT && contradicted.iter().all(|known| known.found != found) {
            contradicted.push(Contradiction { exchange, found });
        }
    }

    /// Confirms or contradicts a rule. `found` is what the server did if it contradicts the rule.
    pub(crate) fn rule(&mut self, rule: &Rule, exchange: usize, holds: bool, found: impl Into<String>) {
        match holds {
            true => self.confirm(rule.name, exchange),
            false => self.contradict(rule.name, exchange, found),
        }
    }

    pub(crate) fn undeclared(&mut self, kind: UndeclaredKind, place: &str, what: &str, exchange: usize) {
        let is_known = |known: &Undeclared| {
            (known.kind, known.place.as_str(), known.what.as_str()) == (kind, place, what)
        };
        if !self.undeclared.iter().any(is_known) {
            self.undeclared.push(Undeclared {
                kind,
                place: place.to_owned(),
                what: what.to_owned(),
                exchange,
            });
        }
    }

    /// Notes what the server does where the contract leaves it open.
    pub(crate) fn observe(&mut self, what: &str, seen: impl Into<String>) {
        self.observed.insert(what.to_owned(), seen.into());
    }

    /// Adds to a list of what the server does.
    pub(crate) fn observe_also(&mut self, what: &str, seen: &str) {
        let list = self.observed.entry(what.to_owned()).or_default();
        if !list.split(", ").any(|known| known == seen) {
            let comma = if list.is_empty() { "" } else { ", " };
            *list = format!("{list}{comma}{seen}");
        }
    }

    pub(crate) fn error_code(&mut self, code: &str, status: u16) {
        let statuses = self.error_codes.entry(code.to_owned()).or_default();
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
}
