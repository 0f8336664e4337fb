//! Manual pages and completions, checked by the programs that read them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::Path;
use std::process::Command;

use crate::common::{BINARY, Run};

fn run(args: &[&str]) -> Run {
    Command::new(BINARY)
        .args(args)
        .env_clear()
        .env("INFRAI_CONFIG", "none")
        .output()
        .expect("the command starts")
        .into()
}

fn printed(args: &[&str]) -> String {
    let run = run(args);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{args:?}");
    run.text().to_owned()
}

/// Whether a program is installed. In CI it must be.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn is_there(program: &str, package: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "{program} is missing; install Debian's {package}");
    if !there {
        eprintln!("skipped: {program} is not there to judge; install Debian's {package}");
    }
    there
}

/// Runs a program that must succeed without messages.
#[track_caller]
fn without_complaint(program: &str, args: &[&str]) -> String {
    let run = Run::from(Command::new(program).args(args).output().expect("the program starts"));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{program} {args:?}: {}", run.text());
    run.text().to_owned()
}

#[test]
fn every_command_has_a_valid_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("man1");
    let paths = printed(&["man", "--output", output.to_str().unwrap()]);
    let command = infrai_video_cli::command();
    let mut names = vec!["infrai-video".to_owned()];
    for known in command.get_subcommands() {
        names.push(format!("infrai-video-{}", known.get_name()));
        let parts = known.get_subcommands();
        names.extend(parts.map(|part| format!("infrai-video-{}-{}", known.get_name(), part.get_name())));
    }
    let expected: Vec<_> =
        names.into_iter().map(|name| output.join(format!("{name}.1")).display().to_string()).collect();
    assert_eq!(paths.lines().collect::<Vec<_>>(), expected);

    let (groff, mandoc) = (is_there("groff", "groff-base"), is_there("mandoc", "mandoc"));
    for path in paths.lines() {
        let page = std::fs::read_to_string(path).unwrap();
        let stem = Path::new(path).file_stem().unwrap().to_str().unwrap();
        let subcommand = stem.strip_prefix("infrai-video-");
        assert_eq!(page, printed(&[&["man"][..], &subcommand.into_iter().collect::<Vec<_>>()].concat()));
        if groff {
            let read = without_complaint("groff", &["-man", "-Tascii", "-ww", "-P-cbou", path]);
            let title = format!("{}(1)", stem.to_uppercase());
            assert!(read.contains(&title) && read.contains("SYNOPSIS"), "{read}");
            assert!(read.contains("infrai-video 0"), "no version at the foot: {read}");
        }
        if mandoc {
            // Its warnings are about the style of clap_mangen.
            assert_eq!(without_complaint("mandoc", &["-Tlint", "-Werror", path]), "");
        }
    }
    let unknown = run(&["man", "explode"]);
    assert!(unknown.failed(2).contains("\"explode\""));
}

#[test]
fn a_directory_for_manual_pages_that_cannot_be_written_is_named_with_its_option() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    let output = directory.path().join("file/man1");
    let run = run(&["man", "--output", output.to_str().unwrap()]);
    let message = format!("--output {} cannot be written: ", output.display());
    assert!(run.failed(7).contains(&message), "{}", run.stderr);
}

#[test]
fn a_manual_page_keeps_the_layout_of_examples_and_tables() {
    let page = printed(&["man"]);
    let (_, codes) = page.split_once(".SH \"EXIT CODES\"\n.nf\n").expect("a section that is not filled");
    assert!(codes.starts_with("   0  success\n"), "{codes}");
    assert!(printed(&["man", "generate"]).contains(".SH EXAMPLES\n.nf\n"));
    for heading in ["CLIP", "OUTPUT", "\"COST AND CHECKS\"", "\"RUNNING AND WAITING\"", "\"GLOBAL OPTIONS\""]
    {
        assert!(printed(&["man", "generate"]).contains(&format!(".SH {heading}\n")), "{heading}");
    }
    assert_eq!(printed(&["man", "batch run"]), printed(&["man", "batch-run"]));
}

/// Typed text and its only completion. The terminal tests have more.
const TYPED: [(&str, &str); 4] = [
    ("infrai-video gen", "generate"),
    ("infrai-video set-r", "set-retention"),
    ("infrai-video generate --prefer ch", "cheapest"),
    ("infrai-video generate a --on-interrupt det", "detach"),
];

/// A directory with the script under the name that the shell expects.
fn script(shell: &str, name: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, printed(&["completions", shell])).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn zsh_loads_the_script_from_a_directory_of_functions() {
    if !is_there("zsh", "zsh") {
        return;
    }
    let (directory, _) = script("zsh", "_infrai-video");
    // Completion works only in the line editor, so a shell runs on a pseudo-terminal. Ctrl-X writes the line to a file.
    let driver = r#"zmodload zsh/zpty || exit 1
zpty shell zsh -f -i
zpty -w shell "fpath=($1 \$fpath); autoload -U compinit; compinit -u -d $1/dump; \
note() { print -r -- \$BUFFER > $1/line; exit }; zle -N note; bindkey '^X' note; bindkey '^I' complete-word"
zpty -w -n shell "$2"$'\t\x18'
while zpty -r shell line; do :; done
cat $1/line"#;
    for (typed, completed) in TYPED {
        let mut zsh = Command::new("zsh");
        zsh.args(["-f", "-c", driver, "zsh", directory.path().to_str().unwrap(), typed]);
        let programs = Path::new(BINARY).parent().unwrap().display();
        zsh.env("PATH", format!("{programs}:/usr/local/bin:/usr/bin:/bin"));
        let run = Run::from(zsh.env("HOME", directory.path()).env("TERM", "dumb").output().unwrap());
        assert_eq!(run.code, Some(0), "{typed}: {}", run.stderr);
        let (before, _) = typed.rsplit_once(' ').unwrap();
        assert_eq!(run.text().trim_end(), format!("{before} {completed}"), "{typed}");
        std::fs::remove_file(directory.path().join("line")).unwrap();
    }
}

/// Debian has no package of PowerShell, so only the form is checked.
#[test]
fn the_powershell_script_is_complete_and_names_every_command() {
    let script = printed(&["completions", "powershell"]);
    assert!(script.contains("Register-ArgumentCompleter -Native -CommandName 'infrai-video'"));
    let command = infrai_video_cli::command();
    for name in command.get_subcommands().map(clap::Command::get_name) {
        assert!(script.contains(&format!("'infrai-video;{name}' {{")), "{name}");
        assert!(script.contains(&format!("[CompletionResult]::new('{name}', '{name}', ")), "{name}");
    }
    let mut open = Vec::new();
    let mut in_text = false;
    for c in script.chars() {
        match c {
            // A quote in a string is doubled, which closes and opens it.
            '\'' => in_text = !in_text,
            '(' | '{' if !in_text => open.push(c),
            ')' if !in_text => assert_eq!(open.pop(), Some('(')),
            '}' if !in_text => assert_eq!(open.pop(), Some('{')),
            _ => {}
        }
    }
    assert!(open.is_empty() && !in_text, "{open:?}");
}

#[test]
fn the_help_of_completions_names_the_file_of_each_shell() {
    let help = printed(&["completions", "--help"]);
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(help.contains(&format!("infrai-video completions {shell}")), "{help}");
    }
}
