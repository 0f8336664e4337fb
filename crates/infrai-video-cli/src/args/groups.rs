//! The subcommands in the help of the command itself, grouped by subject. clap has only one heading for all of them.

use std::fmt::Write as _;

/// The groups and their subcommands in the order of the help. Those that a build does not have are left out.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Clips", &["generate", "download", "download-url", "set-retention", "capabilities"]),
    ("Jobs", &["list", "status", "get", "wait", "cancel", "delete", "delete-all", "usage"]),
    ("Batches", &["batch", "resume"]),
    ("Sandbox", &["sandbox"]),
    ("Setup", &["config", "completions", "man", "schema", "help"]),
];

/// The columns before the description of a subcommand.
const COLUMNS: usize = 15;

/// The template of the help, with the groups in place of clap's list.
pub(crate) fn with_groups(command: clap::Command) -> clap::Command {
    let (header, name) = (*command.get_styles().get_header(), *command.get_styles().get_literal());
    let mut text = String::from("{about-with-newline}\n{usage-heading} {usage}\n\n");
    for (heading, names) in GROUPS {
        let about = |name: &str| match command.find_subcommand(name) {
            Some(subcommand) => subcommand.get_about().map(ToString::to_string),
            None if name == "help" => Some("Print the help of a command".to_owned()),
            None => None,
        };
        let mut known = names.iter().filter_map(|name| Some((name, about(name)?))).peekable();
        if known.peek().is_some() {
            let _infallible = writeln!(text, "{header}{heading}:{header:#}");
        }
        for (subcommand, about) in known {
            let gap = COLUMNS.saturating_sub(subcommand.len());
            let _infallible = writeln!(text, "  {name}{subcommand}{name:#}{:gap$}{about}", "");
        }
    }
    let _infallible = write!(text, "\n{header}Options:{header:#}\n{{options}}{{after-help}}");
    command.help_template(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_is_in_one_group() {
        let command = crate::command();
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        for name in command.get_subcommands().map(clap::Command::get_name) {
            let number = grouped.iter().filter(|grouped| **grouped == name).count();
            assert_eq!(number, 1, "{name}: add it to GROUPS");
            assert!(name.len() < COLUMNS, "{name}");
        }
    }
}
