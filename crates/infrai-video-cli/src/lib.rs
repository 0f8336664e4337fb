//! The command `infrai-video`: makes video clips from text, and manages their jobs.
//!
//! The binary is the product. This library exists so that tests can inspect the help of every subcommand.
//!
//! Data goes to stdout and everything else to stderr. Each kind of failure has its own exit code.
//!
//! The modules depend on each other in one direction: `text`, `money` and `exit_code`, then `args`, `file_name`, `plan` and `ledger`, then `config`,
//! then `failure` and `ui`, then `context`, `spending`, `runner` and `schema`, and on top `commands`.

mod args;
mod commands;
mod completion;
mod config;
mod context;
mod exit_code;
mod failure;
mod file_name;
mod ledger;
mod money;
mod plan;
mod runner;
mod runtime;
mod schema;
mod signals;
mod spending;
mod subprocess;
mod text;
mod ui;

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::args::Cli;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::{Failure, usage};
use crate::ui::Output;

/// The command with all its subcommands and options, as clap represents it.
pub fn command() -> clap::Command {
    let names = PossibleValuesParser::new(schema::names());
    let command = args::with_groups(Cli::command());
    command.mut_subcommand("schema", |schema| schema.mut_arg("name", |name| name.value_parser(names)))
}

/// Runs the command with the arguments and the environment of this process. Returns its exit code.
pub fn run() -> ExitCode {
    if let Some(exit) = completion::respond() {
        return exit;
    }
    let color = args::color_of(std::env::args_os());
    color.write_global();
    let parsed = command()
        .color(args::clap_color(color))
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let mut cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return rejected(&error),
    };
    let output = Output::new(&cli.global);
    ui::install_log(&output, &cli.global);
    let ctx = match Context::new(cli.global, output.clone(), &mut cli.command) {
        Ok(ctx) => ctx,
        Err(failure) => {
            output.failure(&failure);
            return failure.exit().into();
        }
    };
    let (name, notifies) = (cli.command.name(), cli.command.notifies());
    let runtime = match runtime::build(runtime::threads(&ctx.options, &cli.command)) {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::new(Exit::Other, format!("the runtime cannot be started: {error}"));
            output
                .failure(&failure.next("raise the limits of open files and processes: ulimit -n, ulimit -u"));
            return Exit::Other.into();
        }
    };
    let result = runtime.block_on(async {
        runtime::survive_file_size_limit();
        Box::pin(commands::run(&ctx, cli.command)).await
    });
    let exit = match result {
        Ok(()) => Exit::Success,
        Err(failure) => {
            output.failure(&failure);
            failure.exit()
        }
    };
    if notifies {
        let how = if exit == Exit::Success { "finished" } else { "failed" };
        output.notify(&format!("infrai-video {name} {how}"));
    }
    // A thread that still reads from a terminal must not delay the exit.
    runtime.shutdown_background();
    exit.into()
}

/// Prints help, the version, or what is wrong with the arguments.
fn rejected(error: &clap::Error) -> ExitCode {
    let args = std::env::args_os;
    let wants_json = usage::wants_json(args());
    // Without any arguments the help is more useful than an error.
    if !wants_json && error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    match usage::failure(&command(), error, args()) {
        Some(failure) => {
            let mut output = Output::plain();
            output.json = wants_json;
            output.failure(&failure);
            failure.exit().into()
        }
        None => error.exit(),
    }
}
