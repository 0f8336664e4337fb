use clap_complete::Shell;

use crate::completion;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn run(ctx: &Context, shell: Shell) -> Result<(), Failure> {
    if let Some(script) = completion::script(shell) {
        return ctx.output.verbatim(script.as_bytes());
    }
    // Commands, options and fixed values only.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::command(), "infrai-video", &mut script);
    ctx.output.verbatim(&script)
}
