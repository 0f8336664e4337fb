//! The plan of a batch: one clip on each line.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::wish::Wish;

/// The longest name of a line, in bytes: file systems allow 255, and a part is longer than its clip.
const MAX_NAME: usize = 200;

/// How much of the prompt stands in a file name.
const SLUG: usize = 40;

/// A line of a plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) name: Option<String>,
    pub(crate) wish: Wish,
    /// Names the item in the ledger. It follows from the batch and from what is asked for, not from the place in the plan:
    /// lines can be moved, added and renamed without being paid again.
    pub(crate) id: String,
}

impl Line {
    /// The name of the clip's file.
    pub(crate) fn file_name(&self) -> String {
        match &self.name {
            Some(name) => format!("{name}.mp4"),
            None => format!("{}-{}.mp4", slug(&self.wish.prompt), &self.id[self.id.len() - 8..]),
        }
    }
}

/// The key of an item: each attempt has one of its own, the same in every process.
pub(crate) fn key(id: &str, attempt: i64) -> String {
    format!("infrai-{}", digest(&["key", id, &attempt.to_string()]))
}

/// Reads a plan. Everything that is wrong with it is told at once.
pub(crate) fn parse(text: &str, batch: &str) -> Result<Vec<Line>, Vec<String>> {
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    let (mut names, mut twins) = (HashSet::new(), HashMap::new());
    for (index, text) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index + 1;
        if text.trim().is_empty() {
            continue;
        }
        let line = parse_line(text).and_then(|(name, wish)| {
            if let Some(name) = &name
                && !names.insert(name.to_lowercase())
            {
                return Err(format!("`name` {name:?} is taken by an earlier line"));
            }
            Ok((name, wish))
        });
        match line {
            Ok((name, wish)) => {
                let request = wish.canonical();
                let twin: &mut u32 = twins.entry(request.clone()).or_default();
                *twin += 1;
                let id = format!("item-{}", digest(&["item", batch, &request, &twin.to_string()]));
                lines.push(Line { number, name, wish, id });
            }
            Err(error) => wrong.push(format!("line {number}: {error}")),
        }
    }
    if wrong.is_empty() && lines.is_empty() {
        wrong.push("there is no line in it".to_owned());
    }
    if wrong.is_empty() { Ok(lines) } else { Err(wrong) }
}

fn parse_line(text: &str) -> Result<(Option<String>, Wish), String> {
    let mut value: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
    let members = value.as_object_mut().ok_or("not a JSON object, such as {\"prompt\": \"a city\"}")?;
    let name = match members.remove("name") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(check_name(name)?),
        Some(_) => return Err("`name` must be text".to_owned()),
    };
    if members.contains_key("idempotency_key") {
        return Err("`idempotency_key` is made from the plan; leave it out".to_owned());
    }
    // A member that is null says the same as one that is not there.
    members.retain(|_, value| !value.is_null());
    let wish = serde_json::from_value(value).map_err(|error| error.to_string())?;
    Ok((name, wish))
}

fn check_name(name: String) -> Result<String, String> {
    let allowed = |c: char| !c.is_control() && !"/\\:*?\"<>|".contains(c);
    let fits = (1..=MAX_NAME).contains(&name.len()) && name.chars().all(allowed);
    if fits && !name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']) {
        return Ok(name);
    }
    Err(format!(
        "`name` {name:?} must be fit for a file: 1 to {MAX_NAME} bytes without / \\ : * ? \" < > |, with no dot, dash or \
         space first and no dot or space last"
    ))
}

/// Words of the prompt that any file system takes.
fn slug(prompt: &str) -> String {
    let words = prompt.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words {
        if slug.len() + word.len() >= SLUG {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    if slug.is_empty() { "clip".to_owned() } else { slug }
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize()[..20].iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<String> {
        parse(text, "plan").unwrap().into_iter().map(|line| line.id).collect()
    }

    #[test]
    fn a_line_is_a_request_and_perhaps_a_name() {
        let lines = parse(
            "{\"prompt\":\"A city, at dusk!\",\"duration_seconds\":5,\"resolution\":\"1080p\",\"name\":\"skyline\"}\n\n\
             {\"prompt\":\"東京\",\"aspect\":\"9:16\",\"prefer\":null}\n",
            "plan",
        )
        .unwrap();
        assert_eq!(lines[0].file_name(), "skyline.mp4");
        assert_eq!(lines[0].wish.kind(), "1080p clips of 5 s");
        assert_eq!(lines[1].number, 3);
        assert!(lines[1].file_name().starts_with("clip-"), "{}", lines[1].file_name());
    }

    #[test]
    fn what_was_paid_stays_paid_when_lines_move_or_get_names() {
        let before = ids("{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n{\"prompt\":\"a\"}");
        let after = ids(
            "{\"prompt\":\"c\"}\n{\"name\":\"x\",\"prompt\":\"b\"}\n{\"prompt\":\"a\"}\n{ \"prompt\": \"a\" }",
        );
        assert_eq!((&after[1], &after[2], &after[3]), (&before[1], &before[0], &before[2]));
        assert_eq!(before.iter().collect::<HashSet<_>>().len(), 3);
        assert_ne!(parse("{\"prompt\":\"a\"}", "other").unwrap()[0].id, before[0]);
        assert_ne!(key(&before[0], 1), key(&before[0], 2));
        assert_eq!(key(&before[0], 1), key(&before[0], 1));
    }

    #[test]
    fn everything_that_is_wrong_is_told_by_its_line() {
        let wrong = parse(
            "{\"prompt\":\"a\",\"name\":\"x\"}\n{\"promt\":\"a\"}\n[]\n{\"prompt\":\"a\",\"name\":\"X\"}\n\
             {\"prompt\":\"a\",\"name\":\"../x\"}\n{\"prompt\":\"a\",\"idempotency_key\":\"k\"}\nnothing",
            "plan",
        )
        .unwrap_err();
        let numbers: Vec<_> = wrong.iter().map(|line| &line[..7]).collect();
        assert_eq!(numbers, ["line 2:", "line 3:", "line 4:", "line 5:", "line 6:", "line 7:"]);
        assert!(wrong[0].contains("unknown field `promt`") && wrong[0].contains("`prompt`"), "{}", wrong[0]);
        assert_eq!(parse(" \n", "plan").unwrap_err(), ["there is no line in it"]);
    }
}
