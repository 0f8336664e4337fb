//! Command lines that clap rejects, in the style of all other errors.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Failure;
use crate::args::credentials::may_contain_secret;
use crate::exit_code::Exit;
use crate::text::{operand, quote};

/// A value of up to so many characters is similar to too many others for a suggestion alone.
const SHORT: usize = 4;

/// Whether rejected arguments contain `--json`.
pub(crate) fn wants_json(args: impl Iterator<Item = OsString>) -> bool {
    args.skip(1).take_while(|arg| arg != OsStr::new("--")).any(|arg| arg == OsStr::new("--json"))
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
    // Options of all commands become those of each.
    let mut command = command.clone();
    command.build();
    let (subcommand, path) = subcommand(&command, &args);
    let failure = |message: String| Failure::new(Exit::Usage, without_secrets(&message, &args));
    if let Some((message, quoted)) = unquoted_prompt(error, subcommand, &args) {
        return Some(failure(message).next(quoted));
    }
    let failure = failure(message(error, subcommand));
    let failure = match is_maybe_a_value(error) {
        true => failure.next("to pass it as a value, put -- before it"),
        false => failure,
    };
    Some(failure.next(format!("{path} --help")))
}

/// The subcommand, as far as it is known, and its path: `infrai-video batch run`.
fn subcommand<'a>(command: &'a clap::Command, args: &[String]) -> (&'a clap::Command, String) {
    let mut path = command.get_name().to_owned();
    let mut current = command;
    for word in args {
        if let Some(next) = current.find_subcommand(word) {
            path = format!("{path} {word}");
            current = next;
        }
    }
    (current, path)
}

/// A prompt of several words that is not quoted: the message, and the command line with the quotes.
fn unquoted_prompt(
    error: &clap::Error,
    command: &clap::Command,
    args: &[String],
) -> Option<(String, String)> {
    let extra = texts(error, ContextKind::InvalidArg).into_iter().next()?;
    let is_word = error.kind() == ErrorKind::UnknownArgument && !extra.starts_with('-');
    if !is_word || command.get_name() != "generate" || args.iter().any(|arg| may_contain_secret(arg)) {
        return None;
    }
    let (mut words, mut options): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    let mut args = args.iter().map(String::as_str).peekable();
    while let Some(arg) = args.next() {
        match arg {
            "--" => words.extend(args.by_ref()),
            option if option.starts_with('-') && option != "-" => {
                options.push(quote(option));
                if takes_next(command, option) {
                    options.extend(args.next().map(quote));
                }
            }
            word => words.push(word),
        }
    }
    // The name of the command.
    words.retain({
        let mut is_first = true;
        move |word| !(*word == "generate" && std::mem::take(&mut is_first))
    });
    let prompt = words.join(" ");
    let needs_care = |c: char| "\"$`\\!".contains(c) || c.is_control();
    let quoted = match prompt.contains(needs_care) || prompt.starts_with('-') {
        true => operand(&prompt),
        false => format!("\"{prompt}\""),
    };
    let line: Vec<String> =
        ["infrai-video", "generate"].map(str::to_owned).into_iter().chain(options).chain([quoted]).collect();
    Some((format!("put the prompt in quotes: it ends before {extra:?}"), line.join(" ")))
}

/// Whether the value of the option is the next argument.
fn takes_next(command: &clap::Command, option: &str) -> bool {
    let is_it = |arg: &&clap::Arg| match option.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| option == format!("-{short}")),
    };
    command.get_arguments().find(is_it).is_some_and(|arg| arg.get_action().takes_values())
}

/// Options that an unknown short one may stand for: `; did you mean --force?`
fn spelled_out(command: &clap::Command, short: &str) -> String {
    let mut letters = short.trim_start_matches('-').chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else { return String::new() };
    let of_this = |long: &&str| long.starts_with(letter.to_ascii_lowercase());
    let longs = command.get_arguments().filter_map(clap::Arg::get_long).filter(of_this);
    let longs: Vec<String> = longs.map(|long| format!("--{long}")).collect();
    match longs.len() {
        1..=3 => format!("; did you mean {}?", one_of(&longs)),
        _ => String::new(),
    }
}

/// Replaces API keys and passwords. clap repeats a value without the name of its option.
fn without_secrets(message: &str, args: &[String]) -> String {
    let secret = args.iter().filter(|arg| may_contain_secret(arg));
    let values = secret.flat_map(|arg| [Some(arg.as_str()), arg.split_once('=').map(|(_, value)| value)]);
    values.flatten().fold(message.to_owned(), |text, value| text.replace(value, "..."))
}

/// Whether an unknown option may be meant as a value, such as a prompt that starts with a dash.
fn is_maybe_a_value(error: &clap::Error) -> bool {
    error.kind() == ErrorKind::UnknownArgument
        && error.get(ContextKind::SuggestedArg).is_none()
        && matches!(error.get(ContextKind::Suggested), Some(ContextValue::StyledStrs(tips))
            if tips.iter().any(|tip| tip.to_string().contains("as a value")))
}

fn message(error: &clap::Error, command: &clap::Command) -> String {
    let texts = |kind| texts(error, kind);
    let first = |kind| texts(kind).into_iter().next().unwrap_or_default();
    let argument = first(ContextKind::InvalidArg);
    let (option, value) = (name(&argument), first(ContextKind::InvalidValue));
    let known = one_of(&texts(ContextKind::ValidValue));
    // The most similar word comes last.
    let suggestion = |kind| match texts(kind).last() {
        None => String::new(),
        Some(similar) => format!("; did you mean {similar}?"),
    };
    match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
        ErrorKind::InvalidSubcommand => {
            let command = first(ContextKind::InvalidSubcommand);
            format!("unknown command {command:?}{}", suggestion(ContextKind::SuggestedSubcommand))
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let similar = suggestion(ContextKind::SuggestedArg);
            let similar = if similar.is_empty() { spelled_out(command, &argument) } else { similar };
            format!("unknown option {argument}{similar}")
        }
        ErrorKind::UnknownArgument => format!("unexpected argument {argument:?}"),
        ErrorKind::InvalidValue if value.is_empty() && known.is_empty() => format!("{option} needs a value"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{option} needs a value: {known}"),
        ErrorKind::InvalidValue => {
            let place = place(&argument);
            match suggestion(ContextKind::SuggestedValue) {
                none if none.is_empty() => format!("unknown {place}; use {known}"),
                suggestion if value.chars().count() <= SHORT => {
                    format!("unknown {place}; use {known}{suggestion}")
                }
                suggestion => format!("unknown {place}{suggestion}"),
            }
            .replacen("{}", &format!("{value:?}"), 1)
        }
        ErrorKind::ValueValidation => {
            let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            format!("invalid value {value:?} for {option}{why}")
        }
        ErrorKind::MissingRequiredArgument => {
            let missing: Vec<String> = texts(ContextKind::InvalidArg).iter().map(|arg| plain(arg)).collect();
            format!("{} missing", is_or_are(&missing))
        }
        ErrorKind::ArgumentConflict => match texts(ContextKind::PriorArg) {
            prior if prior == [argument.clone()] => format!("{option} is given more than once"),
            prior if prior.is_empty() => format!("{option} cannot be used here"),
            prior => {
                let prior: Vec<String> = prior.iter().map(|arg| name(arg)).collect();
                format!("{option} cannot be used with {}", one_of(&prior))
            }
        },
        ErrorKind::NoEquals => format!("{option} needs = before its value"),
        _ => {
            let text = error.render().to_string();
            // What follows the first empty line is help.
            let reason = text.split("\n\n").next().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            reason.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    }
}

/// The texts that clap knows of this kind.
fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The name of an argument: `--days` of `--days <N>`, `ID` of `<ID>...`.
fn name(argument: &str) -> String {
    let argument = argument.trim_start_matches('[');
    plain(argument.split([' ', '[', '=']).next().unwrap_or_default())
}

/// An argument without the brackets of a usage line: `PROMPT or --prompt-file FILE` of `<PROMPT|--prompt-file <FILE>>`.
fn plain(argument: &str) -> String {
    let argument = argument.trim_end_matches("...").replace(['<', '>', '[', ']'], "");
    one_of(&argument.split('|').map(str::to_owned).collect::<Vec<_>>())
}

/// What an invalid value is, with `{}` for the value: `state {}`, `value {} for --aspect-ratio`.
fn place(argument: &str) -> String {
    let (option, value) = match argument.split_once(' ') {
        Some((option, value)) => (option, plain(value)),
        None => ("", plain(argument)),
    };
    let value = value.to_lowercase();
    match option {
        "" => format!("{value} {{}}"),
        option if option.trim_start_matches('-') == value => format!("{value} {{}}"),
        option => format!("value {{}} for {option}"),
    }
}

/// `a, b or c`.
fn one_of(words: &[String]) -> String {
    match words {
        [first @ .., second, last] => [first, &[format!("{second} or {last}")]].concat().join(", "),
        words => words.concat(),
    }
}

/// `a is`, `a and b are`.
fn is_or_are(words: &[String]) -> String {
    let verb = if words.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", words.join(" and "))
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
            ("list --explode", "unknown option --explode", "infrai-video list --help"),
            (
                "list --sate failed",
                "unknown option --sate; did you mean --state?",
                "infrai-video list --help",
            ),
            ("set-retention vj_1", "--days N is missing", "infrai-video set-retention --help"),
            ("wait", "ID is missing", "infrai-video wait --help"),
            ("generate", "PROMPT or --prompt-file FILE is missing", "infrai-video generate --help"),
            (
                "generate a b",
                "put the prompt in quotes: it ends before \"b\"",
                "infrai-video generate \"a b\"",
            ),
            (
                "--json generate a big city --duration 5 at dusk -o=x.mp4 --force",
                "put the prompt in quotes: it ends before \"big\"",
                "infrai-video generate --json --duration 5 -o=x.mp4 --force \"a big city at dusk\"",
            ),
            (
                "generate it's $5",
                "put the prompt in quotes: it ends before \"$5\"",
                "infrai-video generate 'it'\\''s $5'",
            ),
            ("generate a -f", "unknown option -f; did you mean --force?", "infrai-video generate --help"),
            (
                "generate a -d",
                "unknown option -d; did you mean --duration or --dry-run?",
                "infrai-video generate --help",
            ),
            (
                "batch retry",
                "--failed, --cancelled or --missing is missing",
                "infrai-video batch retry --help",
            ),
            ("generate a --duration", "--duration needs a value", "infrai-video generate --help"),
            (
                "generate a --duration x",
                "invalid value \"x\" for --duration: use a number of seconds such as 5 or 7.5",
                "infrai-video generate --help",
            ),
            (
                "generate a --aspect-ratio 4:3",
                "unknown value \"4:3\" for --aspect-ratio; use 16:9, 9:16 or 1:1",
                "infrai-video generate --help",
            ),
            (
                "generate a --no-wait --timeout 3s",
                "--no-wait cannot be used with --timeout",
                "infrai-video generate --help",
            ),
            ("list --limit 1 --limit 2", "--limit is given more than once", "infrai-video list --help"),
            (
                "list --state x",
                "unknown state \"x\"; use queued, running, succeeded, failed or cancelled",
                "infrai-video list --help",
            ),
            (
                "list --state faild",
                "unknown state \"faild\"; did you mean failed?",
                "infrai-video list --help",
            ),
            (
                "list --color allways",
                "unknown value \"allways\" for --color; did you mean always?",
                "infrai-video list --help",
            ),
            (
                "completions nu",
                "unknown shell \"nu\"; use bash, elvish, fish, powershell or zsh",
                "infrai-video completions --help",
            ),
            (
                "completions ksh",
                "unknown shell \"ksh\"; use bash, elvish, fish, powershell or zsh; did you mean zsh?",
                "infrai-video completions --help",
            ),
            ("explode", "unknown command \"explode\"", "infrai-video --help"),
            ("genrate a", "unknown command \"genrate\"; did you mean generate?", "infrai-video --help"),
            ("batch run a --explode", "unknown option --explode", "infrai-video batch run --help"),
        ] {
            let line = &format!("infrai-video {line}");
            let failure = rejected(line).unwrap();
            assert_eq!((failure.message(), failure.exit()), (message, Exit::Usage));
            assert_eq!(failure.steps().last().map(String::as_str), Some(next));
        }
        assert_eq!(rejected("infrai-video").unwrap().message(), "a command is missing");
    }

    #[test]
    fn a_prompt_that_starts_with_a_dash_can_be_passed_as_a_value() {
        let failure = rejected("infrai-video generate -x").unwrap();
        assert_eq!(failure.message(), "unknown option -x");
        assert_eq!(failure.steps()[0], "to pass it as a value, put -- before it");
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
            assert!(!format!("{failure:?}").contains("ret"), "{line}: {failure:?}");
        }
    }

    #[test]
    fn help_is_not_a_failure() {
        assert!(rejected("infrai-video list --help").is_none());
        assert!(rejected("infrai-video --version").is_none());
    }
}
