//! The help of every subcommand.

use std::fmt::Write as _;

#[test]
fn the_help_tree_is_what_was_reviewed() {
    let mut text = String::new();
    // A fixed width, so that the terminal of whoever runs the test does not matter.
    write_help(&mut infrai_video_cli::command().term_width(100), "", &mut text);
    insta::assert_snapshot!(text);
}

fn write_help(command: &mut clap::Command, parent: &str, text: &mut String) {
    let name = format!("{parent}{}", command.get_name());
    writeln!(text, "$ {name} --help\n{}", command.render_long_help()).expect("a string can be written");
    let prefix = format!("{name} ");
    for subcommand in command.get_subcommands_mut().filter(|subcommand| subcommand.get_name() != "help") {
        let mut subcommand = subcommand.clone().term_width(100);
        write_help(&mut subcommand, &prefix, text);
    }
}
