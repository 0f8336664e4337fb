//! Checks of a plan before anything is charged: its lines, their keys, and the paths of the clips.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use infrai_video::ErrorKind;

use crate::args::RunArgs;
use crate::context::{Context, Session};
use crate::exit_code::Exit;
use crate::failure::{Failure, describe};
use crate::ledger::Ledger;
use crate::plan::{self, Line, Plan, PlanFile};
use crate::runner::check_download;
use crate::text::count;

/// The name of a batch whose plan has no file name.
const STDIN: &str = "stdin";

/// Maximum number of errors that are printed.
const MAX_ERRORS: usize = 20;

/// The name of the batch: that of the file, so that running it again is the same batch.
pub(super) fn batch_name(args: &RunArgs) -> Result<String, Failure> {
    let name = match &args.name {
        Some(name) => Some(name.clone()),
        None if is_stdin(&args.plan) => Some(STDIN.to_owned()),
        None => args.plan.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
    };
    let is_valid = |name: &String| {
        !name.trim().is_empty()
            && !name.starts_with('.')
            && !name.contains(['/', '\\'])
            && !name.chars().any(char::is_control)
    };
    name.filter(is_valid).ok_or_else(|| {
        Failure::new(Exit::Refused, "the name of the batch cannot be the name of a directory")
            .next("choose another name with --name NAME")
    })
}

/// Whether the plan comes from stdin or another open file, as in `batch run <(...)`. The number of such a file changes from run to
/// run, so that it cannot name a batch.
fn is_stdin(plan: &Path) -> bool {
    plan.as_os_str() == "-" || ["/dev", "/proc"].iter().any(|directory| plan.starts_with(directory))
}

pub(super) fn read(ctx: &Context, args: &RunArgs, name: &str) -> Result<Plan, Failure> {
    let (shown, bytes) = match args.plan.as_os_str() == "-" {
        true => ("from stdin".to_owned(), read_stdin()),
        false => (args.plan.display().to_string(), std::fs::read(&args.plan)),
    };
    let bytes = bytes.map_err(|error| {
        let next = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "check its path; infrai-video batch run --help describes a plan".to_owned()
            }
            _ => format!("make it readable, then: {}", ctx.invocation.repeat()),
        };
        Failure::new(Exit::Refused, format!("the plan {shown} cannot be read: {error}")).next(next)
    })?;
    let is_named_csv = args.plan.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    plan::parse(&PlanFile { bytes, is_named_csv }, name)
        .map_err(|errors| invalid(ctx, &format!("the plan {shown} is invalid"), &errors))
}

fn read_stdin() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Prints errors of a plan.
pub(super) fn invalid(ctx: &Context, message: &str, errors: &[String]) -> Failure {
    for error in errors.iter().take(MAX_ERRORS) {
        ctx.output.important("invalid", error);
    }
    if errors.len() > MAX_ERRORS {
        ctx.output.important("", &format!("and {} more", errors.len() - MAX_ERRORS));
    }
    Failure::new(Exit::Refused, format!("{message}; nothing was sent"))
        .next(format!("correct it, then: {}", ctx.invocation.repeat()))
}

fn check_errors(ctx: &Context, errors: &[String]) -> Result<(), Failure> {
    match errors.is_empty() {
        true => Ok(()),
        false => Err(invalid(ctx, "the plan was rejected", errors)),
    }
}

/// Validates the lines that will be begun, and compares them with the vendors' capabilities.
pub(super) async fn check_lines<'l>(
    ctx: &Context,
    args: &RunArgs,
    session: &Session,
    new: impl Iterator<Item = &'l Line>,
) -> Result<(), Failure> {
    let (mut errors, mut warnings) = (Vec::new(), HashSet::new());
    for line in new {
        let number = line.number;
        if args.options.max_seconds.is_some() && line.seconds.is_none() {
            errors.push(format!("line {number}: duration_seconds is missing; --max-seconds needs it"));
        }
        let generate = line.clip_request().to_generate(&session.client);
        if let Err(error) = generate.clone().prepare() {
            errors.push(format!("line {number}: {}", describe(&error)));
        } else if !args.no_check {
            match generate.preflight().await {
                Ok(matches) => warnings.extend(matches.warnings),
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    errors.push(format!("line {number}: {}", describe(&error)));
                }
                Err(error) => return Err(Failure::of_call(&ctx.invocation, &error)),
            }
        }
    }
    warnings.iter().for_each(|warning| ctx.output.status("note", warning));
    check_errors(ctx, &errors)
}

/// Rejects a key of a line that was used before. The service would return the job of that request while it remembers the key, and
/// create and charge a new one afterwards.
pub(super) async fn check_keys<'l>(
    ctx: &Context,
    ledger: &Ledger,
    unknown: impl Iterator<Item = &'l Line>,
) -> Result<(), Failure> {
    let mut errors = Vec::new();
    for line in unknown.filter(|line| line.has_own_key()) {
        let key = line.first_key();
        let item = ledger.find(&ctx.service(), &key).await.map_err(|error| ctx.ledger_failed(&error))?;
        if item.is_some_and(|item| item.submission.is_some()) {
            let resume = ctx.invocation.command_on("resume", &key, "");
            errors.push(format!(
                "line {}: idempotency_key {key} was used before; remove it for a new clip, or get the earlier one: {resume}",
                line.number
            ));
        }
    }
    check_errors(ctx, &errors)
}

/// Checks the paths of clips: nothing is charged for a clip that cannot be saved.
pub(super) fn check_paths(
    ctx: &Context,
    paths: impl Iterator<Item = PathBuf> + Clone,
    force: bool,
) -> Result<(), Failure> {
    let existing: Vec<String> = paths
        .clone()
        .filter(|path| !force && exists(path))
        .map(|path| format!("{} already exists", path.display()))
        .collect();
    if !existing.is_empty() {
        let verb = if existing.len() == 1 { "exists" } else { "exist" };
        let message = format!("{} already {verb}", count(existing.len(), "file"));
        let failure = invalid(ctx, &message, &existing);
        let force = ctx.invocation.repeat_with("--force");
        return Err(failure.with_next(vec![format!("{force}  (replaces them)")]));
    }
    let error = |path: PathBuf| match path.is_dir() {
        true => Some(format!("{} is a directory", path.display())),
        false => check_download(&path, force).err().map(|failure| failure.message().to_owned()),
    };
    // A dry run does not create directories.
    let in_directory = |path: &PathBuf| path.parent().is_some_and(Path::is_dir);
    let errors: Vec<String> = paths.filter(in_directory).filter_map(error).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let output = ctx.invocation.repeat_with("--output DIR");
    Err(invalid(ctx, &format!("{} cannot be saved", count(errors.len(), "clip")), &errors)
        .with_next(vec![format!("{output}  (another directory)")]))
}

/// Whether something exists at a path, also a broken link.
pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
