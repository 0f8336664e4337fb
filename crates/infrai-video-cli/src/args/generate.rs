use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::ClipRequest;
use super::values::Timeout;
use crate::text::{operand, option};

const EXAMPLES: &str = "\
Examples:
  infrai-video generate \"a timelapse of a city skyline at dusk\" \\
      --duration 5 --resolution 1080p -o skyline.mp4
  infrai-video generate --prompt-file prompt.txt --aspect-ratio 9:16 --prefer cheapest
  echo \"a lighthouse in a storm\" | infrai-video generate - -o - > lighthouse.mp4
  infrai-video generate \"a lighthouse in a storm\" --no-wait -o lighthouse.mp4 && infrai-video resume

With the same --idempotency-key and the same request, the command can be repeated within 24 hours: it creates one job with one \
charge, and sends nothing if the clip exists already. Without the option a key is generated; if the outcome is unknown, the error \
names it.";

/// Make a clip: send the prompt, wait for the job, download the clip
///
/// The path of the clip goes to stdout. The output path and the vendors' capabilities are checked before anything is charged.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["prompt", "prompt_file"])), after_help = EXAMPLES)]
pub(crate) struct GenerateArgs {
    /// A description of the clip; - reads it from stdin
    pub(crate) prompt: Option<String>,
    /// Read the prompt from a file
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) request: ClipRequest,
    /// The same request under the same key creates one job, however often it is sent
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Where to put the clip: a file, a directory, or - for stdout [default: JOB_ID.mp4 here]
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the job's id and exit; with -o, `resume` saves the clip there later
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How long to wait for the job, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "30m", conflicts_with = "no_wait")]
    pub(crate) timeout: Timeout,
    /// What happens to the job on Ctrl-C; `detach` lets it continue, and so does `ask` without a terminal
    #[arg(long, value_name = "ACTION", value_enum, default_value_t, conflicts_with = "no_wait")]
    pub(crate) on_interrupt: OnInterrupt,
    /// Do not compare the request with the vendors' capabilities first
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Check everything, print the request that would be sent, and send nothing
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum OnInterrupt {
    #[default]
    Ask,
    Detach,
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
            ("--idempotency-key", Some(key.to_owned())),
        ] {
            line.extend(value.map(|value| format!(" {}", option(name, &value))));
        }
        for (name, is_set) in
            [(" --force", self.force), (" --no-wait", self.no_wait), (" --no-check", self.no_check)]
        {
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
