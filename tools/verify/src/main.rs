//! `cargo xtask verify`. `xtask` starts it.

use std::path::Path;
use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "the errors are reported here")]
fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."));
    // The first argument is the name of the program, and the second is `verify`.
    match verify::command::main(root, std::env::args_os().skip(1)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
