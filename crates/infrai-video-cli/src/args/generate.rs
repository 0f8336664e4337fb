use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgGroup, Args, ValueEnum};
use infrai_video::{AspectRatio, Preference};

use super::values::{Timeout, seconds};
use crate::text::quote;

const EXAMPLES: &str = "\
Examples:
  infrai-video generate \"a timelapse of a city skyline at dusk\" \\
      --duration 5 --resolution 1080p -o skyline.mp4
  infrai-video generate --prompt-file prompt.txt --aspect-ratio 9:16 --prefer cheapest
  echo \"a lighthouse in a storm\" | infrai-video generate - -o - > lighthouse.mp4
  infrai-video generate \"a lighthouse in a storm\" --no-wait -o lighthouse.mp4 && infrai-video resume

With the same --idempotency-key and the same request, the command can be repeated within 24 hours: it makes one job and one \
charge, and sends nothing where the clip is there already. Without one, a key is made; if the outcome is unknown, the error says which.";

/// Make a clip: send the prompt, wait for the job, download the clip
///
/// The path of the clip goes to stdout. The output path and the vendors' capabilities are checked before anything is paid.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["prompt", "prompt_file"])), after_help = EXAMPLES)]
pub(crate) struct GenerateArgs {
    /// What the clip should show, in words; - reads it from stdin
    pub(crate) prompt: Option<String>,
    /// Read the prompt from a file
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt_file: Option<PathBuf>,
    /// The clip's length in seconds; if left out, the service decides
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds)]
    pub(crate) duration: Option<f64>,
    /// The clip's size: 720p, 1080p, 4k or what else `capabilities` lists; if left out, the service decides
    #[arg(long, value_name = "SIZE")]
    pub(crate) resolution: Option<String>,
    /// The clip's width to its height
    #[arg(long, value_name = "RATIO", value_parser = PossibleValuesParser::new(AspectRatio::KNOWN)
        .try_map(|text| text.parse::<AspectRatio>()))]
    pub(crate) aspect_ratio: Option<AspectRatio>,
    /// What to weigh when the service chooses a vendor
    #[arg(long, value_name = "WHAT", ignore_case = true, value_parser = PossibleValuesParser::new(Preference::KNOWN)
        .try_map(|text| text.parse::<Preference>()))]
    pub(crate) prefer: Option<Preference>,
    /// An image that the clip should follow
    #[arg(long, value_name = "URL")]
    pub(crate) reference_image_url: Option<String>,
    /// The same key and request make one job, however often they are sent
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Where to put the clip: a file, a directory, or - for stdout [default: JOB_ID.mp4 here]
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the job's id and leave; with -o, `resume` saves the clip there later
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How long to wait for the job, such as 90s, 15m or none
    #[arg(long, value_name = "TIME", default_value = "30m", conflicts_with = "no_wait")]
    pub(crate) timeout: Timeout,
    /// What becomes of the job on Ctrl-C; `detach` lets it go on, and so does `ask` where nobody can answer
    #[arg(long, value_name = "WHAT", value_enum, default_value_t, conflicts_with = "no_wait")]
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
    /// The options of this command with that key, as they are typed in a shell.
    pub(crate) fn repeated_with(&self, key: &str) -> String {
        let mut line = String::from("generate");
        let mut add = |name: &str, value: Option<&str>| {
            line.push(' ');
            line.push_str(name);
            if let Some(value) = value {
                line.push(' ');
                line.push_str(&quote(value));
            }
        };
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        if let Some(file) = &self.prompt_file {
            add("--prompt-file", Some(&path(file)));
        }
        for (name, value) in [
            ("--duration", self.duration.map(|seconds| seconds.to_string())),
            ("--resolution", self.resolution.clone()),
            ("--aspect-ratio", self.aspect_ratio.map(|ratio| ratio.to_string())),
            ("--prefer", self.prefer.map(|preference| preference.to_string())),
            ("--reference-image-url", self.reference_image_url.clone()),
            ("--output", self.output.as_ref().map(path)),
            ("--idempotency-key", Some(key.to_owned())),
        ] {
            if let Some(value) = value {
                add(name, Some(&value));
            }
        }
        for (name, set) in
            [("--force", self.force), ("--no-wait", self.no_wait), ("--no-check", self.no_check)]
        {
            if set {
                add(name, None);
            }
        }
        if let Some(prompt) = &self.prompt {
            if prompt.starts_with('-') && prompt != "-" {
                add("--", None);
            }
            line.push(' ');
            line.push_str(&quote(prompt));
        }
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
    fn a_repeated_command_asks_for_the_same_under_the_key() {
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
    fn exactly_one_prompt_is_taken() {
        assert!(Cli::try_parse_from(["infrai-video", "generate"]).is_err());
        assert!(Cli::try_parse_from(["infrai-video", "generate", "a", "--prompt-file", "b"]).is_err());
        assert_eq!(parsed(&["generate", "-"]).prompt.as_deref(), Some("-"));
    }
}
