//! Where the clips of a plan go: into a directory, or to paths made from a template.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::output_directory;
use super::plan_checks::invalid;
use crate::args::RunArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::file_name::{Template, Use, Values};
use crate::plan::{Line, Plan, fingerprint, folded};
use crate::runner::template;

/// Where the clip of each line goes.
pub(super) struct Layout {
    place: Place,
    /// The name of the batch.
    batch: String,
}

enum Place {
    Directory(PathBuf),
    /// Paths, and the absolute path of each of their directories, which a dry run does not have.
    Template(Template, HashMap<PathBuf, PathBuf>),
}

impl Layout {
    /// Creates the directories, except in a dry run.
    pub(super) fn of(ctx: &Context, args: &RunArgs, name: &str, plan: &Plan) -> Result<Self, Failure> {
        let output = args.options.output.as_deref().map(|output| template(output, Use::Plan)).transpose()?;
        let place = match output {
            Some(Ok(template)) => {
                // In a directory the names of the files differ.
                check_unique(ctx, &template, name, plan)?;
                let mut directories = HashMap::new();
                for line in plan.lines.iter().filter(|_| !args.dry_run) {
                    let parent = parent(&of_template(&template, name, line)).to_owned();
                    if let Entry::Vacant(new) = directories.entry(parent) {
                        let absolute = output_directory(Some(new.key()), "")?;
                        new.insert(absolute);
                    }
                }
                Place::Template(template, directories)
            }
            directory => {
                let directory = directory.and_then(Result::err);
                Place::Directory(match args.dry_run {
                    true => directory.unwrap_or_else(|| name.into()),
                    false => output_directory(directory.as_deref(), name)?,
                })
            }
        };
        Ok(Self { place, batch: name.to_owned() })
    }

    pub(super) fn path(&self, line: &Line) -> PathBuf {
        match &self.place {
            Place::Directory(directory) => directory.join(line.file_name()),
            Place::Template(template, directories) => {
                let path = of_template(template, &self.batch, line);
                match (directories.get(parent(&path)), path.file_name()) {
                    (Some(absolute), Some(name)) => absolute.join(name),
                    _ => path,
                }
            }
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
    template.render(&Values::of(&line.clip_request(), Timestamp::UNIX_EPOCH).with_line(
        batch,
        line.number,
        line.file_stem(),
    ))
}

/// Rejects a template that gives two lines the same path.
fn check_unique(ctx: &Context, template: &Template, batch: &str, plan: &Plan) -> Result<(), Failure> {
    let mut first = HashMap::new();
    let mut errors = Vec::new();
    for line in &plan.lines {
        let shown = of_template(template, batch, line).display().to_string();
        if let Some(earlier) = first.insert(fingerprint(&folded(&shown)), line.number) {
            errors.push(format!("line {}: {shown} is the path of line {earlier} too", line.number));
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(invalid(ctx, "several lines have the same path", &errors)
            .with_next(vec!["add a field that differs to --output, such as {name} or {line}".to_owned()])),
    }
}
