use clap_complete::Shell;

use crate::app::App;
use crate::failure::Failure;

pub(super) fn run(app: &App, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::command(), "infrai-video", &mut script);
    app.screen.verbatim(&script)
}
