//! The shells: how they pass the words that were typed, and how they take candidates.

use std::ffi::{OsStr, OsString};

use clap_complete::engine::CompletionCandidate;

use crate::text::clean;

/// The word before the cursor, as bash completes it.
const CURRENT_WORD: &str = "INFRAI_VIDEO_COMPLETE_WORD";

/// A shell whose completion calls this command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The words up to the cursor, without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    /// The last one is completed. There is at least one.
    pub(super) words: Vec<String>,
    /// The start of the last word that the shell keeps.
    kept: String,
    /// Whether the last word begins with a quote.
    is_quoted: bool,
}

impl Typed {
    pub(super) fn current(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }
}

/// The script that sets up completion.
pub(crate) fn script(shell: clap_complete::Shell) -> Option<&'static str> {
    match shell {
        clap_complete::Shell::Bash => Some(include_str!("scripts/infrai-video.bash")),
        clap_complete::Shell::Zsh => Some(include_str!("scripts/infrai-video.zsh")),
        clap_complete::Shell::Fish => Some(include_str!("scripts/infrai-video.fish")),
        _ => None,
    }
}

impl Shell {
    pub(super) fn named(name: &OsStr) -> Option<Self> {
        [("bash", Self::Bash), ("zsh", Self::Zsh), ("fish", Self::Fish)]
            .into_iter()
            .find_map(|(known, shell)| (name == known).then_some(shell))
    }

    pub(super) fn typed(self, words: &[OsString]) -> Typed {
        let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let is_quoted = words.last().is_some_and(|word| word.starts_with(['\'', '"']));
        let (words, kept) = match self {
            Self::Bash => joined(words, std::env::var(CURRENT_WORD).unwrap_or_default()),
            Self::Zsh | Self::Fish => (words, String::new()),
        };
        let mut words: Vec<String> = words.iter().map(|word| unquoted(word)).collect();
        if words.is_empty() {
            words.push(String::new());
        }
        Typed { words, kept, is_quoted }
    }

    /// The line of a candidate for the script.
    pub(super) fn line(self, typed: &Typed, candidate: &CompletionCandidate) -> String {
        let value = candidate.get_value().to_string_lossy();
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = clean(help.lines().next().unwrap_or_default()).into_owned();
        match self {
            Self::Bash => {
                let value = value.strip_prefix(&typed.kept).unwrap_or(&value);
                if typed.is_quoted { value.to_owned() } else { escaped(value) }
            }
            Self::Zsh => {
                let value = value.replace('\\', "\\\\").replace(':', "\\:");
                if help.is_empty() { value } else { format!("{value}:{}", help.replace('\\', "\\\\")) }
            }
            Self::Fish => {
                if help.is_empty() {
                    value.into_owned()
                } else {
                    format!("{value}\t{help}")
                }
            }
        }
    }
}

/// bash splits words at `=` and `:` too. Returns the words as they were typed, and the start of the last one that bash keeps.
fn joined(words: Vec<String>, current: String) -> (Vec<String>, String) {
    let last = words.len().saturating_sub(1);
    let (mut joined, mut kept): (Vec<String>, usize) = (Vec::new(), 0);
    // Whether the next word belongs to the last one.
    let mut continues = false;
    for (index, word) in words.into_iter().enumerate() {
        let is_separator = word == "=" || word.starts_with(':');
        let before = joined.last_mut().filter(|_| index > 1 && (is_separator || continues));
        continues = is_separator;
        // The part before the cursor, unless the cursor is after a separator.
        let word = if index == last && !is_separator { current.clone() } else { word };
        match before {
            Some(before) => {
                kept = before.len() + if is_separator { word.len() } else { 0 };
                before.push_str(&word);
            }
            None => {
                kept = 0;
                joined.push(word);
            }
        }
    }
    let kept = joined.last().map(|word| word[..kept.min(word.len())].to_owned()).unwrap_or_default();
    (joined, kept)
}

/// The word without quotes and backslashes. A quote may be still open.
fn unquoted(word: &str) -> String {
    let (mut plain, mut quote) = (String::new(), None);
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some('"'), '\\') => plain.extend(chars.next()),
            (_, c) => plain.push(c),
        }
    }
    plain
}

/// The word with backslashes before what a shell would interpret.
fn escaped(word: &str) -> String {
    let is_plain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "@%+=:,./_-~".contains(c);
    word.chars().flat_map(|c| (!is_plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined_of(words: &[&str], current: &str) -> (Vec<String>, String) {
        joined(words.iter().map(|word| (*word).to_owned()).collect(), current.to_owned())
    }

    #[test]
    fn words_that_bash_splits_are_joined() {
        for (words, current, last, kept) in [
            (&["x", "list", "--state", "fa"][..], "fa", "fa", ""),
            (&["x", "list", "--state", "=", "fa"], "fa", "--state=fa", "--state="),
            (&["x", "list", "--state", "="], "", "--state=", "--state="),
            (&["x", "a", "--aspect-ratio", "16", ":"], "", "16:", "16:"),
            (&["x", "a", "--aspect-ratio", "16", ":", "9"], "9", "16:9", "16:"),
            (&["x", "list", "failed"], "fa", "fa", ""),
            (&["x", ""], "", "", ""),
        ] {
            let (words, start) = joined_of(words, current);
            assert_eq!((words.last().unwrap().as_str(), start.as_str()), (last, kept), "{words:?}");
        }
    }

    #[test]
    fn quotes_are_removed_and_added() {
        for (word, plain) in [
            ("my\\ plan", "my plan"),
            ("'my pl", "my pl"),
            ("\"a \\\"b", "a \"b"),
            ("a'b c'd", "ab cd"),
            ("", ""),
        ] {
            assert_eq!(unquoted(word), plain, "{word}");
        }
        assert_eq!(escaped("~/my $plan's.csv"), "~/my\\ \\$plan\\'s.csv");
        assert_eq!(escaped("東京-16:9"), "東京-16:9");
    }
}
