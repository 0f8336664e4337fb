use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum, ValueHint};

use super::headings::{CLIP, COST, OUTPUT, RUN};
use super::values::Timeout;
use super::{AfterSaveArgs, ClipRequest, SpendingArgs};
use crate::text::{operand, option};

const EXAMPLES: &str = "\
Examples:
  infrai-video generate \"a city skyline at dusk\" \\
      --duration 5 --resolution 1080p -o skyline.mp4
  infrai-video generate --prompt-file prompt.txt \\
      --aspect-ratio 9:16 --prefer cheapest
  echo \"a lighthouse\" | infrai-video generate - -o - > a.mp4";

const NOTES: &str = "\
With the same --idempotency-key and the same request, the command can be repeated within 24 hours: it creates one job with one \
charge, and sends nothing if the clip already exists. Without the option a key is generated; if the outcome is unknown, the error \
names it.";

// clap takes {n} for a line break: the reset of colours in it, which is invisible, keeps it.
const OUTPUT_HELP: &str = "\
A file, a directory, a template, or - for stdout

Without it, the clip is saved as JOB_ID.mp4 in the current directory. A template has fields in braces, as in {date}-{slug}.mp4: {date} \
and {time} (UTC), {slug} (words of the prompt), {resolution}, {duration}, {aspect}, {id}, and {\u{1b}[0mn}, the first number from 1 \
that makes the name new. Write {{ and }} for braces.";

/// Make a clip from a prompt
///
/// Sends the prompt, waits for the job and downloads the clip. The path of the clip goes to stdout. The output path and the vendors'
/// capabilities are checked before anything is charged.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["prompt", "prompt_file"])))]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{NOTES}"))]
pub(crate) struct GenerateArgs {
    /// What the clip shows; - reads it from stdin
    pub(crate) prompt: Option<String>,
    /// Read the prompt from a text file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = CLIP)]
    pub(crate) prompt_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) request: ClipRequest,
    /// A file, a directory, a template, or - for stdout
    #[arg(short, long, long_help = OUTPUT_HELP, value_name = "PATH", value_hint = ValueHint::AnyPath, help_heading = OUTPUT)]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) after_save: AfterSaveArgs,
    #[command(flatten)]
    pub(crate) spending: SpendingArgs,
    /// Check everything, and send nothing
    ///
    /// Prints the request that would be sent.
    #[arg(long, conflicts_with = "no_wait", help_heading = COST)]
    pub(crate) dry_run: bool,
    /// Skip the check of the vendors' capabilities
    ///
    /// Without it, a request that no vendor supports is rejected before it is sent.
    #[arg(long, help_heading = COST, hide_short_help = true)]
    pub(crate) no_check: bool,
    /// Charge repeated requests with this key once
    ///
    /// The same request under the same key creates one job, however often it is sent within 24 hours.
    #[arg(long, value_name = "KEY", help_heading = COST, hide_short_help = true)]
    pub(crate) idempotency_key: Option<String>,
    /// Print the job's id, and exit
    ///
    /// With -o, infrai-video resume saves the clip there later.
    #[arg(long, help_heading = RUN)]
    pub(crate) no_wait: bool,
    /// How long to wait: 90s, 15m or none
    ///
    /// The job continues afterwards.
    #[arg(long, value_name = "TIME", default_value = "30m", conflicts_with = "no_wait", help_heading = RUN)]
    pub(crate) timeout: Timeout,
    /// What Ctrl-C does to the job
    #[arg(
        long,
        value_name = "ACTION",
        value_enum,
        default_value_t,
        conflicts_with = "no_wait",
        help_heading = RUN,
        hide_short_help = true
    )]
    pub(crate) on_interrupt: OnInterrupt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum OnInterrupt {
    /// Ask; without a terminal, let it continue
    #[default]
    Ask,
    /// Let it continue
    Detach,
    /// Cancel it
    Cancel,
}

impl GenerateArgs {
    /// The arguments of the same command with this idempotency key, as they are typed in a shell.
    pub(crate) fn repeated_with(&self, key: &str) -> String {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let request = &self.request;
        let mut line = String::from("generate");
        for (name, value) in [
            ("--prompt-file", self.prompt_file.as_ref().map(path)),
            ("--duration", request.duration_seconds.map(|seconds| seconds.to_string())),
            ("--resolution", request.resolution.clone()),
            ("--aspect-ratio", request.aspect_ratio.map(|ratio| ratio.to_string())),
            ("--prefer", request.prefer.map(|preference| preference.to_string())),
            ("--reference-image-url", request.reference_image_url.clone()),
            ("--output", self.output.as_ref().map(path)),
            ("--max-usd", self.spending.max_usd.map(|max| max.to_string())),
            ("--idempotency-key", Some(key.to_owned())),
        ] {
            line.extend(value.map(|value| format!(" {}", option(name, &value))));
        }
        for (name, is_set) in [
            (" --yes", self.spending.yes),
            (" --force", self.force),
            (" --no-wait", self.no_wait),
            (" --no-check", self.no_check),
        ] {
            line.extend(is_set.then_some(name));
        }
        line.extend(self.prompt.as_ref().map(|prompt| format!(" {}", operand(prompt))));
        line
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn parsed(args: &[&str]) -> Box<GenerateArgs> {
        match Cli::try_parse_from(["infrai-video"].iter().chain(args)).unwrap().command {
            Command::Generate(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_repeated_command_sends_the_same_request_under_the_key() {
        let args = parsed(&[
            "generate",
            "it's dusk",
            "--duration",
            "5",
            "--resolution=1080p",
            "-o",
            "a b.mp4",
            "--force",
        ]);
        assert_eq!(
            args.repeated_with("k1"),
            "generate --duration 5 --resolution 1080p --output 'a b.mp4' --idempotency-key k1 --force 'it'\\''s dusk'"
        );
        let args = parsed(&["generate", "--no-wait", "--idempotency-key", "old", "--", "-x"]);
        assert_eq!(args.repeated_with("k2"), "generate --idempotency-key k2 --no-wait -- -x");
    }

    #[test]
    fn exactly_one_prompt_is_accepted() {
        assert!(Cli::try_parse_from(["infrai-video", "generate"]).is_err());
        assert!(Cli::try_parse_from(["infrai-video", "generate", "a", "--prompt-file", "b"]).is_err());
        assert_eq!(parsed(&["generate", "-"]).prompt.as_deref(), Some("-"));
    }
}
