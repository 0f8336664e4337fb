//! Java: openapi-generator's `native` client, compiled against the generator's own jar and the annotations that Debian has.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::super::tools::Tool;
use super::openapi_generator::{generate, jar};
use super::{Child, Context, Outcome, Workshop, carry_out, failed, installed};

/// `openApiNullable` would need one more package, which only Maven's registry has.
const OPTIONS: &str = "--generator-name java --library native --output client \
    --additional-properties openApiNullable=false";

/// The jar that has `javax.annotation.Generated`, which neither the JDK nor the generator's jar has.
const ANNOTATIONS: &str = "/usr/share/java/geronimo-annotation-1.3-spec.jar";

const ANNOTATIONS_ARE_THERE: Tool =
    ("test", "-f /usr/share/java/geronimo-annotation-1.3-spec.jar", "libgeronimo-annotation-1.3-spec-java");

pub(super) fn prepare(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let jar = jar(context, workshop)?;
    let place = &workshop.place;
    installed(context, &[ANNOTATIONS_ARE_THERE])?;
    let mut class_path = OsString::from(format!("classes:{ANNOTATIONS}:"));
    class_path.push(&jar);
    workshop.once(|| {
        generate(context, workshop, &jar, OPTIONS)?;
        let mut client = Vec::new();
        sources(&place.join("client/src/main/java"), &mut client).map_err(|error| failed(&error))?;
        compile(context, place, &class_path, "-Xlint:none", &client)?;
        let mut consumer = Vec::new();
        for entry in fs::read_dir(place).map_err(|error| failed(&error))?.flatten() {
            consumer.extend(is_source(&entry.path()).then(|| entry.path()));
        }
        compile(context, place, &class_path, "-Xlint:all,-processing -Werror", &consumer)
    })?;
    Ok(Child::new("java", place).argument("-cp").argument(class_path).arguments("Main"))
}

fn compile(
    context: &mut Context<'_>,
    place: &Path,
    class_path: &OsString,
    lints: &str,
    files: &[PathBuf],
) -> Result<(), Outcome> {
    let javac = Child::new("javac", place).arguments("--release 17 -proc:none -d classes -cp");
    let javac = javac.argument(class_path).arguments(lints).named("javac");
    carry_out(context, files.iter().fold(javac, Child::argument))
}

/// Adds the source files below `directory` to `found`.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if is_source(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "java")
}
