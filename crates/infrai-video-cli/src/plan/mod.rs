//! The plan of a batch: one clip on each line, as JSON or CSV.

mod csv;
mod encoding;
mod fields;
mod json;
mod name;

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use infrai_video::IdempotencyKey;
use sha2::{Digest as _, Sha256};

use self::encoding::{Form, decode, form};
use self::fields::Fields;
pub(crate) use self::name::folded;
use self::name::slug;
use crate::args::ClipRequest;

/// A line of a plan. A plan may have very many, so a line has one form of its request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) name: Option<Box<str>>,
    /// The canonical JSON of the request.
    pub(crate) request: Box<str>,
    /// The length that is requested.
    pub(crate) seconds: Option<f64>,
    /// The id of the item in the ledger. It is derived from the batch and the request, not from the position: lines can be moved,
    /// added and renamed without being charged again.
    pub(crate) id: Box<str>,
    /// The idempotency key that the line sets for its first attempt.
    key: Option<Box<str>>,
    /// How much of the id is in the name of a file without a name of its own.
    part_of_id: PartOfId,
}

/// The part of an item's id at the end of a file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PartOfId {
    /// Its last eight digits.
    Short,
    /// All of it. Among 100,000 clips with the same words two are likely to share eight digits.
    Whole,
}

impl Line {
    pub(crate) fn clip_request(&self) -> ClipRequest {
        serde_json::from_str(&self.request).expect("canonical JSON of a request is a request")
    }

    pub(crate) fn has_own_key(&self) -> bool {
        self.key.is_some()
    }

    /// The idempotency key of the first attempt.
    pub(crate) fn first_key(&self) -> String {
        self.key.as_ref().map_or_else(|| idempotency_key(&self.id, 1), |key| (**key).to_owned())
    }

    /// The file name of the clip.
    pub(crate) fn file_name(&self) -> String {
        file_name(&self.file_stem())
    }

    /// The name of the line, or words of its prompt and a part of its id.
    pub(crate) fn file_stem(&self) -> String {
        match &self.name {
            Some(name) => (**name).to_owned(),
            None => default_stem(&self.clip_request().prompt, &self.id, self.part_of_id),
        }
    }
}

fn file_name(stem: &str) -> String {
    format!("{stem}.mp4")
}

fn default_stem(prompt: &str, id: &str, part: PartOfId) -> String {
    let part = match part {
        PartOfId::Short => &id[id.len() - 8..],
        PartOfId::Whole => id.trim_start_matches("item-"),
    };
    format!("{}-{part}", slug(prompt))
}

/// The lines of a plan.
#[derive(Debug)]
pub(crate) struct Plan {
    /// In the order of the plan.
    pub(crate) lines: Vec<Line>,
    /// The positions of the lines, in the order of their ids.
    by_id: Vec<u32>,
}

impl Plan {
    fn new(mut lines: Vec<Line>) -> Self {
        lines.shrink_to_fit();
        let mut by_id: Vec<u32> = (0..).take(lines.len()).collect();
        by_id.sort_unstable_by_key(|position| &lines[*position as usize].id);
        Self { lines, by_id }
    }

    /// The positions of the lines, in the order of their ids.
    pub(crate) fn by_id(&self) -> impl Iterator<Item = usize> {
        self.by_id.iter().map(|position| *position as usize)
    }

    /// The position of the line of an item.
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        let found = self.by_id.binary_search_by_key(&id, |position| &self.lines[*position as usize].id);
        Some(self.by_id[found.ok()?] as usize)
    }

    /// The line of an item.
    pub(crate) fn line(&self, id: &str) -> Option<&Line> {
        self.position(id).map(|position| &self.lines[position])
    }
}

/// The idempotency key of an attempt, which is the same in every process.
pub(crate) fn idempotency_key(id: &str, attempt: i64) -> String {
    format!("infrai-{}", digest(&["key", id, &attempt.to_string()]))
}

/// Why a line or a plan is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct PlanError(String);

impl PlanError {
    /// The error with the number of its line. A message without a subject, such as `is not JSON`, is about the line.
    fn of_line(&self, number: usize) -> String {
        let is_about_the_line = ["is ", "has ", "starts "].iter().any(|verb| self.0.starts_with(verb));
        format!("line {number}{} {self}", if is_about_the_line { "" } else { ":" })
    }
}

impl From<String> for PlanError {
    fn from(message: String) -> Self {
        Self(message)
    }
}

impl From<&str> for PlanError {
    fn from(message: &str) -> Self {
        Self(message.to_owned())
    }
}

/// The bytes of a plan.
#[derive(Debug)]
pub(crate) struct PlanFile {
    pub(crate) bytes: Vec<u8>,
    /// Whether the name of the file ends with `.csv`.
    pub(crate) is_named_csv: bool,
}

/// The numbers of lines and their fields, which are parsed one after another.
type ParsedLines<'a> = Box<dyn Iterator<Item = (usize, Result<Fields, PlanError>)> + 'a>;

/// Parses a plan. The error lists everything that is invalid.
pub(crate) fn parse(file: &PlanFile, batch: &str) -> Result<Plan, Vec<String>> {
    let text = decode(&file.bytes).map_err(|error| vec![error.to_string()])?;
    let parsed = match form(text, file.is_named_csv) {
        Form::Json => json::lines(text),
        Form::Csv => csv::lines(text),
    };
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    let mut reader = Reader { batch, repeated: HashMap::new(), files: HashSet::new(), keys: HashSet::new() };
    for (number, fields) in parsed {
        match fields.and_then(|fields| reader.line(number, &fields)) {
            Ok(line) => lines.push(line),
            Err(error) => errors.push(error.of_line(number)),
        }
    }
    if errors.is_empty() && lines.is_empty() {
        errors.push("the plan has no lines".to_owned());
    }
    if errors.is_empty() { Ok(Plan::new(lines)) } else { Err(errors) }
}

/// Turns fields into lines, and rejects a file name or a key that an earlier line has.
struct Reader<'a> {
    batch: &'a str,
    /// How often each request occurs.
    repeated: HashMap<Fingerprint, u32>,
    files: HashSet<Fingerprint>,
    keys: HashSet<Fingerprint>,
}

impl Reader<'_> {
    fn line(&mut self, number: usize, fields: &Fields) -> Result<Line, PlanError> {
        fields.check()?;
        let (name, key, request) = (fields.name()?, fields.idempotency_key()?, fields.request()?);
        let canonical = request.canonical_json();
        let occurrence = self.repeated.entry(fingerprint(&canonical)).or_default();
        *occurrence += 1;
        let id = format!("item-{}", digest(&["item", self.batch, &canonical, &occurrence.to_string()]));
        let mut is_free = |stem: &str| self.files.insert(fingerprint(&folded(&file_name(stem))));
        let mut part_of_id = PartOfId::Short;
        match &name {
            Some(name) if !is_free(name) => {
                return Err(format!("the name {name:?} is used by an earlier line").into());
            }
            Some(_) => {}
            None if is_free(&default_stem(&request.prompt, &id, part_of_id)) => {}
            None => {
                part_of_id = PartOfId::Whole;
                let stem = default_stem(&request.prompt, &id, part_of_id);
                if !is_free(&stem) {
                    return Err(format!("its file name {stem:?} is the name of an earlier line").into());
                }
            }
        }
        if let Some(key) = &key
            && !self.keys.insert(fingerprint(key.as_str()))
        {
            return Err(format!("the idempotency_key {key} is used by an earlier line").into());
        }
        Ok(Line {
            number,
            name: name.map(Into::into),
            request: canonical.into(),
            seconds: request.duration_seconds,
            id: id.into(),
            key: key.map(|key: IdempotencyKey| key.as_str().into()),
            part_of_id,
        })
    }
}

/// Stands for a text that is only compared: different texts have different fingerprints.
pub(crate) type Fingerprint = [u8; 20];

pub(crate) fn fingerprint(text: &str) -> Fingerprint {
    first_bytes(Sha256::digest(text))
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    first_bytes(hasher.finalize()).iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn first_bytes(hash: impl Into<[u8; 32]>) -> Fingerprint {
    let hash = hash.into();
    std::array::from_fn(|index| hash[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, batch: &str) -> Result<Vec<Line>, Vec<String>> {
        super::parse(&PlanFile { bytes: text.into(), is_named_csv: false }, batch).map(|plan| plan.lines)
    }

    fn ids(text: &str) -> Vec<Box<str>> {
        parse(text, "plan").unwrap().into_iter().map(|line| line.id).collect()
    }

    #[test]
    fn a_line_is_a_request_with_an_optional_name() {
        let lines = parse(
            "{\"prompt\":\"A city, at dusk!\",\"duration_seconds\":5,\"resolution\":\"1080p\",\"name\":\"skyline\"}\n\n\
             {\"prompt\":\"東京\",\"aspect\":\"9:16\",\"prefer\":null}\n",
            "plan",
        )
        .unwrap();
        assert_eq!(lines[0].file_name(), "skyline.mp4");
        assert_eq!(lines[0].clip_request().resolution.as_deref(), Some("1080p"));
        assert_eq!(lines[1].number, 3);
        assert!(lines[1].file_name().starts_with("clip-"), "{}", lines[1].file_name());
    }

    #[test]
    fn lines_keep_their_ids_when_they_move_or_get_names() {
        let before = ids("{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n{\"prompt\":\"a\"}");
        let after = ids(
            "{\"prompt\":\"c\"}\n{\"name\":\"x\",\"prompt\":\"b\"}\n{\"prompt\":\"a\"}\n{ \"prompt\": \"a\" }",
        );
        assert_eq!((&after[1], &after[2], &after[3]), (&before[1], &before[0], &before[2]));
        assert_eq!(before.iter().collect::<HashSet<_>>().len(), 3);
        assert_ne!(parse("{\"prompt\":\"a\"}", "other").unwrap()[0].id, before[0]);
        assert_ne!(idempotency_key(&before[0], 1), idempotency_key(&before[0], 2));
        assert_eq!(idempotency_key(&before[0], 1), idempotency_key(&before[0], 1));
    }

    #[test]
    fn very_many_equal_lines_have_different_files() {
        // Eight digits of the id are the same for some of them.
        let lines = parse(&"{\"prompt\":\"a lighthouse in a storm\"}\n".repeat(120_000), "plan").unwrap();
        let names: HashSet<String> = lines.iter().map(Line::file_name).collect();
        assert_eq!(names.len(), lines.len());
        let longer = names.iter().filter(|name| name.len() > "a-lighthouse-in-a-storm-12345678.mp4".len());
        assert!((1..10).contains(&longer.count()));
    }

    #[test]
    fn a_file_name_of_a_line_without_a_name_may_be_taken_by_a_name() {
        let named = |stem: &str| format!("{{\"prompt\":\"b\",\"name\":\"{stem}\"}}\n");
        let unnamed = "{\"prompt\":\"a\"}";
        let short = parse(unnamed, "plan").unwrap()[0].file_stem();
        let lines = parse(&(named(&short) + unnamed), "plan").unwrap();
        let whole = lines[1].file_stem();
        assert_eq!(lines[0].file_stem(), short);
        assert!(whole.len() > short.len(), "{whole}");
        let errors = parse(&(named(&short) + &named(&whole) + unnamed), "plan").unwrap_err();
        assert_eq!(errors, [format!("line 3: its file name {whole:?} is the name of an earlier line")]);
        let errors = parse(&format!("{unnamed}\n{}", named(&short)), "plan").unwrap_err();
        assert_eq!(errors, [format!("line 2: the name {short:?} is used by an earlier line")]);
    }

    #[test]
    fn every_error_is_reported_with_its_line() {
        let plan = [
            r#"{"prompt": "a", "name": "x"}"#,
            r#"{"promt": "a"}"#,
            "[]",
            r#"{"prompt": "a", "name": "X"}"#,
            r#"{"prompt": "a", "name": "../x"}"#,
            r#"{"prompt": "a", "idempotency_key": "two words"}"#,
            "nothing",
            r#"{"prompt": "a", "prom\u0070t": "b"}"#,
            r#"{"prompt": "a", "prefer": null, "prefer": "smartest"}"#,
            r#"{"prompt": "東京",}"#,
            r#"{"prompt": "a""#,
            r#"{"prompt": "a", "duration_seconds": "5"}"#,
            r#"{"prompt": "a", "resolution": 1080}"#,
            r#"{"prompt": "a", "prefer": "cheap"}"#,
            r#"{"prompt": "a", "aspect": "9:16", "aspect_ratio": "16:9"}"#,
            r#"{"name": "y"}"#,
            "\u{feff}{}",
            "{\"prompt\": \"a\0b\"}",
            r#"{"prompt": "a"} {"prompt": "b"}"#,
            r#"{"text": "a"}"#,
        ];
        let errors = parse(&plan.join("\r\n"), "plan").unwrap_err();
        let expected = [
            "line 2: unknown field \"promt\"; did you mean prompt?",
            "line 3 is not a JSON object; expected {\"prompt\": \"...\"}",
            "line 4: the name \"X\" is used by an earlier line",
            "line 5: the name \"../x\" must be valid as a file name: ",
            "line 6: idempotency_key must be 1 to 255 visible ASCII characters",
            "line 7 is not JSON; expected {\"prompt\": \"...\"}",
            "line 8: prompt is repeated",
            "line 9: prefer is repeated",
            "line 10 is not valid JSON: trailing comma at column 17",
            "line 11 is not valid JSON: it ends inside an object at column 14; an object must be on one line",
            "line 12: duration_seconds must be a number such as 5 or 7.5, not \"5\"",
            "line 13: resolution must be text in quotes, not 1080",
            "line 14: prefer \"cheap\" is not one of balanced, cheapest, smartest",
            "line 15: aspect and aspect_ratio mean the same, but have different values",
            "line 16: prompt is missing",
            "line 17 starts with a byte order mark (BOM), which only the first line may have; remove it",
            "line 18 is not valid JSON: control character (\\u0000-\\u001F) found while parsing a string at column 14",
            "line 19 is not valid JSON: trailing characters at column 17",
            "line 20: unknown field \"text\"; use prompt, duration_seconds, ",
        ];
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
        for (error, expected) in errors.iter().zip(expected) {
            assert!(error.starts_with(expected), "{error}\n{expected}");
        }
        assert_eq!(parse(" \n", "plan").unwrap_err(), ["the plan has no lines"]);
        assert_eq!(parse("prompt,name\n", "plan").unwrap_err(), ["the plan has no lines"]);
        assert!(parse("[{\"prompt\": \"a\"}]", "plan").unwrap_err()[0].contains("JSON array"));
    }

    #[test]
    fn the_same_clips_are_the_same_items_in_either_form() {
        let json = "{\"prompt\": \"a, \\\"b\\\"\", \"duration_seconds\": 5, \"aspect\": \"9:16\", \"name\": \"x\"}\n{\"prompt\": \"東京\"}";
        let csv = "name,prompt,duration_seconds,aspect_ratio,prefer\r\nx,\"a, \"\"b\"\"\",5.0,9:16,\r\n\r\n,東京,,,\r\n";
        assert_eq!(ids(json), ids(csv));
        assert_eq!(parse(csv, "plan").unwrap()[1].number, 4);
    }

    #[test]
    fn the_output_of_a_dry_run_is_the_same_item_and_keeps_its_key() {
        let plain = "{\"prompt\":\"a\",\"aspect\":\"9:16\",\"duration_seconds\":5}";
        let shown = "{\"aspect\":\"9:16\",\"aspect_ratio\":\"9:16\",\"duration_seconds\":5,\"idempotency_key\":\"k1\",\"prompt\":\"a\"}";
        assert_eq!(ids(plain), ids(shown));
        let line = |text| parse(text, "plan").unwrap().remove(0);
        assert_eq!(line(shown).first_key(), "k1");
        assert_eq!(line(plain).first_key(), idempotency_key(&ids(plain)[0], 1));
        let twice = format!("{shown}\n{shown}");
        assert_eq!(
            parse(&twice, "plan").unwrap_err(),
            ["line 2: the idempotency_key k1 is used by an earlier line"]
        );
    }

    #[test]
    fn a_report_has_the_same_items_as_its_plan() {
        let plan = "{\"prompt\":\"a\",\"name\":\"x\"}\n{\"prompt\":\"b\"}";
        let report = "{\"batch\":\"plan\",\"counts\":{},\"items\":[{\"name\":\"x\",\"request\":{\"prompt\":\"a\"}},{\"request\":{\"prompt\":\"b\"}}]}";
        assert_eq!(ids(plan), ids(report));
        let old = "{\"batch\":\"plan\",\"items\":[{\"name\":\"x\"}]}";
        assert_eq!(parse(old, "plan").unwrap_err(), ["line 1 is a report, and an item in it has no request"]);
    }
}
