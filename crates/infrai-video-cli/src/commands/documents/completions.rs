use clap_complete::Shell;

use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;

const NAME: &str = "infrai-video";

pub(crate) fn run(ctx: &Context, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::command(), NAME, &mut script);
    let script = String::from_utf8(script).map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    let script = match shell {
        Shell::Bash => with_one_name(&script),
        _ => script,
    };
    ctx.output.verbatim(script.as_bytes())
}

/// clap_complete escapes the dash of the name differently in the two places where bash needs the same function name.
fn with_one_name(script: &str) -> String {
    script.replace(&NAME.replace('-', "__subcmd__"), &NAME.replace('-', "__"))
}
