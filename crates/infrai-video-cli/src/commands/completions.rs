use clap_complete::Shell;

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;

const NAME: &str = "infrai-video";

pub(super) fn run(app: &App, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::command(), NAME, &mut script);
    let script = String::from_utf8(script).map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    let script = match shell {
        Shell::Bash => with_one_name(&script),
        _ => script,
    };
    app.screen.verbatim(script.as_bytes())
}

/// clap_complete spells a name with a dash in one way where it looks for the subcommand, and in another where it lists the
/// options of it, so that bash would find none of them.
fn with_one_name(script: &str) -> String {
    script.replace(&NAME.replace('-', "__subcmd__"), &NAME.replace('-', "__"))
}
