//! Arguments and options. The doc comments on fields are the help texts.

mod after_save;
mod batch;
mod clip_request;
mod config;
pub(crate) mod credentials;
mod documents;
mod generate;
mod global;
mod groups;
mod headings;
mod jobs;
mod resume;
#[cfg(feature = "sandbox")]
mod sandbox;
mod spending;
mod usage;
mod values;
mod variables;

use clap::{Parser, Subcommand};

use crate::exit_code::Exit;

pub(crate) use after_save::{AfterSaveArgs, NotifyArgs};
pub(crate) use batch::{BatchArgs, BatchCommand, PlanArgs, RetryArgs, RunArgs, StatusArgs};
pub(crate) use clip_request::ClipRequest;
pub(crate) use config::{ConfigArgs, ConfigCommand};
pub(crate) use documents::{CompletionsArgs, ManArgs, SchemaArgs};
pub(crate) use generate::{GenerateArgs, OnInterrupt};
pub(crate) use global::{Global, clap_color, color_of};
pub(crate) use groups::with_groups;
pub(crate) use jobs::{
    CancelArgs, DeleteAllArgs, DeleteArgs, DownloadArgs, ListArgs, OneJob, RetentionArgs, WaitArgs,
};
pub(crate) use resume::ResumeArgs;
#[cfg(feature = "sandbox")]
pub(crate) use sandbox::{LogFormat, Pace, SandboxArgs, TOKEN_VARIABLE};
pub(crate) use spending::SpendingArgs;
pub(crate) use usage::{GroupBy, UsageArgs};
pub(crate) use variables::set;

const ENVIRONMENT: &str = "\
Environment:
  INFRAI_API_KEY    the API key; there is no option for it
  INFRAI_CONFIG     the configuration file, or none
  INFRAI_PROFILE    the profile, like --profile
  INFRAI_BASE_URL   the base URL of the API
  INFRAI_STATE_DIR  the directory of the ledger
  INFRAI_LEDGER     the ledger, such as postgres://HOST/NAME
  NO_COLOR, CI      no colours; no spinner";

const STREAMS: &str = "Data goes to stdout, everything else to stderr.";

#[cfg(feature = "sandbox")]
const FIRST_EXAMPLE: &str = "\
Try it without a key:
  infrai-video --sandbox generate \"a city at dusk\" -o a.mp4";

#[cfg(not(feature = "sandbox"))]
const FIRST_EXAMPLE: &str = "\
Example:
  infrai-video generate \"a city at dusk\" -o a.mp4";

/// Make video clips from text, and manage their jobs
#[derive(Debug, Parser)]
#[command(
    name = "infrai-video",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_flag = true,
    after_help = FIRST_EXAMPLE,
    after_long_help = format!("{FIRST_EXAMPLE}\n\n{ENVIRONMENT}\n\nExit codes:\n{}\n{STREAMS}", Exit::table()),
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Generate(Box<GenerateArgs>),
    Wait(WaitArgs),
    /// Show the state of a job
    ///
    /// Without --json, one line for each field: its name and its value, separated by a tab if stdout is not a terminal. Prompt, cost,
    /// file, idempotency key and batch come from the ledger, if it knows the job.
    #[command(after_help = "Example:\n  infrai-video status vj_01kaq3v8zn5w4x7r2m9t6h0c1d")]
    Status(OneJob),
    /// Show the details of a job
    ///
    /// The size and length of its clip, its vendor and model. Without --json, one line for each field: its name and its value,
    /// separated by a tab if stdout is not a terminal. Prompt, cost, file, idempotency key and batch come from the ledger, if it
    /// knows the job.
    #[command(after_help = "Example:\n  infrai-video get vj_01kaq3v8zn5w4x7r2m9t6h0c1d")]
    Get(OneJob),
    List(ListArgs),
    Cancel(CancelArgs),
    Delete(DeleteArgs),
    DeleteAll(DeleteAllArgs),
    Download(DownloadArgs),
    /// Print a temporary link to a clip
    ///
    /// Anyone with the link can download the clip until it expires, without a key.
    #[command(
        after_help = "Example:\n  curl -o skyline.mp4 \"$(infrai-video download-url \\\n      vj_01kaq3v8zn5w4x7r2m9t6h0c1d)\""
    )]
    DownloadUrl(OneJob),
    SetRetention(RetentionArgs),
    /// Show what each vendor can make
    ///
    /// A table on a terminal; elsewhere one line for each vendor, with tabs between: name, resolutions, longest clip in
    /// seconds, models, whether it can extend, whether it can upscale.
    #[command(after_help = "Example:\n  infrai-video capabilities")]
    Capabilities,
    Resume(ResumeArgs),
    Batch(BatchArgs),
    Usage(UsageArgs),
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
    Config(ConfigArgs),
    Schema(SchemaArgs),
    Man(ManArgs),
    Completions(CompletionsArgs),
}

impl Command {
    /// Whether it uses the base URL, for calls or to find items in the ledger.
    pub(crate) fn calls_the_api(&self) -> bool {
        match self {
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => false,
            Self::Config(_) | Self::Schema(_) | Self::Man(_) | Self::Completions(_) => false,
            _ => true,
        }
    }

    /// Whether it reads the configuration.
    pub(crate) fn is_configured(&self) -> bool {
        match self {
            Self::Config(args) => matches!(args.command, ConfigCommand::Show),
            other => other.calls_the_api(),
        }
    }

    /// Whether it uses the API key.
    pub(crate) fn uses_api_key(&self) -> bool {
        match self {
            Self::Batch(args) => !matches!(args.command, BatchCommand::Status(_)),
            Self::Usage(_) => false,
            other => other.calls_the_api(),
        }
    }

    /// What a command that charges may spend.
    pub(crate) fn spending_mut(&mut self) -> Option<&mut SpendingArgs> {
        match self {
            Self::Generate(args) => Some(&mut args.spending),
            Self::Batch(args) => match &mut args.command {
                BatchCommand::Run(args) => Some(&mut args.options.spending),
                BatchCommand::Retry(args) => Some(&mut args.options.spending),
                BatchCommand::Status(_) => None,
            },
            Self::Resume(args) => Some(&mut args.spending),
            _ => None,
        }
    }

    /// Whether the user is told when it ends.
    pub(crate) fn notifies(&self) -> bool {
        match self {
            Self::Generate(args) => args.after_save.notify.notify,
            Self::Wait(args) => args.notify.notify,
            Self::Download(args) => args.after_save.notify.notify,
            Self::Resume(args) => args.after_save.notify.notify,
            Self::Batch(args) => match &args.command {
                BatchCommand::Run(args) => args.options.after_save.notify.notify,
                BatchCommand::Retry(args) => args.options.after_save.notify.notify,
                BatchCommand::Status(_) => false,
            },
            _ => false,
        }
    }

    /// The name of the subcommand.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Generate(_) => "generate",
            Self::Wait(_) => "wait",
            Self::Status(_) => "status",
            Self::Get(_) => "get",
            Self::List(_) => "list",
            Self::Cancel(_) => "cancel",
            Self::Delete(_) => "delete",
            Self::DeleteAll(_) => "delete-all",
            Self::Download(_) => "download",
            Self::DownloadUrl(_) => "download-url",
            Self::SetRetention(_) => "set-retention",
            Self::Capabilities => "capabilities",
            Self::Resume(_) => "resume",
            Self::Batch(_) => "batch",
            Self::Usage(_) => "usage",
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => "sandbox",
            Self::Config(_) => "config",
            Self::Schema(_) => "schema",
            Self::Man(_) => "man",
            Self::Completions(_) => "completions",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_passes_the_assertions_of_clap() {
        super::Cli::command().debug_assert();
    }

    /// The options whose value is a number, each with the path of its command.
    fn numeric_options(command: &clap::Command, path: &[String]) -> Vec<(Vec<String>, String)> {
        let is_number = |arg: &&clap::Arg| {
            let names = arg.get_value_names().unwrap_or_default();
            names.iter().any(|name| ["N", "SECONDS", "USD", "PID"].contains(&name.as_str()))
        };
        let own = command.get_arguments().filter(is_number).filter_map(clap::Arg::get_long);
        let own = own.map(|option| (path.to_vec(), option.to_owned()));
        let below = command.get_subcommands().flat_map(|subcommand| {
            numeric_options(subcommand, &[path, &[subcommand.get_name().to_owned()]].concat())
        });
        own.chain(below).collect()
    }

    #[test]
    fn every_number_is_rejected_in_the_same_words() {
        let command = crate::command();
        let options = numeric_options(&command, &["infrai-video".to_owned()]);
        assert!(options.len() >= 15, "{options:?}");
        for (path, option) in &options {
            for value in ["x", "1.2.3", "7 days", "0x10", "5,5", "-", "1e999999x"] {
                let line = [path.clone(), vec![format!("--{option}={value}")]].concat();
                let error = command.clone().try_get_matches_from(&line).unwrap_err();
                let args = line.iter().map(std::ffi::OsString::from);
                let failure = crate::failure::usage::failure(&command, &error, args).unwrap();
                let start = format!("invalid value {value:?} for --{option}: use a ");
                assert!(failure.message().starts_with(&start), "{line:?}: {}", failure.message());
            }
            if option != "exit-with-parent" {
                let line = [path.clone(), vec![format!("--{option}"), "-1".to_owned()]].concat();
                let error = command.clone().try_get_matches_from(&line).err().map(|error| error.kind());
                assert_ne!(error, Some(clap::error::ErrorKind::UnknownArgument), "{line:?}");
            }
        }
    }

    #[test]
    fn every_command_has_an_example() {
        for command in super::Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("infrai-video"), "{} has no example", command.get_name());
        }
    }
}
