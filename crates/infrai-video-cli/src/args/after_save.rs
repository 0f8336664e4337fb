use clap::Args;
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;

use super::headings::{OUTPUT, RUN};

// What happens to clips after they are saved. (A doc comment would become the help of the command.)
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AfterSaveArgs {
    /// Open each saved clip in a player
    ///
    /// In the program that the desktop uses for videos. If that fails, the clip stays saved, and the exit code is 14.
    #[arg(long, help_heading = OUTPUT, hide_short_help = true)]
    pub(crate) open: bool,
    /// Run a command for each saved clip
    ///
    /// {} stands for the path, quoted for the shell; without it the path is added at the end. The command is run by sh -c, or by
    /// cmd /C on Windows, and its output goes to stderr. If it fails, the clip stays saved, and the exit code is 14.
    #[arg(
        long,
        value_name = "COMMAND",
        value_hint = ValueHint::CommandString,
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = OUTPUT,
        hide_short_help = true
    )]
    pub(crate) exec: Option<String>,
    #[command(flatten)]
    pub(crate) notify: NotifyArgs,
}

// Of commands that wait.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct NotifyArgs {
    /// Ring the terminal's bell at the end
    ///
    /// Also shows a notification, in terminals that support it (OSC 9).
    #[arg(long, help_heading = RUN)]
    pub(crate) notify: bool,
}

impl AfterSaveArgs {
    pub(crate) fn is_empty(&self) -> bool {
        !self.open && self.exec.is_none()
    }
}
