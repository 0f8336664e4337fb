//! Completion in shells: what a shell offers when its user presses Tab.
//!
//! The script of a shell calls this command with a variable in its environment and the words that were typed. Candidates come
//! from the command line itself, the file system and the ledger. Nothing is sent, created or waited for, and no error is printed.

mod candidates;
mod recorded;
mod shell;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap_complete::engine::{self, CompletionCandidate};

pub(crate) use self::shell::script;
use self::shell::{Shell, Typed};

/// Names the shell, and is set only by the scripts.
const VARIABLE: &str = "INFRAI_VIDEO_COMPLETE";

/// Prints candidates if a shell asks for them. `None` for all other command lines.
pub(crate) fn respond() -> Option<ExitCode> {
    let shell = Shell::named(&std::env::var_os(VARIABLE)?)?;
    // The words come after the name of this program and `--`.
    let words: Vec<OsString> = std::env::args_os().skip(2).collect();
    let typed = shell.typed(&words);
    let mut lines = String::new();
    for candidate in matching(&typed) {
        lines.push_str(&shell.line(&typed, &candidate));
        lines.push('\n');
    }
    // A shell that no longer reads needs no candidates.
    let _closed = std::io::stdout().write_all(lines.as_bytes());
    Some(ExitCode::SUCCESS)
}

fn matching(typed: &Typed) -> Vec<CompletionCandidate> {
    let mut command = candidates::attach(crate::command(), typed);
    let words = typed.words.iter().map(OsString::from).collect();
    let directory = std::env::current_dir().ok();
    let found = engine::complete(&mut command, words, typed.words.len() - 1, directory.as_deref());
    let mut found = found.unwrap_or_default();
    let is_option =
        |candidate: &CompletionCandidate| candidate.get_value().as_encoded_bytes().starts_with(b"-");
    // Options are offered once a dash is typed, or where there is nothing else.
    if !typed.current().starts_with('-') && !found.iter().all(is_option) {
        found.retain(|candidate| !is_option(candidate));
    }
    found
}
