//! Paths with fields in braces.

use std::path::{MAIN_SEPARATOR_STR, PathBuf, is_separator};

use super::safe::{MAX_NAME, safe_component};
use super::{USUAL_ID, Values};
use crate::text::closest;

/// A field of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Date,
    Time,
    Slug,
    Resolution,
    Duration,
    Aspect,
    Id,
    N,
    Name,
    Batch,
    Line,
}

/// The fields of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// One clip.
    Clip,
    /// The lines of a plan. The same line must have the same path later.
    Plan,
    /// A destination in the ledger, where only the id is still missing.
    Ledger,
}

impl Field {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Date, "date"),
        (Self::Time, "time"),
        (Self::Slug, "slug"),
        (Self::Resolution, "resolution"),
        (Self::Duration, "duration"),
        (Self::Aspect, "aspect"),
        (Self::Id, "id"),
        (Self::N, "n"),
        (Self::Name, "name"),
        (Self::Batch, "batch"),
        (Self::Line, "line"),
    ];

    fn is_in(self, place: Use) -> bool {
        use Field::{Aspect, Batch, Date, Duration, Id, Line, N, Name, Resolution, Slug, Time};

        match place {
            Use::Clip => matches!(self, Date | Time | Slug | Resolution | Duration | Aspect | Id | N),
            Use::Plan => matches!(self, Slug | Resolution | Duration | Aspect | Name | Batch | Line),
            Use::Ledger => self == Id,
        }
    }
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TemplateError(String);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

/// A path in which fields stand for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    /// The names between the separators.
    components: Vec<Vec<Part>>,
}

impl Template {
    /// `{{` and `}}` are braces.
    pub(crate) fn parse(text: &str, place: Use) -> Result<Self, TemplateError> {
        let components = text.split(is_separator).map(|name| parts(name, place));
        let template = Self { components: components.collect::<Result<_, _>>()? };
        let (_, directories) = template.components.split_last().expect("a split has at least one part");
        if directories.iter().any(|parts| parts.contains(&Part::Field(Field::Id))) {
            return Err(TemplateError(
                "{id} is known after the request, so that only the name of the file can have it, and no directory".to_owned(),
            ));
        }
        if template.contains(Field::Id) && template.contains(Field::N) {
            return Err(TemplateError(
                "{n} is not needed beside {id}, which no other clip has; leave it out".to_owned(),
            ));
        }
        Ok(template)
    }

    pub(crate) fn has_fields(&self) -> bool {
        self.first_with_field().is_some()
    }

    pub(crate) fn contains(&self, field: Field) -> bool {
        self.components.iter().flatten().any(|part| *part == Part::Field(field))
    }

    fn first_with_field(&self) -> Option<usize> {
        self.components.iter().position(|parts| parts.iter().any(|part| matches!(part, Part::Field(_))))
    }

    /// The directory before the first name with a field. It is not created.
    pub(crate) fn fixed_directory(&self) -> PathBuf {
        let fixed = self.first_with_field().unwrap_or(self.components.len() - 1);
        let names = self.components[..fixed].iter().map(|parts| rendered(parts, &Values::default()));
        let path = names.map(|name| name + MAIN_SEPARATOR_STR).collect::<String>();
        PathBuf::from(if path.is_empty() { ".".to_owned() } else { path })
    }

    /// The path. If the id is not known, the name of the file is a pattern, in which braces are doubled.
    pub(crate) fn render(&self, values: &Values<'_>) -> PathBuf {
        let (name, directories) = self.components.split_last().expect("a split has at least one part");
        let mut path = String::new();
        for parts in directories {
            path += &component(parts, &values.without_pattern());
            path += MAIN_SEPARATOR_STR;
        }
        // The id is longer than its field.
        let length = match values.is_pattern {
            true => component(name, &values.clone().with_id(Some(USUAL_ID))).len(),
            false => component(name, values).len(),
        };
        // A long name keeps its other fields.
        let shorter = match length.checked_sub(MAX_NAME) {
            None | Some(0) => component(name, values),
            Some(excess) => {
                let slug = values.of_field(Field::Slug).len();
                component(name, &values.with_max_slug(slug.saturating_sub(excess).max(1)))
            }
        };
        PathBuf::from(path + &shorter)
    }
}

/// A name without fields stays as its user wrote it.
fn component(parts: &[Part], values: &Values<'_>) -> String {
    let name = rendered(parts, values);
    match parts.iter().any(|part| matches!(part, Part::Field(_))) {
        true => safe_component(&name),
        false => name,
    }
}

fn rendered(parts: &[Part], values: &Values<'_>) -> String {
    let is_pattern = values.is_pattern && parts.contains(&Part::Field(Field::Id));
    let escaped = |text: String| if is_pattern { text.replace('{', "{{").replace('}', "}}") } else { text };
    let text = |part: &Part| match part {
        Part::Text(text) => escaped(text.clone()),
        Part::Field(Field::Id) if is_pattern => "{id}".to_owned(),
        Part::Field(field) => escaped(values.of_field(*field)),
    };
    parts.iter().map(text).collect()
}

fn parts(name: &str, place: Use) -> Result<Vec<Part>, TemplateError> {
    let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), name);
    while let Some(at) = rest.find(['{', '}']) {
        let brace = &rest[at..=at];
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        let field = rest.split_once('}').filter(|_| brace == "{");
        let Some((field, after)) = field else {
            let other = if brace == "{" { '}' } else { '{' };
            return Err(TemplateError(format!(
                "{name:?} has {brace} without {other}; write {brace}{brace} for a brace"
            )));
        };
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(Part::Field(known(field, place)?));
        rest = after;
    }
    text.push_str(rest);
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

fn known(name: &str, place: Use) -> Result<Field, TemplateError> {
    let field = Field::ALL.into_iter().find(|(_, known)| *known == name).map(|(field, _)| field);
    if let Some(field) = field.filter(|field| field.is_in(place)) {
        return Ok(field);
    }
    let here = Field::ALL.into_iter().filter(|(field, _)| field.is_in(place)).map(|(_, name)| name);
    let here: Vec<&str> = here.collect();
    let all = || here.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" ");
    Err(TemplateError(match (field, place) {
        (Some(_), Use::Plan) => {
            format!(
                "{{{name}}} is not a field of batches, whose lines have the same paths in every run; use {}",
                all()
            )
        }
        (Some(_), _) => format!("{{{name}}} is a field of batches only; use {}", all()),
        (None, _) => match closest(name, &here) {
            Some(meant) => {
                format!("unknown field {{{name}}}; did you mean {{{meant}}}? Write {{{{ and }}}} for braces")
            }
            None => format!("unknown field {{{name}}}; use {}, or write {{{{ and }}}} for braces", all()),
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ClipRequest;

    fn error(text: &str, place: Use) -> String {
        Template::parse(text, place).unwrap_err().to_string()
    }

    fn render(text: &str, prompt: &str, id: Option<&str>) -> String {
        let request: ClipRequest = serde_json::from_value(
            serde_json::json!({"prompt": prompt, "duration_seconds": 7.5, "aspect_ratio": "9:16"}),
        )
        .unwrap();
        let at = "2026-03-04T05:06:07.8Z".parse().unwrap();
        let values = Values::of(&request, at).with_id(id);
        Template::parse(text, Use::Clip).unwrap().render(&values).display().to_string()
    }

    #[test]
    fn fields_are_replaced_by_values() {
        for (text, expected) in [
            ("a.mp4", "a.mp4"),
            ("{date}-{slug}.mp4", "2026-03-04-a-city.mp4"),
            ("{date}/{time}.mp4", "2026-03-04/050607.mp4"),
            ("/x y/{resolution}-{duration}-{aspect}.mp4", "/x y/auto-7.5-9-16.mp4"),
            ("{slug}-{n}.mp4", "a-city-1.mp4"),
            ("{{{slug}}}.mp4", "{a-city}.mp4"),
            ("{{x}}.mp4", "{x}.mp4"),
            ("./{slug}", "./a-city"),
            ("../{slug}.", "../a-city"),
            ("{slug}{slug}", "a-citya-city"),
        ] {
            assert_eq!(render(text, "A city!", Some("vj_1")), expected, "{text}");
        }
        assert_eq!(render("{id}.mp4", "a", Some("vj_1")), "vj_1.mp4");
        assert_eq!(render("{{a}}/{slug}-{id}.mp4", "a", None), "{a}/a-{id}.mp4");
        assert_eq!(render("{{{slug}-{id}.mp4", "a", None), "{{a-{id}.mp4", "a pattern keeps its braces");
    }

    #[test]
    fn a_name_is_valid_on_every_file_system() {
        for (text, prompt, expected) in [
            ("{slug}.mp4", "con", "_con.mp4"),
            ("{slug}", "nul", "_nul"),
            ("{slug}/x.mp4", "Aux", "_aux/x.mp4"),
            ("{slug}{n}.mp4", "com", "_com1.mp4"),
            ("con.mp4", "x", "con.mp4"),
        ] {
            assert_eq!(render(text, prompt, Some("vj_1")), expected);
        }
        let long = "w".repeat(200);
        let name =
            render(&format!("{long}-{{slug}}.mp4"), "one two three four five six seven eight nine ten", None);
        assert_eq!(name, format!("{long}-one-two-three-four-five-six-seven.mp4"));
    }

    #[test]
    fn an_error_says_what_is_meant() {
        for (text, why) in [
            ("{slgu}.mp4", "unknown field {slgu}; did you mean {slug}? Write {{ and }} for braces"),
            ("{colour}.mp4", "unknown field {colour}; use {date} {time} {slug} "),
            ("{}.mp4", "unknown field {}; use {date}"),
            ("{Date}.mp4", "did you mean {date}?"),
            ("{date:%Y}.mp4", "did you mean {date}?"),
            ("{slug.mp4", "\"{slug.mp4\" has { without }; write {{ for a brace"),
            ("slug}.mp4", "\"slug}.mp4\" has } without {; write }} for a brace"),
            ("{slug}}.mp4", "has } without {"),
            ("{id}/a.mp4", "{id} is known after the request"),
            ("{id}-{n}.mp4", "leave it out"),
            ("{name}.mp4", "{name} is a field of batches only; use {date}"),
        ] {
            assert!(error(text, Use::Clip).contains(why), "{text}: {}", error(text, Use::Clip));
        }
        for field in ["date", "time", "id", "n"] {
            let error = error(&format!("{{{field}}}.mp4"), Use::Plan);
            assert!(error.starts_with(&format!("{{{field}}} is not a field of batches")), "{error}");
        }
    }

    #[test]
    fn the_directory_before_the_first_field_is_fixed() {
        for (text, expected) in [
            ("{slug}.mp4", "."),
            ("a.mp4", "."),
            ("a/b/{slug}.mp4", "a/b/"),
            ("a/{slug}/b/c.mp4", "a/"),
            ("/{slug}.mp4", "/"),
            ("{{a}}/{slug}.mp4", "{a}/"),
        ] {
            let fixed = Template::parse(text, Use::Clip).unwrap().fixed_directory();
            assert_eq!(fixed.display().to_string(), expected.replace('/', MAIN_SEPARATOR_STR), "{text}");
        }
    }
}
