//! The values of fields.

use std::borrow::Cow;

use jiff::Timestamp;

use super::safe::{MAX_SLUG, safe, slug};
use super::{Field, clip_name};
use crate::args::ClipRequest;

/// In place of a property of the clip that the service chooses.
const CHOSEN_BY_SERVICE: &str = "auto";

/// What the fields of a template stand for.
#[derive(Debug, Clone)]
pub(crate) struct Values<'a> {
    at: Timestamp,
    prompt: Cow<'a, str>,
    resolution: Option<Cow<'a, str>>,
    duration: Option<f64>,
    aspect: Option<String>,
    id: Option<&'a str>,
    pub(crate) n: u32,
    name: Cow<'a, str>,
    batch: &'a str,
    line: usize,
    max_slug: usize,
    /// Whether the id stays a field, because it is not known yet.
    pub(crate) is_pattern: bool,
}

impl Default for Values<'_> {
    fn default() -> Self {
        Self {
            at: Timestamp::UNIX_EPOCH,
            prompt: Cow::default(),
            resolution: None,
            duration: None,
            aspect: None,
            id: None,
            n: 1,
            name: Cow::default(),
            batch: "",
            line: 0,
            max_slug: MAX_SLUG,
            is_pattern: false,
        }
    }
}

impl<'a> Values<'a> {
    /// The values of a clip that is requested at this moment. Its id is not known.
    pub(crate) fn of(request: &'a ClipRequest, at: Timestamp) -> Self {
        Self {
            at,
            prompt: Cow::Borrowed(&request.prompt),
            resolution: request.resolution.as_deref().map(Cow::Borrowed),
            duration: request.duration_seconds,
            aspect: request.aspect_ratio.map(|ratio| ratio.to_string()),
            is_pattern: true,
            ..Self::default()
        }
    }

    /// The values of a job whose request is not known.
    pub(crate) fn of_unknown(at: Timestamp) -> Self {
        Self { at, ..Self::default() }
    }

    /// With the id of the job.
    pub(crate) fn with_id(self, id: Option<&'a str>) -> Self {
        Self { id, is_pattern: id.is_none(), ..self }
    }

    /// With what only a line of a plan has.
    pub(crate) fn with_line(self, batch: &'a str, line: usize, name: String) -> Self {
        Self { name: name.into(), batch, line, is_pattern: false, ..self }
    }

    pub(super) fn with_max_slug(&self, max_slug: usize) -> Self {
        Self { max_slug, ..self.clone() }
    }

    pub(super) fn without_pattern(&self) -> Self {
        Self { is_pattern: false, ..self.clone() }
    }

    /// The value of a field as a part of a name.
    pub(super) fn of_field(&self, field: Field) -> String {
        let or_auto = |value: Option<&str>| safe(value.unwrap_or(CHOSEN_BY_SERVICE));
        match field {
            Field::Date => self.at.strftime("%Y-%m-%d").to_string(),
            Field::Time => self.at.strftime("%H%M%S").to_string(),
            Field::Slug => slug(&self.prompt, self.max_slug),
            Field::Resolution => or_auto(self.resolution.as_deref()),
            Field::Duration => or_auto(self.duration.map(|seconds| seconds.to_string()).as_deref()),
            Field::Aspect => or_auto(self.aspect.as_deref()),
            Field::Id => safe(clip_name(self.id.unwrap_or_default()).trim_end_matches(".mp4")),
            Field::N => self.n.to_string(),
            Field::Name => safe(&self.name),
            Field::Batch => safe(self.batch),
            Field::Line => self.line.to_string(),
        }
    }
}
