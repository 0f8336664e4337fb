//! Completion in real shells: text is typed and Tab is pressed, as a user does.

use std::path::Path;
use std::process::Command;

use crate::common::{BINARY, Harness};
use crate::pty::Terminal;

const TAB: &str = "\t";

/// Clears the line and the screen in each of the shells.
const CLEAR: &str = "\u{15}\u{c}";

/// A shell with completion set up as `completions --help` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

use Shell::{Bash, Fish, Zsh};

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Bash => "bash",
            Zsh => "zsh",
            Fish => "fish",
        }
    }

    /// Whether it is installed. In CI it must be.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn is_there(self) -> bool {
        let name = self.name();
        let there = Command::new(name).arg("--version").output().is_ok();
        assert!(there || std::env::var_os("CI").is_none(), "{name} is missing; install Debian's {name}");
        if !there {
            eprintln!("skipped: {name} is not there to complete; install Debian's {name}");
        }
        there
    }

    /// The files that it reads when it starts.
    fn write_settings(self, home: &Path) {
        let write = |name: &str, text: &str| {
            let path = home.join(name);
            std::fs::create_dir_all(path.parent().expect("a home")).expect("there is room");
            std::fs::write(path, text).expect("there is room");
        };
        match self {
            Bash => write(
                ".bashrc",
                "PS1='$ '\nbind 'set enable-bracketed-paste off'\nbind 'set bell-style none'\n\
                 source <(infrai-video completions bash)\n",
            ),
            Zsh => write(
                ".zshrc",
                "PROMPT='$ '\nunsetopt PROMPT_SP beep list_beep\nautoload -U compinit; compinit -u -D\n\
                 source <(infrai-video completions zsh)\n",
            ),
            Fish => write(
                ".config/fish/config.fish",
                "function fish_prompt; echo -n '$ '; end\nfunction fish_greeting; end\n\
                 set -U fish_features no-query-term\nset -g fish_autosuggestion_enabled 0\n\
                 infrai-video completions fish | source\n",
            ),
        }
    }

    /// Starts it on a terminal with this many columns.
    async fn start(self, harness: &Harness, columns: u16) -> Terminal {
        let home = harness.state.path().join(self.name());
        self.write_settings(&home);
        let mut command = Command::new(self.name());
        let options: &[&str] = match self {
            Bash => &["--noprofile", "-i"],
            Zsh => &["-d", "-i"],
            Fish => &["-i"],
        };
        let given = harness.command([""; 0]);
        command.args(options).envs(given.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let directory = Path::new(BINARY).parent().expect("it lies somewhere").display();
        command.env("PATH", format!("{directory}:/usr/local/bin:/usr/bin:/bin"));
        command.env("HOME", &home).env("LANG", "C.UTF-8").current_dir(harness.directory.path());
        let mut terminal = Terminal::start(command, columns);
        terminal.until(|screen| screen.last().is_some_and(|line| line == "$")).await;
        terminal
    }
}

/// Types the text and a tab, and waits until the line is this one.
async fn completes(terminal: &mut Terminal, shell: Shell, typed: &str, line: &str) {
    terminal.types(&format!("{CLEAR}{typed}{TAB}")).await;
    let shown = format!("$ {line}");
    let is_shown = |screen: &[String]| screen.first().is_some_and(|first| first == shown.trim_end());
    let message = format!("{} completes {typed:?}", shell.name());
    tokio::time::timeout(std::time::Duration::from_secs(50), terminal.until(is_shown))
        .await
        .unwrap_or_else(|_| panic!("{message} to {line:?}: {:#?}", terminal.screen()));
}

/// A harness with two jobs in the ledger, batches and plans. Returns the ids of the jobs too, the newest first.
async fn used() -> (Harness, [String; 2]) {
    let harness = Harness::still().await;
    let mut ids = Vec::new();
    for prompt in ["a city: \"dusk\" $HOME", "a river\u{1b}[31m\nat night"] {
        let run = harness.run(["generate", prompt, "--duration=0.5", "--no-wait", "-q"]);
        ids.insert(0, run.text().trim_end().to_owned());
    }
    let plan = "{\"prompt\": \"a hill\", \"duration_seconds\": 0.5}";
    for name in ["city.jsonl", "my plan.jsonl", "notes.txt"] {
        std::fs::write(harness.path(name), plan).expect("there is room");
    }
    std::fs::write(harness.path("table.csv"), "prompt\na hill\n").expect("there is room");
    for name in ["spring", "our batch"] {
        harness.run(["batch", "run", "city.jsonl", "--name", name, "--timeout=0", "-q"]);
    }
    (harness, ids.try_into().expect("two jobs"))
}

async fn check(shell: Shell) {
    if !shell.is_there() {
        return;
    }
    let (harness, [newest, oldest]) = used().await;
    let calls = harness.sandbox.journal().len();
    let mut terminal = shell.start(&harness, 120).await;
    for (typed, line) in [
        ("infrai-video set-r", "infrai-video set-retention"),
        ("infrai-video batch re", "infrai-video batch retry"),
        ("infrai-video generate a --on-i", "infrai-video generate a --on-interrupt"),
        ("infrai-video generate a --on-interrupt det", "infrai-video generate a --on-interrupt detach"),
        ("infrai-video generate --prefer ch", "infrai-video generate --prefer cheapest"),
        ("infrai-video generate a --resolution 10", "infrai-video generate a --resolution 1080p"),
        ("infrai-video generate a --aspect-ratio 16:", "infrai-video generate a --aspect-ratio 16:9"),
        ("infrai-video list --state fa", "infrai-video list --state failed"),
        ("infrai-video list --state=fa", "infrai-video list --state=failed"),
        ("infrai-video batch status sp", "infrai-video batch status spring"),
        ("infrai-video batch status our", "infrai-video batch status our\\ batch"),
        ("infrai-video batch run --name sp", "infrai-video batch run --name spring"),
        ("infrai-video batch run ci", "infrai-video batch run city.jsonl"),
        ("infrai-video batch run my", "infrai-video batch run my\\ plan.jsonl"),
        ("infrai-video batch run my\\ p", "infrai-video batch run my\\ plan.jsonl"),
        ("infrai-video batch run 'my p", "infrai-video batch run 'my plan.jsonl'"),
        ("infrai-video batch run ta", "infrai-video batch run table.csv"),
        ("infrai-video sandbox --scenario lost", "infrai-video sandbox --scenario lost-response"),
        ("infrai-video schema capa", "infrai-video schema capabilities"),
        ("infrai-video man set", "infrai-video man set-retention"),
        ("infrai-video completions fi", "infrai-video completions fish"),
    ] {
        completes(&mut terminal, shell, typed, line).await;
    }
    for command in ["wait", "status", "get", "cancel", "delete", "download", "download-url", "resume"] {
        // Without the last character, which is unlike those of the other ids.
        let typed = format!("infrai-video {command} {}", &oldest[..oldest.len() - 1]);
        completes(&mut terminal, shell, &typed, &format!("infrai-video {command} {oldest}")).await;
    }
    let typed = format!("infrai-video wait {oldest} {}", &newest[..newest.len() - 1]);
    completes(&mut terminal, shell, &typed, &format!("infrai-video wait {oldest} {newest}")).await;
    assert_eq!(harness.sandbox.journal().len(), calls, "completion sends nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_completes_what_is_typed() {
    check(Bash).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zsh_completes_what_is_typed() {
    check(Zsh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fish_completes_what_is_typed() {
    check(Fish).await;
}

/// Jobs are listed with their states and prompts, the newest first. Control characters of a prompt never reach the terminal.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_with_their_states_and_prompts() {
    for shell in [Bash, Zsh, Fish] {
        if !shell.is_there() {
            continue;
        }
        let (harness, ids) = used().await;
        for columns in [60, 120] {
            let mut terminal = shell.start(&harness, columns).await;
            let keys = match shell {
                Bash => "\u{1b}?",
                Zsh => "\u{4}",
                Fish => TAB,
            };
            terminal.types(&format!("{CLEAR}infrai-video cancel vj_{keys}")).await;
            // Fish cuts ids at their start. They follow from the seed and the clock of the sandbox.
            let is_listed = |screen: &[String]| {
                let has_prompt = match shell {
                    Bash => screen.last().is_some_and(|line| line.starts_with("$ ") && screen.len() > 1),
                    Zsh | Fish => screen.concat().contains("\"dusk\""),
                };
                has_prompt && ids.iter().all(|id| screen.concat().contains(&id[8..]))
            };
            let screen = terminal.until(is_listed).await;
            let text = screen.join("\n");
            insta::assert_snapshot!(format!("{}_{columns}", shell.name()), text);
        }
    }
}
