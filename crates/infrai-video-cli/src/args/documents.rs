use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Print the JSON Schema of what --json prints
///
/// Each line of stdout follows the schema of its command. A line of stderr that begins with { is a failure and follows the schema
/// `failure`; other lines are for humans. Members may be added; ignore unknown ones.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  infrai-video schema generate > generate.schema.json\n  infrai-video schema failure"
)]
pub(crate) struct SchemaArgs {
    /// A command, or `failure`; all of them if left out
    // The possible values are set where the schemas are known.
    #[arg(value_name = "COMMAND")]
    pub(crate) name: Option<String>,
}

/// Print a manual page, or write all of them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  infrai-video man generate | man -l -
  infrai-video man --output ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// A command; the page of infrai-video itself if left out
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    pub(crate) name: Option<String>,
    /// Write every page into this directory, and print their paths; it is created if needed
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

/// Print a completion script for a shell
///
/// New shells have the completions.
#[derive(Debug, Args)]
#[command(after_help = "\
Where to put it:
  bash        infrai-video completions bash > ~/.local/share/bash-completion/completions/infrai-video
  zsh         infrai-video completions zsh > ~/.zfunc/_infrai-video
              with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  fish        infrai-video completions fish > ~/.config/fish/completions/infrai-video.fish
  PowerShell  infrai-video completions powershell | Out-String | Invoke-Expression
              as a line of $PROFILE")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}
