//! Command lines that clap rejects.

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;

use super::Failure;
use crate::args::credentials::may_contain_secret;
use crate::exit_code::Exit;

/// Whether rejected arguments contain `--json`.
pub(crate) fn wants_json(args: impl Iterator<Item = OsString>) -> bool {
    args.skip(1).take_while(|arg| arg != OsStr::new("--")).any(|arg| arg == OsStr::new("--json"))
}

/// Whether an argument may contain an API key or a password, which clap would repeat in its message.
pub(crate) fn contains_secret(args: impl Iterator<Item = OsString>) -> bool {
    args.skip(1).any(|arg| may_contain_secret(&arg.to_string_lossy()))
}

/// The error as a failure. `None` for help and the version.
pub(crate) fn failure(
    command: &clap::Command,
    error: &clap::Error,
    args: impl Iterator<Item = OsString>,
) -> Option<Failure> {
    if !error.use_stderr() {
        return None;
    }
    let args: Vec<String> = args.skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
        _ => {
            let text = error.render().to_string();
            // What follows the first empty line is help.
            let reason = text.split("\n\n").next().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            let secret = args.iter().filter(|arg| may_contain_secret(arg));
            // clap repeats a value without the name of its option.
            let values =
                secret.flat_map(|arg| [Some(arg.as_str()), arg.split_once('=').map(|(_, value)| value)]);
            let reason = values.flatten().fold(reason.to_owned(), |text, value| text.replace(value, "..."));
            reason.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    let name = args.iter().find(|word| command.find_subcommand(word).is_some());
    let name = name.map(|name| format!(" {name}"));
    let name = name.unwrap_or_default();
    Some(Failure::new(Exit::Usage, message).next(format!("infrai-video{name} --help")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Cli;

    fn args(line: &str) -> impl Iterator<Item = OsString> {
        line.split(' ').map(OsString::from)
    }

    fn rejected(line: &str) -> Option<Failure> {
        let command = Cli::command();
        failure(&command, &command.clone().try_get_matches_from(args(line)).unwrap_err(), args(line))
    }

    #[test]
    fn only_the_json_flag_requests_json() {
        assert!(wants_json(args("infrai-video list --json --explode")));
        assert!(!wants_json(args("infrai-video generate -- --json")));
        assert!(!wants_json(args("--json list")));
    }

    #[test]
    fn a_rejected_command_line_has_a_one_line_message_and_names_the_help() {
        for (line, message, next) in [
            (
                "infrai-video list --explode",
                "unexpected argument '--explode' found",
                "infrai-video list --help",
            ),
            (
                "infrai-video set-retention vj_1",
                "the following required arguments were not provided: --days <N>",
                "infrai-video set-retention --help",
            ),
            ("infrai-video explode", "unrecognized subcommand 'explode'", "infrai-video --help"),
            ("infrai-video", "a command is missing", "infrai-video --help"),
        ] {
            let failure = rejected(line).unwrap();
            assert_eq!((failure.message(), failure.exit()), (message, Exit::Usage));
            assert_eq!(failure.steps(), [next]);
        }
    }

    #[test]
    fn a_password_or_an_api_key_in_the_wrong_place_is_not_repeated() {
        for line in [
            "infrai-video list postgres://me:secret@db/l",
            "infrai-video postgres://me:secret@db/l",
            "infrai-video list --ledgr=postgres://me:secret@db/l",
            "infrai-video --ledgr postgres://me:secret@db/l list",
            "infrai-video list --color=postgres://me:sec/ret@db/secret",
            "infrai-video list --limit ifr_pk_proj_secret",
            "infrai-video ifr_pk_proj_secret",
        ] {
            let failure = rejected(line).unwrap();
            assert!(contains_secret(args(line)), "{line}");
            assert!(!format!("{failure:?}").contains("ret"), "{line}: {failure:?}");
        }
        assert!(!contains_secret(args("infrai-video list --explode")));
    }

    #[test]
    fn help_is_not_a_failure() {
        assert!(rejected("infrai-video list --help").is_none());
        assert!(rejected("infrai-video --version").is_none());
    }
}
