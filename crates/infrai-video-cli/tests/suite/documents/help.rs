//! The help of every subcommand.

use std::fmt::Write as _;

/// The widths of terminals on which the help is checked.
const WIDTHS: [usize; 4] = [60, 80, 100, 120];

/// Maximum number of lines of the short help, so that it fits a screen.
const SCREEN: usize = 40;

/// Every command with its full name.
fn commands() -> Vec<clap::Command> {
    fn collect(command: clap::Command, parent: &str, all: &mut Vec<clap::Command>) {
        let name = format!("{parent}{}", command.get_name());
        for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
            collect(subcommand.clone(), &format!("{name} "), all);
        }
        all.insert(0, command.display_name(name));
    }

    let mut command = infrai_video_cli::command();
    // Adds the global options to the subcommands.
    command.build();
    let mut all = Vec::new();
    collect(command, "", &mut all);
    all
}

fn name(command: &clap::Command) -> &str {
    command.get_display_name().unwrap_or_default()
}

#[test]
fn the_help_tree_is_what_was_reviewed() {
    let mut text = String::new();
    for command in commands() {
        // A fixed width, so that the terminal of whoever runs the test does not matter.
        let mut command = command.term_width(100);
        let name = name(&command).to_owned();
        let (short, long) = (command.render_help(), command.render_long_help());
        write!(text, "$ {name} -h\n{short}\n$ {name} --help\n{long}\n").expect("a string can be written");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_short_help_fits_a_screen() {
    for command in commands() {
        let help = command.clone().term_width(80).render_help().to_string();
        let lines = help.trim_end().lines().count();
        assert!(lines <= SCREEN, "{} has {lines} lines:\n{help}", name(&command));
        let is_wide = |line: &&str| line.chars().count() > 80 && !line.starts_with("Usage: ");
        assert_eq!(help.lines().find(is_wide), None, "{}", name(&command));
    }
}

#[test]
fn no_example_is_broken_at_any_width() {
    for command in commands() {
        let below = [command.get_after_help(), command.get_after_long_help()];
        let below: String = below.into_iter().flatten().map(|text| format!("{text}\n")).collect();
        let examples: Vec<&str> = below.lines().filter(|line| line.starts_with("  ")).collect();
        assert!(!examples.is_empty(), "{}", name(&command));
        for width in WIDTHS {
            let mut command = command.clone().term_width(width);
            let help = format!("{}\n{}", command.render_help(), command.render_long_help());
            for example in &examples {
                let is_whole = help.lines().any(|line| line == example.trim_end());
                assert!(is_whole, "{} at {width} columns: {example}\n{help}", name(&command));
            }
        }
    }
}
