use clap::{Args, Subcommand};

/// Show, find or edit the configuration
///
/// The configuration is a TOML file with values for options that are left out, for all profiles or for each one. A value is that
/// of the option, else of the environment, else of the profile, else of all profiles, else the default.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  infrai-video config edit
  infrai-video config show
  infrai-video --profile work config show

A configuration:
  default_profile = \"work\"
  resolution = \"1080p\"

  [profile.work]
  key_command = \"pass show infrai/work\"
  max_usd = 20

  [profile.local]
  base_url = \"http://127.0.0.1:8787\"
  api_key_env = \"LOCAL_API_KEY\"

API keys are never in the file: `api_key_env` names an environment variable, and `key_command` a command that prints the key. \
`config edit` begins with a file that lists every setting.")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the value of each setting and where it comes from
    ///
    /// An API key is never shown, only where it comes from.
    #[command(after_help = "Examples:\n  infrai-video config show\n  infrai-video config show --json")]
    Show,
    /// Print the path of the file, also if it does not exist
    #[command(after_help = "Example:\n  infrai-video config path")]
    Path,
    /// Open the file in $VISUAL or $EDITOR, and check it afterwards
    ///
    /// A file that does not exist is created with every setting as a comment. Only its owner can read it.
    #[command(after_help = "Example:\n  EDITOR=true infrai-video config edit")]
    Edit,
}
