//! A command line that makes no sense, told in the way that it asked for.

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;

use crate::credentials;
use crate::exit::Exit;
use crate::failure::Failure;

/// Whether JSON is asked for, in arguments that could not be read otherwise.
pub(crate) fn wants_json(args: impl Iterator<Item = OsString>) -> bool {
    args.skip(1).take_while(|arg| arg != OsStr::new("--")).any(|arg| arg == OsStr::new("--json"))
}

/// Whether an argument may hold an API key or a password, which clap would repeat in its message.
pub(crate) fn has_credentials(args: impl Iterator<Item = OsString>) -> bool {
    args.skip(1).any(|arg| credentials::may_hold(&arg.to_string_lossy()))
}

/// The error as a failure, unless it is no error but help or the version.
pub(crate) fn failure(error: &clap::Error, args: impl Iterator<Item = OsString>) -> Option<Failure> {
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
            let secret = args.iter().filter(|arg| credentials::may_hold(arg));
            // clap repeats a value without the name of its option.
            let values =
                secret.flat_map(|arg| [Some(arg.as_str()), arg.split_once('=').map(|(_, value)| value)]);
            let reason = values.flatten().fold(reason.to_owned(), |text, value| text.replace(value, "..."));
            reason.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    let command = crate::command();
    let name = args.iter().find(|word| command.find_subcommand(word).is_some());
    let name = name.map(|name| format!(" {name}"));
    let name = name.unwrap_or_default();
    Some(Failure::new(Exit::Usage, message).next(format!("infrai-video{name} --help")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> impl Iterator<Item = OsString> {
        line.split(' ').map(OsString::from)
    }

    fn told(line: &str) -> Option<Failure> {
        failure(&crate::command().try_get_matches_from(args(line)).unwrap_err(), args(line))
    }

    #[test]
    fn json_is_asked_for_by_its_flag_alone() {
        assert!(wants_json(args("infrai-video list --json --explode")));
        assert!(!wants_json(args("infrai-video generate -- --json")));
        assert!(!wants_json(args("--json list")));
    }

    #[test]
    fn a_wrong_line_is_told_in_one_line_with_the_help_to_read() {
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
            let failure = told(line).unwrap();
            assert_eq!((failure.message(), failure.exit()), (message, Exit::Usage));
            assert_eq!(failure.steps(), [next]);
        }
    }

    #[test]
    fn a_password_or_a_key_in_the_wrong_place_is_not_repeated() {
        for line in [
            "infrai-video list postgres://me:secret@db/l",
            "infrai-video postgres://me:secret@db/l",
            "infrai-video list --ledgr=postgres://me:secret@db/l",
            "infrai-video --ledgr postgres://me:secret@db/l list",
            "infrai-video list --color=postgres://me:sec/ret@db/secret",
            "infrai-video list --limit ifr_pk_proj_secret",
            "infrai-video ifr_pk_proj_secret",
        ] {
            let failure = told(line).unwrap();
            assert!(has_credentials(args(line)), "{line}");
            assert!(!format!("{failure:?}").contains("ret"), "{line}: {failure:?}");
        }
        assert!(!has_credentials(args("infrai-video list --explode")));
    }

    #[test]
    fn help_is_no_failure() {
        assert!(told("infrai-video list --help").is_none());
        assert!(told("infrai-video --version").is_none());
    }
}
