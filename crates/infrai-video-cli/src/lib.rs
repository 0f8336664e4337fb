//! The command `infrai-video`: make video clips from text, and look after them.
//!
//! The binary is all of it; this library exists so that the whole help tree can be looked at by a test.
//!
//! Data goes to stdout and everything else to stderr, and each failure has an exit code of its own.

mod app;
mod args;
mod board;
mod commands;
mod credentials;
mod exit;
mod failure;
mod failure_line;
mod follow;
mod interrupt;
mod layout;
mod ledger;
mod live;
mod output;
mod plan;
mod progress;
mod question;
mod record;
mod report;
mod runtime;
mod schema;
mod session;
mod table;
mod target;
mod text;
mod usage;
mod wish;
mod work;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::app::App;
use crate::args::Cli;
use crate::exit::Exit;
use crate::output::Screen;

/// The command with all its subcommands and options, as clap sees it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command on the arguments and the environment of this process, and says how it should exit.
pub fn run() -> ExitCode {
    let color = args::color_of(std::env::args_os());
    color.write_global();
    let parsed = command()
        .color(args::clap_color(color))
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let screen = Screen::new(&cli.global);
    output::install_log(&screen, &cli.global);
    let app = App::new(cli.global, screen.clone());
    let runtime = match runtime::build(runtime::threads(&app.global, &cli.command)) {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure =
                failure::Failure::new(Exit::Other, format!("the runtime cannot be started: {error}"));
            screen
                .failure(&failure.next("raise the limits of open files and processes: ulimit -n, ulimit -u"));
            return Exit::Other.into();
        }
    };
    let done = runtime.block_on(async {
        runtime::outlive_size_limit();
        Box::pin(commands::run(&app, cli.command)).await
    });
    let exit = match done {
        Ok(()) => Exit::Success,
        Err(failure) => {
            screen.failure(&failure);
            failure.exit()
        }
    };
    // A thread that still reads from a terminal must not hold the process up.
    runtime.shutdown_background();
    exit.into()
}

/// Help, the version, or what is wrong with the arguments.
fn refused(error: &clap::Error) -> ExitCode {
    match usage::failure(error, std::env::args_os()) {
        Some(failure) if usage::wants_json(std::env::args_os()) => {
            Screen::plain().failure_line(&failure);
            failure.exit().into()
        }
        Some(failure) if usage::has_credentials(std::env::args_os()) => {
            Screen::plain().failure(&failure);
            failure.exit().into()
        }
        _ => error.exit(),
    }
}
