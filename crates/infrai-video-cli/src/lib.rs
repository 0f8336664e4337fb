//! The command `infrai-video`: make video clips from text, and look after them.
//!
//! The binary is all of it; this library exists so that the whole help tree can be looked at by a test.
//!
//! Data goes to stdout and everything else to stderr, and each failure has an exit code of its own.

mod app;
mod args;
mod commands;
mod exit;
mod failure;
mod follow;
mod interrupt;
mod layout;
mod live;
mod output;
mod progress;
mod question;
mod session;
mod table;
mod target;
mod text;

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
    let matches = command().color(args::clap_color(color)).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let screen = Screen::new(&cli.global);
    output::install_log(&screen, &cli.global);
    let app = App::new(cli.global, screen.clone());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.failure(&failure::Failure::new(
                Exit::Other,
                format!("the runtime cannot be started: {error}"),
            ));
            return Exit::Other.into();
        }
    };
    let exit = match runtime.block_on(Box::pin(commands::run(&app, cli.command))) {
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
