//! Probes a live server, judges its responses by the contract, and writes evidence: `cargo xtask verify`.
//!
//! It speaks HTTP by itself. The SDK and the generated client would agree with the contract by construction.

mod apply;
mod base_url;
mod budget;
pub mod command;
mod evidence;
mod exchange;
mod findings;
mod journal;
mod judge;
mod mp4;
mod probe;
mod recorder;
mod redact;
mod replay;
mod report;
mod rules;
mod server;
mod shorten;
mod statement;

pub use apply::{Applied, apply};
pub use base_url::{base_url, file_name, is_service};
pub use budget::{Allowance, dollars};
pub use evidence::{Change, Evidence, Mode, RunInfo, changes};
pub use exchange::{Auth, Binary, Body, Exchange, Request, Response, Size};
pub use findings::{Contradiction, Finding, Findings, Undeclared, UndeclaredKind, Verdict};
pub use journal::{Journal, Settings};
pub use probe::{Options, Outcome, run};
pub use redact::FILE_HOST;
pub use replay::Replay;
pub use report::{counts, report};
pub use rules::{RULES, Rule};
pub use server::{Http, MALFORMED_KEY, NoResponse, Server, response_of};
pub use shorten::Shortened;
pub use statement::{Contract, Statement};
