//! `cargo xtask regen`, without the dependencies of the other commands. `xtask` starts it.

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "the errors are reported here")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let check = match arguments.as_slice() {
        ["regen"] => false,
        ["regen", "--check"] => true,
        _ => {
            eprintln!("error: unknown arguments; run `cargo xtask regen --help`");
            return ExitCode::from(2);
        }
    };
    match regen::run(&regen::root(), check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
