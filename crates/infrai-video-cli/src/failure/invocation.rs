//! The command line of this process, and the command lines that advice consists of.

use infrai_video::{API_KEY_VARIABLE, BASE_URL_VARIABLE, DEFAULT_BASE_URL};

use crate::args::{Global, set};
use crate::config::{Config, Filled, KeyKind, KeySource, PROFILE_VARIABLE};
use crate::text::{operand, option, quote};

/// Options whose value may be `-` for stdout.
const OUTPUT_OPTIONS: [&str; 2] = ["-o", "--output"];

/// The options of commands that set a field of the API.
const FIELDS: &[(&str, &str, &str)] = &[
    ("generate", "duration_seconds", "--duration"),
    ("generate", "resolution", "--resolution"),
    ("generate", "aspect_ratio", "--aspect-ratio"),
    ("generate", "aspect", "--aspect-ratio"),
    ("generate", "prefer", "--prefer"),
    ("generate", "reference_image_url", "--reference-image-url"),
    ("generate", "idempotency_key", "--idempotency-key"),
    ("list", "limit", "--limit"),
    ("list", "cursor", "--cursor"),
    ("set-retention", "days", "--days"),
];

/// The command line of this process.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// The arguments as they were typed.
    arguments: Vec<String>,
    /// The name of the subcommand.
    subcommand: &'static str,
    base_url: Option<String>,
    ledger: Option<String>,
    /// The profile that an option or a variable chose.
    profile: Option<String>,
    /// Whether a variable chose it, so that it is not among the arguments.
    profile_is_of_variable: bool,
    sandbox: bool,
    /// The base URL of the configuration, which counts if nothing else sets one.
    configured_base_url: Option<String>,
    /// Where the API key of the configuration comes from, if that is in use.
    key_source: Option<KeySource>,
    /// The options that got their values from the configuration.
    filled: Filled,
    /// The profiles of the configuration, if none is in use.
    unused_profiles: Vec<String>,
}

impl Invocation {
    pub(crate) fn new(global: &Global, subcommand: &'static str, config: &Config, filled: Filled) -> Self {
        let of_variable = config.profile().filter(|profile| profile.chosen_by == PROFILE_VARIABLE);
        let arguments = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
        Self {
            arguments,
            subcommand,
            base_url: global.base_url.clone(),
            ledger: global.ledger.clone(),
            profile: global.profile.clone().or_else(|| Some(of_variable?.name.clone())),
            profile_is_of_variable: of_variable.is_some(),
            sandbox: global.sandbox(),
            configured_base_url: config.base_url().map(str::to_owned),
            key_source: config.key_source().filter(|_| set(API_KEY_VARIABLE).is_none()),
            filled,
            unused_profiles: match config.profile() {
                Some(_) => Vec::new(),
                None => config.profile_names(),
            },
        }
    }

    /// Whether calls go to a sandbox inside this process, whose jobs end with it.
    pub(crate) fn uses_sandbox(&self) -> bool {
        self.sandbox
    }

    /// The base URL of the API, as far as it is known without a client.
    pub(crate) fn base_url(&self) -> String {
        let from_environment = || std::env::var(BASE_URL_VARIABLE).ok().filter(|url| !url.trim().is_empty());
        let url = self.base_url.clone().or_else(from_environment);
        let url = url.or_else(|| self.configured_base_url.clone());
        let url = url.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        // An invalid URL is shown as it was typed.
        infrai_video::base_url(&url).unwrap_or_else(|_| url.trim().trim_end_matches('/').to_owned())
    }

    /// A command line of this program for the same API and the same ledger.
    pub(crate) fn command(&self, rest: &str) -> String {
        match &self.base_url {
            _ if self.sandbox => format!("infrai-video {}--sandbox {rest}", self.profile_option()),
            Some(url) => self.command_at(url, rest),
            None => format!("infrai-video {}{}{rest}", self.profile_option(), self.ledger_option()),
        }
    }

    /// A command line of this program for another base URL and the same ledger.
    pub(crate) fn command_at(&self, base_url: &str, rest: &str) -> String {
        let base_url = option("--base-url", base_url);
        format!("infrai-video {}{base_url} {}{rest}", self.profile_option(), self.ledger_option())
    }

    /// Where the API key comes from, if not from `INFRAI_API_KEY`.
    pub(crate) fn key_source(&self) -> Option<&KeySource> {
        self.key_source.as_ref()
    }

    /// Options that choose a profile, such as `--profile home or work`, if none is in use.
    pub(super) fn profile_choice(&self) -> Option<String> {
        let options = self.unused_profiles.iter().map(|name| quote(name)).collect::<Vec<_>>();
        (!options.is_empty()).then(|| format!("--profile {}", options.join(" or ")))
    }

    /// The name of the variable that has the API key, for commands of other programs.
    pub(crate) fn key_variable(&self) -> &str {
        match &self.key_source {
            Some(KeySource { kind: KeyKind::Variable(name), .. }) => name,
            // Its user must put it there.
            Some(KeySource { kind: KeyKind::Command(_), .. }) | None => API_KEY_VARIABLE,
        }
    }

    /// A command about a job, an idempotency key or a batch, with options if needed.
    pub(crate) fn command_on(&self, subcommand: &str, name: &str, options: &str) -> String {
        self.command(&on(subcommand, name, options))
    }

    /// The same at another base URL.
    pub(crate) fn command_on_at(&self, base_url: &str, subcommand: &str, name: &str) -> String {
        self.command_at(base_url, &on(subcommand, name, ""))
    }

    /// `--profile NAME` and a space, unless the profile is the default one.
    pub(crate) fn profile_option(&self) -> String {
        self.profile.as_ref().map(|name| option("--profile", name) + " ").unwrap_or_default()
    }

    fn ledger_option(&self) -> String {
        self.ledger.as_ref().map(|ledger| option("--ledger", ledger) + " ").unwrap_or_default()
    }

    /// The command line of this process.
    pub(crate) fn repeat(&self) -> String {
        self.repeat_with("")
    }

    /// The command line of this process with one more option.
    pub(crate) fn repeat_with(&self, added: &str) -> String {
        let mut line = "infrai-video".to_owned();
        if self.profile_is_of_variable {
            line = line + " " + self.profile_option().trim_end();
        }
        let mut added = Some(added).filter(|added| !added.is_empty());
        for argument in &self.arguments {
            // Options end here.
            if argument == "--" {
                line.extend(added.take().map(|added| format!(" {added}")));
            }
            line = line + " " + &quote(argument);
        }
        line.extend(added.map(|added| format!(" {added}")));
        line
    }

    /// The note that a repetition needs the same input, where this command reads stdin.
    pub(crate) fn stdin_note(&self) -> &'static str {
        let is_output = |index: usize| {
            index
                .checked_sub(1)
                .is_some_and(|before| OUTPUT_OPTIONS.contains(&self.arguments[before].as_str()))
        };
        let mut arguments = self.arguments.iter().enumerate();
        match arguments.any(|(index, argument)| argument == "-" && !is_output(index)) {
            true => "with the same on stdin, ",
            false => "",
        }
    }

    /// The option or the variable that sets the base URL.
    pub(crate) fn base_url_name(&self) -> &'static str {
        if self.base_url.is_some() { "--base-url" } else { BASE_URL_VARIABLE }
    }

    /// The command that shows the help of this subcommand.
    pub(crate) fn help(&self) -> String {
        format!("infrai-video {} --help", self.subcommand)
    }

    /// Replaces fields of the API by the options that set them.
    pub(super) fn with_options_named(&self, message: String) -> String {
        let base_url = self.base_url_name();
        let of_command = FIELDS.iter().filter(|(subcommand, ..)| *subcommand == self.subcommand);
        let options = of_command.map(|(_, field, option)| (*field, *option)).chain([("base_url", base_url)]);
        let named =
            options.fold(message, |message, (field, option)| message.replace(&format!("`{field}`"), option));
        self.with_settings_named(&without_ticks(&named))
    }

    /// Replaces options by the settings that their values are from.
    pub(super) fn with_settings_named(&self, message: &str) -> String {
        let named = |message: String, (option, setting): &(_, String)| message.replace(*option, setting);
        self.filled.iter().fold(message.to_owned(), named)
    }
}

/// Removes the backticks around fields of the API, which the SDK has for documentation.
pub(super) fn without_ticks(message: &str) -> String {
    let fields = FIELDS.iter().map(|(_, field, _)| *field).chain(["prompt", "job_id", "api_key"]);
    fields.fold(message.to_owned(), |message, field| message.replace(&format!("`{field}`"), field))
}

/// Options come first where the name must come after `--`.
fn on(subcommand: &str, name: &str, options: &str) -> String {
    let name = operand(name);
    let parts =
        if name.starts_with("-- ") { [subcommand, options, &name] } else { [subcommand, &name, options] };
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(arguments: &[&str]) -> Invocation {
        Invocation {
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            subcommand: "resume",
            base_url: None,
            ledger: None,
            profile: None,
            profile_is_of_variable: false,
            sandbox: false,
            configured_base_url: None,
            key_source: None,
            filled: Vec::new(),
            unused_profiles: Vec::new(),
        }
    }

    #[test]
    fn a_profile_that_was_an_option_is_part_of_every_command() {
        let invocation = Invocation { profile: Some("my work".to_owned()), ..invocation(&[]) };
        assert_eq!(invocation.command("list"), "infrai-video --profile 'my work' list");
        let elsewhere = invocation.command_at("http://127.0.0.1:1", "list");
        assert_eq!(elsewhere, "infrai-video --profile 'my work' --base-url http://127.0.0.1:1 list");
        let sandbox = Invocation { sandbox: true, ..invocation };
        assert_eq!(sandbox.command("list"), "infrai-video --profile 'my work' --sandbox list");
    }

    #[test]
    fn a_name_that_begins_with_a_dash_comes_after_the_options() {
        let invocation = invocation(&[]);
        assert_eq!(invocation.command_on("resume", "vj_1", "--again"), "infrai-video resume vj_1 --again");
        assert_eq!(invocation.command_on("resume", "-Nx", "--again"), "infrai-video resume --again -- -Nx");
        assert_eq!(invocation.command_on("wait", "-N x", ""), "infrai-video wait -- '-N x'");
        let elsewhere = invocation.command_on_at("http://127.0.0.1:1", "resume", "-Nx");
        assert_eq!(elsewhere, "infrai-video --base-url http://127.0.0.1:1 resume -- -Nx");
    }

    #[test]
    fn an_added_option_comes_before_the_end_of_options() {
        assert_eq!(invocation(&["delete", "vj_1"]).repeat_with("--yes"), "infrai-video delete vj_1 --yes");
        let dashes = invocation(&["delete", "--", "-Nx"]);
        assert_eq!(dashes.repeat_with("--yes"), "infrai-video delete --yes -- -Nx");
        assert_eq!(dashes.repeat(), "infrai-video delete -- -Nx");
    }

    #[test]
    fn only_a_dash_that_is_read_as_input_is_noted() {
        assert_eq!(invocation(&["generate", "-", "-o", "a.mp4"]).stdin_note(), "with the same on stdin, ");
        assert_eq!(invocation(&["generate", "a", "-o", "-"]).stdin_note(), "");
    }
}
