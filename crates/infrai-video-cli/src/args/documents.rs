use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::Shell;

/// Print the JSON Schema of --json
///
/// Each line of stdout follows the schema of its command. A line of stderr that begins with { is a failure and follows the schema
/// failure; other lines are for humans. Members may be added; ignore unknown ones.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  infrai-video schema generate > generate.schema.json\n  infrai-video schema failure"
)]
pub(crate) struct SchemaArgs {
    /// A command, or failure; without it, all of them
    // The possible values are set where the schemas are known.
    #[arg(value_name = "COMMAND")]
    pub(crate) name: Option<String>,
}

/// Print or install manual pages
///
/// Without a command and --output, prints the page of infrai-video itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video man generate | man -l -
  infrai-video man --output ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// A command, such as generate or batch-run
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    pub(crate) name: Option<String>,
    /// Write all pages into this directory
    ///
    /// It is created if needed. Prints the paths of the pages. man finds those in ~/.local/share/man/man1.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
}

/// Print a completion script for a shell
///
/// New shells have the completions.
#[derive(Debug, Args)]
#[command(after_help = "\
Where to put it:
  bash        as a line in ~/.bashrc:
              source <(infrai-video completions bash)
  zsh         as a line in ~/.zshrc, after compinit:
              source <(infrai-video completions zsh)
  fish        as a line in ~/.config/fish/config.fish:
              infrai-video completions fish | source
  PowerShell  as a line in $PROFILE:
              infrai-video completions powershell |
                  Out-String | Invoke-Expression")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}
