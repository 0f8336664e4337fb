//! Updates of the contract that break nobody: each is one run of `cargo xtask regen`, and the workspace compiles after it.

mod list;

use std::fs;
use std::io;

use super::{Child, Context, Outcome};
use crate::contract::DOCUMENT;
use crate::copy::copy_workspace;
use list::UPDATES;

/// Where the copy and what is built of it are kept, from the root of the workspace.
const PLACE: &str = "target/updates";

/// Makes the updates one after the other in a copy of the workspace, with a run of regen after each, and checks what comes out
/// once.
pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let root = fs::canonicalize(context.root)?;
    let copy = root.join(PLACE).join("workspace");
    copy_workspace(&root, &copy).map_err(io::Error::other)?;
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
    // A directory of its own: cargo takes packages for the same whose places in their workspaces are.
    let check = Child::cargo(&copy).env("CARGO_TARGET_DIR", root.join(PLACE).join("build"));
    Ok(match check.arguments("check --quiet --workspace --all-targets").run(context)? {
        Outcome::Failed(why) => {
            Outcome::Failed(format!("{why}: an update breaks the code that the errors above name"))
        }
        outcome => outcome,
    })
}
