//! What can be typed. The comments on fields are the help texts.

mod batch;
mod documents;
mod generate;
mod global;
mod jobs;
mod resume;
#[cfg(feature = "sandbox")]
mod sandbox;
mod values;

use clap::{Parser, Subcommand};

pub(crate) use batch::{BatchArgs, BatchCommand, PlanArgs, RetryArgs, RunArgs, StatusArgs};
pub(crate) use documents::{CompletionsArgs, ManArgs, SchemaArgs};
pub(crate) use generate::{GenerateArgs, OnInterrupt};
pub(crate) use global::{Global, clap_color, color_of};
pub(crate) use jobs::{
    CancelArgs, DeleteAllArgs, DeleteArgs, DownloadArgs, ListArgs, OneJob, RetentionArgs, WaitArgs,
};
pub(crate) use resume::ResumeArgs;
#[cfg(feature = "sandbox")]
pub(crate) use sandbox::{Pace, SandboxArgs, TOKEN_VARIABLE};

const ENVIRONMENT_AND_EXIT_CODES: &str = "\
Environment:
  INFRAI_API_KEY    the project key (ifr_pk_proj_...); never a flag
  INFRAI_BASE_URL   where the API is, if not at https://api.infrai.cc
  INFRAI_STATE_DIR  where the ledger is, if not in the user's own state directory
  INFRAI_LEDGER     the ledger itself, such as postgres://HOST/NAME for many machines
  NO_COLOR, CI      no colours; no spinner

Exit codes:
   0  success                         8  still running at the deadline; the job goes on
   1  another error                   9  the job was cancelled
   2  usage                          10  the API was out of reach; nothing was sent, or only reads
   3  the job failed                 11  outcome unknown: the job may exist
   4  no key, 401 or 403             12  the job is fine, the download is not
   5  not found                      13  some items of the batch have no clip
   6  insufficient credit            75  rate limited beyond the retries
   7  refused: a bad value, or      129  the terminal was closed; the job goes on
      no vendor can do it           130  interrupted; the job goes on
                                    143  terminated; the job goes on

Data goes to stdout, everything else to stderr.";

#[cfg(feature = "sandbox")]
const TRY: &str = "\
Try it without a key:
  infrai-video --sandbox generate \"a timelapse of a city skyline at dusk\" -o skyline.mp4
";

#[cfg(not(feature = "sandbox"))]
const TRY: &str = "\
Example:
  infrai-video generate \"a timelapse of a city skyline at dusk\" -o skyline.mp4
";

/// Make video clips from text, and look after them
#[derive(Debug, Parser)]
#[command(
    name = "infrai-video",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = format!("{TRY}\n{ENVIRONMENT_AND_EXIT_CODES}"),
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
    /// Show a job's state and links
    ///
    /// Without --json, one line for each fact: its name, a tab if stdout is no terminal, its value.
    #[command(after_help = "Example:\n  infrai-video status vj_01kaq3v8zn5w4x7r2m9t6h0c1d")]
    Status(OneJob),
    /// Show a job with its clip's size and length, its vendor and model
    ///
    /// Without --json, one line for each fact: its name, a tab if stdout is no terminal, its value.
    #[command(after_help = "Example:\n  infrai-video get vj_01kaq3v8zn5w4x7r2m9t6h0c1d --json | jq .vendor")]
    Get(OneJob),
    List(ListArgs),
    Cancel(CancelArgs),
    Delete(DeleteArgs),
    DeleteAll(DeleteAllArgs),
    Download(DownloadArgs),
    /// Print a temporary link to a job's clip
    ///
    /// Whoever has the link can fetch the clip until it expires, without a key.
    #[command(
        after_help = "Example:\n  curl -o skyline.mp4 \\\n      \"$(infrai-video download-url vj_01kaq3v8zn5w4x7r2m9t6h0c1d)\""
    )]
    DownloadUrl(OneJob),
    SetRetention(RetentionArgs),
    /// Show what each vendor can make
    ///
    /// On a terminal a table; else one line for each vendor, with a tab between: name, resolutions, longest clip in
    /// seconds, models, whether it can extend, whether it can upscale.
    #[command(after_help = "Example:\n  infrai-video capabilities")]
    Capabilities,
    Resume(ResumeArgs),
    Batch(BatchArgs),
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
    Schema(SchemaArgs),
    Man(ManArgs),
    Completions(CompletionsArgs),
}

impl Command {
    /// Whether it uses the base URL, be it only to find what the ledger has of it.
    pub(crate) fn calls_the_api(&self) -> bool {
        match self {
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => false,
            Self::Schema(_) | Self::Man(_) | Self::Completions(_) => false,
            _ => true,
        }
    }

    /// The name of the subcommand, as it is typed.
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
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => "sandbox",
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
    fn the_command_line_makes_sense_to_clap() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        for command in super::Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("infrai-video"), "{} has no example", command.get_name());
        }
    }
}
