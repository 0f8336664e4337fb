//! Which argument is completed with what.

use std::ffi::OsStr;
use std::path::Path;

use clap::builder::StyledStr;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter};

use super::recorded::Recorded;
use super::shell::Typed;
use crate::args::Global;
use crate::config::Config;
use crate::text::fit;

/// Maximum columns of a prompt beside its job.
const PROMPT_WIDTH: usize = 40;

/// Sizes of clips that the contract names.
const SIZES: [&str; 3] = ["720p", "1080p", "4k"];

/// The commands whose argument is a job.
const ON_JOBS: [(&str, &str); 8] = [
    ("wait", "ids"),
    ("status", "id"),
    ("get", "id"),
    ("cancel", "ids"),
    ("delete", "ids"),
    ("download", "ids"),
    ("download-url", "id"),
    ("set-retention", "id"),
];

/// Adds completers to arguments of the command.
pub(super) fn attach(command: clap::Command, typed: &Typed) -> clap::Command {
    let jobs = jobs(typed);
    let names: Vec<String> = command.get_subcommands().map(|known| known.get_name().to_owned()).collect();
    let mut command = command;
    for (name, argument) in ON_JOBS {
        command = with(command, name, argument, jobs.clone());
    }
    command = command.mut_arg("profile", |profile| profile.add(profiles()));
    command = with(command, "resume", "names", requests(typed));
    command = with(command, "generate", "resolution", words(SIZES));
    command = with(command, "man", "name", words(names));
    command = command.mut_subcommand("batch", |batch| {
        let batch = with(batch, "run", "plan", files(&["jsonl", "csv"]));
        ["run", "status", "retry"]
            .into_iter()
            .fold(batch, |batch, name| with(batch, name, "name", batches(typed)))
    });
    #[cfg(feature = "sandbox")]
    {
        command = with(command, "sandbox", "scenario", scenarios());
        for argument in ["faults", "catalogue"] {
            command = with(command, "sandbox", argument, files(&["toml", "json"]));
        }
    }
    command
}

fn with(
    command: clap::Command,
    subcommand: &str,
    argument: &str,
    completer: ArgValueCompleter,
) -> clap::Command {
    command.mut_subcommand(subcommand, |known| known.mut_arg(argument, |known| known.add(completer)))
}

/// Candidates that begin with what was typed, in their order.
fn completer(all: impl Fn() -> Vec<(String, String)> + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let current = current.to_string_lossy();
        let matching = all().into_iter().filter(|(value, _)| value.starts_with(&*current));
        matching.map(|(value, help)| candidate(value, help)).collect::<Vec<_>>()
    })
}

fn candidate(value: String, help: String) -> CompletionCandidate {
    CompletionCandidate::new(value).help((!help.is_empty()).then(|| StyledStr::from(help)))
}

fn words(words: impl IntoIterator<Item = impl Into<String>>) -> ArgValueCompleter {
    let words: Vec<String> = words.into_iter().map(Into::into).collect();
    completer(move || words.iter().map(|word| (word.clone(), String::new())).collect())
}

/// The jobs of the ledger with their states and prompts, newest first, without those that are on the command line already.
fn jobs(typed: &Typed) -> ArgValueCompleter {
    let typed = typed.clone();
    completer(move || {
        let recorded = Recorded::find(&typed);
        let jobs =
            recorded.items.into_iter().filter_map(|item| Some((item.job_id?, item.state, item.prompt)));
        without_typed(&typed, jobs)
    })
}

/// The jobs, and the idempotency keys of requests without a job.
fn requests(typed: &Typed) -> ArgValueCompleter {
    let typed = typed.clone();
    completer(move || {
        let recorded = Recorded::find(&typed);
        let items = recorded.items.into_iter();
        without_typed(&typed, items.map(|item| (item.job_id.unwrap_or(item.key), item.state, item.prompt)))
    })
}

fn without_typed(
    typed: &Typed,
    named: impl Iterator<Item = (String, String, String)>,
) -> Vec<(String, String)> {
    let before = &typed.words[..typed.words.len() - 1];
    let new = named.filter(|(name, ..)| !before.contains(name));
    new.map(|(name, state, prompt)| (name, format!("{state}: {}", fit(&prompt, PROMPT_WIDTH)))).collect()
}

/// The batches of the ledger with their progress, newest first.
fn batches(typed: &Typed) -> ArgValueCompleter {
    let typed = typed.clone();
    completer(move || {
        let batches = Recorded::find(&typed).batches.into_iter();
        batches.map(|batch| (batch.name, format!("{} of {} saved", batch.saved, batch.items))).collect()
    })
}

/// The profiles of the configuration.
fn profiles() -> ArgValueCompleter {
    completer(|| {
        let config = Config::load(&Global::default()).unwrap_or_default();
        config.profile_names().into_iter().map(|name| (name, String::new())).collect()
    })
}

/// Directories, and files with one of these extensions.
fn files(extensions: &'static [&'static str]) -> ArgValueCompleter {
    let is_wanted = move |path: &Path| {
        let extension = path.extension().and_then(OsStr::to_str);
        path.is_file()
            && extension
                .is_some_and(|extension| extensions.iter().any(|known| extension.eq_ignore_ascii_case(known)))
    };
    ArgValueCompleter::new(PathCompleter::file().filter(is_wanted))
}

/// The embedded scenarios with their summaries, then files.
#[cfg(feature = "sandbox")]
fn scenarios() -> ArgValueCompleter {
    let embedded = completer(|| {
        let all = infrai_video_sandbox::Scenario::all();
        all.map(|scenario| (scenario.name().to_owned(), scenario.summary().to_owned())).collect()
    });
    let files = files(&["toml", "json"]);
    ArgValueCompleter::new(move |current: &OsStr| {
        let mut all = embedded.complete(current);
        all.extend(files.complete(current));
        all
    })
}
