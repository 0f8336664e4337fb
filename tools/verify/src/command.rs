//! The command line.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use openapi_tools::DOCUMENT;
use sha2::{Digest as _, Sha256};

use crate::{
    Allowance, Contract, Evidence, Http, Journal, Mode, Options, RunInfo, Settings, apply, base_url, budget,
    changes, counts, file_name, is_service, report, run,
};

/// The directory of the evidence of the service, from the root of the workspace.
const EVIDENCE: &str = "openapi/evidence";
/// The directory of what other servers have sent.
const OTHER: &str = "target/verify";
/// The exit status if a verdict changed, or if there is no earlier one and a statement is contradicted.
const CHANGED: u8 = 3;

/// Check the contract against a live server.
///
/// The API key is read from INFRAI_API_KEY. Without --spend nothing is changed and nothing is charged. The report and the evidence are
/// written to the output directory. The exit status is 0 if no verdict differs from that of the last run, 3 if one does or if a first run
/// contradicts a statement, and 1 if the run could not be finished.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask verify", bin_name = "cargo xtask verify")]
struct Arguments {
    /// The server, such as https://api.infrai.cc or http://127.0.0.1:8787.
    #[arg(long, value_name = "URL", required_unless_present = "apply", conflicts_with = "apply")]
    base_url: Option<String>,
    /// Also make two clips of one second, cancel one of them, and delete both: charges at most so many US dollars.
    #[arg(long, value_name = "USD", value_parser = usd, conflicts_with = "apply")]
    spend: Option<u64>,
    /// The most that a clip of one second can cost, until the price of the first one is known.
    #[arg(long, value_name = "USD", value_parser = usd, default_value = "0.50")]
    clip_price: u64,
    /// The directory for the evidence and the report. [default: openapi/evidence for the service, target/verify for others]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also delete ALL jobs of the account with `delete_all`, and not only those of this run.
    #[arg(long)]
    delete_all_my_jobs: bool,
    /// How many seconds to wait for a clip.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    timeout: u64,
    /// Add the evidence of the service to the provenance in openapi/video.yaml, and print the edits that contradictions ask for.
    #[arg(long, value_name = "EVIDENCE")]
    apply: Option<PathBuf>,
}

fn usd(text: &str) -> anyhow::Result<u64> {
    let amount =
        text.trim_start_matches('$').parse::<f64>().ok().filter(|amount| (0.0..=10_000.0).contains(amount));
    amount.map(budget::micros).context("expected US dollars from 0 to 10000, such as 0.50")
}

/// Runs the command of `arguments` in the workspace at `root`.
///
/// # Errors
/// If the run could not be finished, with what to do next.
pub fn main(
    root: &Path,
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse_from(arguments);
    let path = root.join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let contract = Contract::parse(&text)?;
    match (&arguments.apply, &arguments.base_url) {
        (Some(evidence), _) => add(root, &contract, evidence),
        (None, Some(base_url)) => probe(root, &contract, base_url, &arguments),
        (None, None) => unreachable!("clap asks for one of them"),
    }
}

fn probe(root: &Path, contract: &Contract, url: &str, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let base_url = &base_url(url)?;
    let api_key =
        std::env::var("INFRAI_API_KEY").context("set INFRAI_API_KEY to an API key of the server")?;
    let mut server = Http::new(base_url, &api_key)?;
    let out = directory(root, contract, base_url, arguments.out.as_deref())?;
    ensure!(
        arguments.clip_price > 0,
        "--clip-price 0 would bound nothing; state the most that a clip of 1 s can cost"
    );
    let allowance = arguments.spend.map(|spend| Allowance { spend, clip_price: arguments.clip_price });
    let settings = Settings {
        base_url: base_url.to_owned(),
        account: Sha256::digest(&api_key).iter().take(4).map(|byte| format!("{byte:02x}")).collect(),
        allowance,
        delete_all: arguments.delete_all_my_jobs,
        timeout: arguments.timeout,
    };
    let earlier = earlier(root, &out, base_url);
    let path = out.join(format!("{}.run.jsonl", file_name(base_url)));
    // A run that only reads has nothing to continue.
    let journal = match allowance.is_some() || arguments.delete_all_my_jobs {
        true => Some(Journal::open(&path, &settings)?),
        false => None,
    };
    match &journal {
        Some(journal) if journal.is_continued() => {
            progress("continuing the run that was interrupted".to_owned())
        }
        None if path.exists() => {
            progress(format!(
                "{} is the journal of a run that was interrupted: its jobs are not deleted",
                path.display()
            ));
        }
        _ => {}
    }
    let options = Options {
        allowance,
        delete_all: arguments.delete_all_my_jobs,
        timeout: Duration::from_secs(arguments.timeout),
    };
    let outcome = run(contract, &mut server, journal, options, &mut progress)?;

    // The journal has everything for the evidence of the run that deletes them.
    if !outcome.undeleted.is_empty() {
        bail!(
            "these jobs could not be deleted: {}; run the same command again, or delete them by hand",
            outcome.undeleted.join(", ")
        );
    }
    let date = jiff::Timestamp::now().to_string()[..10].to_owned();
    let mode = if allowance.is_some() { Mode::Spending } else { Mode::Reading };
    let info = RunInfo { base_url: base_url.clone(), date, mode };
    let evidence = Evidence::new(contract, &outcome, info, &[&api_key]);
    let changes = changes(&earlier, &evidence);
    let name = free_name(&out, &evidence.name());
    let [json, markdown] = ["json", "md"].map(|extension| out.join(format!("{name}.{extension}")));
    // The evidence comes last: a run whose evidence is there is complete.
    write(&markdown, &report(contract, &evidence, &changes))?;
    write(&json, &evidence.to_json())?;
    if let Some(journal) = outcome.journal {
        journal.remove()?;
    }
    let [contradicted, confirmed, not_seen] = counts(contract, &evidence);
    print(&format!(
        "{contradicted} contradicted, {confirmed} confirmed, {not_seen} not seen; {} USD charged",
        evidence.spent_usd
    ));
    for change in &changes {
        print(&format!(
            "changed: {} was {} on {}, and is {}",
            change.statement,
            change.before.as_str(),
            change.date,
            change.now.as_str()
        ));
    }
    // The workflow `verify` reads the last line.
    [json, markdown].iter().for_each(|path| print(&path.display().to_string()));
    let is_first = earlier.iter().all(|evidence| evidence.mode != mode);
    let is_news = !changes.is_empty() || is_first && contradicted > 0;
    Ok(if is_news { ExitCode::from(CHANGED) } else { ExitCode::SUCCESS })
}

/// The evidence of earlier runs, the oldest first.
fn earlier(root: &Path, out: &Path, base_url: &str) -> Vec<Evidence> {
    let committed = root.join(EVIDENCE);
    let mut earlier = Evidence::earlier(&committed, base_url, &mut progress);
    if fs::canonicalize(out).ok() != fs::canonicalize(&committed).ok() {
        earlier.extend(Evidence::earlier(out, base_url, &mut progress));
        earlier.sort_by(|a, b| a.date.cmp(&b.date)); // stable: the order of one day stays
    }
    earlier
}

/// Writes a file. After a crash it is there as a whole or not at all.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = || {
        let mut file = fs::File::create(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}

/// A name that no file of an earlier run of the same day has.
fn free_name(directory: &Path, name: &str) -> String {
    let names = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}.{number}")));
    let mut free = names.filter(|name| !directory.join(format!("{name}.json")).exists());
    free.next().unwrap_or_default()
}

/// The directory for the evidence, which exists.
fn directory(
    root: &Path,
    contract: &Contract,
    base_url: &str,
    out: Option<&Path>,
) -> anyhow::Result<PathBuf> {
    let is_service = is_service(contract, base_url);
    let chosen = out.map_or_else(|| root.join(if is_service { EVIDENCE } else { OTHER }), Path::to_path_buf);
    fs::create_dir_all(&chosen).with_context(|| format!("cannot create {}", chosen.display()))?;
    let is_evidence = fs::canonicalize(&chosen)?.starts_with(fs::canonicalize(root)?.join(EVIDENCE));
    if !is_service && is_evidence {
        // It may have been created just now.
        let _ = fs::remove_dir(&chosen);
        bail!("{EVIDENCE} is only for evidence of the service; choose another --out");
    }
    Ok(chosen)
}

fn add(root: &Path, contract: &Contract, path: &Path) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::read(path)?;
    let applied = apply(contract, &evidence)?;
    write(&root.join(DOCUMENT), &applied.text)?;
    print(&format!("{} statements have the source `verified: {}`", applied.verified.len(), evidence.date));
    if !applied.withdrawn.is_empty() {
        print(&format!(
            "{} statements have lost the source of an earlier verification: {}",
            applied.withdrawn.len(),
            applied.withdrawn.join(", ")
        ));
    }
    if !applied.verified.is_empty() || !applied.withdrawn.is_empty() {
        print(
            "next: publish a patch version of the document: see \"Change the contract\" in CONTRIBUTING.md",
        );
    }
    if !applied.edits.is_empty() {
        print(
            "\nThe service contradicts these statements. Decide what the contract should say, and edit it by hand:\n",
        );
        applied.edits.iter().for_each(|edit| print(edit));
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "the progress of the command")]
fn progress(line: String) {
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_no_evidence_is_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        for text in ["a long text", "short"] {
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        // A report without evidence is that of a run that failed in between.
        write(&directory.path().join("a.2.md"), "report").unwrap();
        assert_eq!(free_name(directory.path(), "a"), "a.2");
        assert_eq!(free_name(directory.path(), "b"), "b");
        assert!(write(&directory.path().join("none/a.json"), "").unwrap_err().to_string().contains("none"));
    }
}
