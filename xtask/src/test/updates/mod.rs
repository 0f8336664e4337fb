//! Updates of the contract that break nobody: each is one run of `cargo xtask regen`, and the workspace compiles after it.

mod list;

use std::fs;
use std::io;

use super::{Child, Context, Outcome};
use crate::contract::DOCUMENT;
use crate::copy::copy_workspace;
use list::UPDATES;

/// The copy's workspace, from the root of the workspace.
const WORKSPACE: &str = "target/updates";

/// The directory of the copy below its workspace. Cargo identifies a package by its path from the root of its workspace: with
/// another path, the copy's packages and ours share a target directory, and so what is built of the dependencies.
const COPY: &str = "copy";

/// Makes the updates one after the other in a copy of the workspace, with a run of regen after each, and checks what comes out
/// once.
pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let root = fs::canonicalize(context.root)?;
    let workspace = root.join(WORKSPACE);
    let copy = workspace.join(COPY);
    copy_workspace(&root, &copy).map_err(io::Error::other)?;
    let manifest = fs::read_to_string(copy.join("Cargo.toml"))?;
    fs::remove_file(copy.join("Cargo.toml"))?;
    fs::write(workspace.join("Cargo.toml"), moved(&manifest)?)?;
    fs::rename(copy.join("Cargo.lock"), workspace.join("Cargo.lock"))?;
    // The copy's own program is the same; without a cargo and a path, it can neither build nor run anything.
    let program = std::env::current_exe()?;
    let regen = |arguments: &str| {
        let regen = Child::new(&program, &copy).named("cargo xtask").arguments(arguments);
        regen.env("CARGO", "").env("PATH", "")
    };
    let document = copy.join(DOCUMENT);
    for update in UPDATES {
        let Some(text) = (update.make)(&fs::read_to_string(&document)?) else {
            return Ok(Outcome::Failed(format!(
                "the update \"{}\" does not fit {DOCUMENT} any more; correct it in xtask/src/test/updates/list.rs",
                update.what
            )));
        };
        fs::write(&document, text)?;
        if let Outcome::Failed(why) = regen("regen").run(context)? {
            return Ok(Outcome::Failed(format!("regen after \"{}\": {why}", update.what)));
        }
    }
    if let Outcome::Failed(why) = regen("regen --check").run(context)? {
        return Ok(Outcome::Failed(format!("a second regen gives other files: {why}")));
    }
    let check = Child::cargo(&workspace).env("CARGO_TARGET_DIR", root.join("target"));
    Ok(match check.arguments("check --quiet --workspace --all-targets").run(context)? {
        Outcome::Failed(why) => {
            Outcome::Failed(format!("{why}: an update breaks the code that the errors above name"))
        }
        outcome => outcome,
    })
}

/// The manifest of the workspace, for the directory above it.
fn moved(manifest: &str) -> io::Result<String> {
    let mut manifest: toml::Table = manifest.parse().map_err(io::Error::other)?;
    let workspace = manifest.get_mut("workspace").and_then(|workspace| workspace.as_table_mut());
    let workspace = workspace.ok_or_else(|| io::Error::other("Cargo.toml has no [workspace]"))?;
    let below = |path: &mut toml::Value| {
        if let toml::Value::String(path) = path {
            path.insert_str(0, &format!("{COPY}/"));
        }
    };
    for list in ["members", "exclude", "default-members"] {
        if let Some(toml::Value::Array(paths)) = workspace.get_mut(list) {
            paths.iter_mut().for_each(below);
        }
    }
    if let Some(toml::Value::Table(dependencies)) = workspace.get_mut("dependencies") {
        dependencies.iter_mut().filter_map(|(_, dependency)| dependency.get_mut("path")).for_each(below);
    }
    toml::to_string(&manifest).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_a_workspace_are_moved_and_nothing_else() {
        let manifest = r#"
[workspace]
members = ["crates/*"]

[workspace.dependencies]
ours = { path = "crates/ours", version = "1" }
theirs = "2"

[profile.dev]
debug = "line-tables-only"
"#;
        let wanted = manifest.replace("\"crates/", "\"copy/crates/");
        assert_eq!(
            moved(manifest).unwrap().parse::<toml::Table>().unwrap(),
            wanted.parse::<toml::Table>().unwrap()
        );
    }
}
