//! `cargo xtask`: starts the package that has the command, so that cargo builds only what the command needs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

#[expect(clippy::print_stderr, reason = "there is no other place to report that cargo is missing")]
fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match cargo(&arguments).status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            code.map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("error: cargo cannot be started: {error}; install it and run `cargo xtask`");
            ExitCode::FAILURE
        }
    }
}

/// The cargo that started this program, which builds and runs the package of the command.
fn cargo(arguments: &[OsString]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--package", package(arguments)]);
    if let Some(directory) = std::env::var_os("CARGO_MANIFEST_DIR") {
        cargo.arg("--manifest-path").arg(Path::new(&directory).join("Cargo.toml"));
    }
    cargo.arg("--").args(arguments);
    cargo
}

/// The package of the command. Help, and mistakes in the arguments, are matters of `tasks`.
fn package(arguments: &[OsString]) -> &'static str {
    match arguments {
        [command] if command == "regen" => "regen",
        [command, option] if command == "regen" && option == "--check" => "regen",
        [command, ..] if command == "verify" => "verify",
        [command, ..] if command == "scale" => "scale",
        _ => "tasks",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package_of(arguments: &str) -> &'static str {
        package(&arguments.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn regen_has_a_package_of_its_own() {
        assert_eq!(package_of("regen"), "regen");
        assert_eq!(package_of("regen --check"), "regen");
    }

    #[test]
    fn verify_has_a_package_of_its_own() {
        assert_eq!(package_of("verify --help"), "verify");
        assert_eq!(package_of("help verify"), "tasks");
    }

    #[test]
    fn scale_has_a_package_of_its_own() {
        assert_eq!(package_of("scale"), "scale");
        assert_eq!(package_of("scale --seed 7"), "scale");
    }

    #[test]
    fn all_other_arguments_are_for_the_tasks() {
        for arguments in [
            "",
            "--help",
            "lint",
            "test --only regen",
            "regen --help",
            "regen --chekc",
            "regen --check --check",
        ] {
            assert_eq!(package_of(arguments), "tasks", "{arguments}");
        }
    }
}
