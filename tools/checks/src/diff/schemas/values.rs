//! Enums: closed (`enum`), open (`x-extensible-enum`), and the names of their values in generated code.

use serde_json::Value;

use super::View;
use crate::diff::places::At;
use crate::diff::{Breaks, Differ, changed, plain};

impl<'a> Differ<'a> {
    pub(super) fn values(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        let (before, after) = (values(old, "enum"), values(new, "enum"));
        let here = at.key("enum");
        match (before, after) {
            (Some(before), Some(after)) => {
                for value in after.iter().filter(|value| !before.contains(value)) {
                    let text = format!("`{}` is added to the closed vocabulary", plain(Some(value)));
                    self.record(&here, "enum-value-added", at.sides.wider(), text);
                }
                for value in before.iter().filter(|value| !after.contains(value)) {
                    let text = format!("`{}` is removed from the closed vocabulary", plain(Some(value)));
                    self.record(&here, "enum-value-removed", at.sides.narrower(), text);
                }
            }
            (None, Some(_)) => {
                self.record(
                    &here,
                    "enum-closed",
                    at.sides.narrower(),
                    "only the listed values are allowed now",
                );
            }
            (Some(_), None) => {
                self.record(
                    &here,
                    "enum-opened",
                    at.sides.wider(),
                    "values that are not listed are allowed now",
                );
            }
            (None, None) => {}
        }
        self.open_values(&at.key("x-extensible-enum"), old, new);
        for (value, before) in names(old) {
            let after = names(new).into_iter().find(|(other, _)| *other == value).map(|(_, name)| name);
            if let Some(after) = after.filter(|after| *after != before) {
                let value = plain(Some(value));
                let text =
                    changed(&format!("the name of `{value}` in generated code"), Some(before), Some(after));
                self.record(&at.key("x-enum-varnames"), "enum-name", at.sides.other(), text);
            }
        }
        let count = |view: &View<'_>| names(view).len();
        if count(old) == 0 && count(new) > 0 || count(old) > 0 && count(new) == 0 {
            let text = "names of its values in generated code are added or removed";
            self.record(&at.key("x-enum-varnames"), "enum-name", at.sides.other(), text);
        }
    }

    /// Readers of an open enum expect values that are not listed, and writers may send them.
    fn open_values(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        let listed = |view: &View<'a>| values(view, "x-extensible-enum").map_or(&[][..], Vec::as_slice);
        let (before, after) = (listed(old), listed(new));
        for value in after.iter().filter(|value| !before.contains(value)) {
            let text = format!("`{}` is added to the open vocabulary", plain(Some(value)));
            self.record(at, "open-value-added", Breaks::Nobody, text);
        }
        for value in before.iter().filter(|value| !after.contains(value)) {
            let text = format!("`{}` is removed from the open vocabulary", plain(Some(value)));
            self.record(at, "open-value-removed", Breaks::Nobody, text);
        }
    }
}

fn values<'a>(view: &View<'a>, keyword: &str) -> Option<&'a Vec<Value>> {
    view.get(keyword).and_then(Value::as_array)
}

/// The values with their names in generated code.
fn names<'a>(view: &View<'a>) -> Vec<(&'a Value, &'a Value)> {
    let listed = values(view, "enum").or_else(|| values(view, "x-extensible-enum"));
    let names = values(view, "x-enum-varnames");
    listed.into_iter().flatten().zip(names.into_iter().flatten()).collect()
}
