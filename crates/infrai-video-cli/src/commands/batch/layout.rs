//! Where the clips of a plan go: into a directory, or to paths made from a template.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::output_directory;
use super::plan_checks::invalid;
use crate::args::RunArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::file_name::{Template, Use, Values};
use crate::plan::{Line, folded};
use crate::runner::template;

/// The path of each line.
pub(super) struct Layout(HashMap<String, PathBuf>);

impl Layout {
    /// Creates the directories, except in a dry run.
    pub(super) fn of(ctx: &Context, args: &RunArgs, name: &str, lines: &[Line]) -> Result<Self, Failure> {
        let output = args.options.output.as_deref().map(|output| template(output, Use::Plan)).transpose()?;
        let path: Box<dyn Fn(&Line) -> PathBuf> = match output {
            Some(Ok(template)) => Box::new(move |line| of_template(&template, name, line)),
            directory => {
                let directory = directory.and_then(Result::err);
                let directory = match args.dry_run {
                    true => directory.unwrap_or_else(|| name.into()),
                    false => output_directory(directory.as_deref(), name)?,
                };
                Box::new(move |line| directory.join(line.file_name()))
            }
        };
        let mut paths: HashMap<String, PathBuf> =
            lines.iter().map(|line| (line.id.clone(), path(line))).collect();
        check_unique(ctx, lines, &paths)?;
        if !args.dry_run {
            let mut created: HashMap<PathBuf, PathBuf> = HashMap::new();
            for path in paths.values_mut() {
                let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
                let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                let absolute = match created.get(parent) {
                    Some(absolute) => absolute.clone(),
                    None => output_directory(Some(parent), "")?,
                };
                created.insert(parent.to_owned(), absolute.clone());
                *path = absolute.join(name);
            }
        }
        Ok(Self(paths))
    }

    pub(super) fn path(&self, line: &Line) -> PathBuf {
        self.0.get(&line.id).cloned().unwrap_or_default()
    }
}

/// The directory of `batch retry`, in which each clip keeps its name.
pub(super) fn directory_of_retry(output: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    match output.map(|output| template(output, Use::Plan)).transpose()? {
        Some(Ok(_)) => {
            let message = "--output must be a directory for batch retry: each clip keeps its name";
            Err(Failure::new(Exit::Usage, message).next("infrai-video batch retry --help"))
        }
        directory => Ok(directory.and_then(Result::err)),
    }
}

fn of_template(template: &Template, batch: &str, line: &Line) -> PathBuf {
    // Dates are no fields of a plan.
    template.render(&Values::of(&line.request, Timestamp::UNIX_EPOCH).with_line(
        batch,
        line.number,
        line.file_stem(),
    ))
}

/// Rejects a template that gives two lines the same path.
fn check_unique(ctx: &Context, lines: &[Line], paths: &HashMap<String, PathBuf>) -> Result<(), Failure> {
    let mut first = BTreeMap::new();
    let mut errors = Vec::new();
    for line in lines {
        let Some(path) = paths.get(&line.id) else { continue };
        let shown = path.display().to_string();
        if let Some(earlier) = first.insert(folded(&shown), line.number) {
            errors.push(format!("line {}: {shown} is the path of line {earlier} too", line.number));
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(invalid(ctx, "several lines have the same path", &errors)
            .with_next(vec!["add a field that differs to --output, such as {name} or {line}".to_owned()])),
    }
}
