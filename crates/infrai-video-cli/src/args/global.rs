use std::ffi::OsString;

use anstream::ColorChoice;
use clap::{Args, ValueEnum, ValueHint};

/// The options that every command has.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Use a local sandbox: no key, no cost
    ///
    /// It runs inside this process, and its jobs end with the command. infrai-video sandbox keeps jobs between commands.
    #[cfg(feature = "sandbox")]
    #[arg(long, global = true, conflicts_with = "base_url")]
    pub(crate) sandbox: bool,
    /// The profile of the configuration
    ///
    /// infrai-video config --help describes it.
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub(crate) profile: Option<String>,
    /// The base URL of the API [default: https://api.infrai.cc]
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url, hide_short_help = true)]
    pub(crate) base_url: Option<String>,
    /// Where requests are recorded: a file, a postgres:// URL or none
    ///
    /// Without it, a file in the state directory.
    #[arg(long, global = true, value_name = "LEDGER", value_hint = ValueHint::AnyPath, hide_short_help = true)]
    pub(crate) ledger: Option<String>,
    /// Print JSON lines
    ///
    /// One object on each line: data on stdout, failures on stderr. infrai-video schema describes it.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print only ids or paths, and errors
    #[arg(short, long, global = true, conflicts_with_all = ["json", "verbose"])]
    pub(crate) quiet: bool,
    /// Log requests and responses on stderr; -vv logs more
    #[arg(short, long, global = true, hide_short_help = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colours
    #[arg(long, global = true, hide_short_help = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: Color,
    /// Print help; --help prints more than -h
    #[arg(short, long, global = true, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl Global {
    /// Whether calls go to a sandbox inside this process.
    pub(crate) fn sandbox(&self) -> bool {
        #[cfg(feature = "sandbox")]
        return self.sandbox;
        #[cfg(not(feature = "sandbox"))]
        return false;
    }
}

/// The choice of colours, read before clap parses the arguments, since help and usage errors are coloured too.
pub(crate) fn color_of(args: impl Iterator<Item = OsString>) -> ColorChoice {
    let mut choice = ColorChoice::Auto;
    let mut args = args.skip(1).peekable();
    while let Some(arg) = args.next() {
        let value = match arg.to_str() {
            Some("--") => break,
            Some("--color") => args.peek().and_then(|value| value.to_str()).map(str::to_owned),
            Some(other) => other.strip_prefix("--color=").map(str::to_owned),
            None => None,
        };
        choice = match value.as_deref() {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => choice,
        };
    }
    choice
}

pub(crate) fn clap_color(choice: ColorChoice) -> clap::ColorChoice {
    match choice {
        ColorChoice::Always | ColorChoice::AlwaysAnsi => clap::ColorChoice::Always,
        ColorChoice::Never => clap::ColorChoice::Never,
        ColorChoice::Auto => clap::ColorChoice::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_chosen_before_the_arguments_are_parsed() {
        let of =
            |args: &[&str]| color_of(std::iter::once("x").chain(args.iter().copied()).map(OsString::from));
        assert_eq!(of(&["list"]), ColorChoice::Auto);
        assert_eq!(of(&["--color", "never", "list"]), ColorChoice::Never);
        assert_eq!(of(&["list", "--color=always"]), ColorChoice::Always);
        assert_eq!(of(&["generate", "--", "--color=always"]), ColorChoice::Auto);
    }
}
