//! What is published: the same bytes each time, the same as is kept, valid, and of use.

mod reference;
mod workflows;

use std::fs;
use std::io;
use std::path::Path;

use super::{Child, Context, Outcome, judges, tools};
use crate::publish::{self, PublishError};

/// The forms of the contract among what is published.
const EDITIONS: [&str; 4] = ["video.yaml", "video.json", "video-3.1.json", "video-dereferenced.json"];

pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let installed = tools::install(context, &[reference::BROWSER])?;
    if installed != Outcome::Passed {
        return Ok(installed);
    }
    let judges = publish::install(context.root).and_then(|()| judges::Judges::install(context.root));
    let judges = match judges {
        Ok(judges) => judges,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    match publish::check(context.root) {
        Ok(()) => {}
        // A version that is still being worked on is not published yet, and may be tried all the same.
        Err(error @ PublishError::NotKept { .. }) => writeln!(context.out, "publish: {error}")?,
        Err(error) => return Ok(Outcome::Failed(error.to_string())),
    }
    // In processes of their own: within one, what depends on a seed of the process would be the same each time.
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for directory in [&first, &second] {
        let command = Child::new(std::env::current_exe()?, context.root).named("cargo xtask");
        let published =
            command.arguments("publish --preview --out").argument(directory.path()).run(context)?;
        if published != Outcome::Passed {
            return Ok(published);
        }
    }
    let differing = differing(first.path(), second.path())?;
    if !differing.is_empty() {
        return Ok(Outcome::Failed(format!("published twice, {} differ", differing.join(", "))));
    }
    for edition in EDITIONS {
        let valid = judges.openapi_spec_validator(context, &first.path().join(edition))?;
        if valid != Outcome::Passed {
            return Ok(valid);
        }
    }
    let workflows = workflows::run(context, &judges, first.path())?;
    if workflows != Outcome::Passed {
        return Ok(workflows);
    }
    reference::run(context, &first.path().join("reference.html"))
}

/// The names of the files that are not in both directories with the same bytes.
fn differing(first: &Path, second: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for directory in [first, second] {
        for entry in fs::read_dir(directory)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    names.dedup();
    let same = |name: &String| match (fs::read(first.join(name)), fs::read(second.join(name))) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    Ok(names.into_iter().filter(|name| !same(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_differs_or_is_missing_is_named() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (name, one, other) in
            [("a", Some("1"), Some("1")), ("b", Some("1"), Some("2")), ("c", None, Some("1"))]
        {
            for (directory, text) in [(&first, one), (&second, other)] {
                if let Some(text) = text {
                    fs::write(directory.path().join(name), text).unwrap();
                }
            }
        }
        assert_eq!(differing(first.path(), second.path()).unwrap(), ["b", "c"]);
    }
}
