//! Bounds, patterns and uniqueness.

use super::View;
use crate::diff::places::At;
use crate::diff::{Differ, changed};

/// Bounds, and whether a greater number allows more values.
const BOUNDS: [(&str, bool); 6] = [
    ("minLength", false),
    ("maxLength", true),
    ("minItems", false),
    ("maxItems", true),
    ("minProperties", false),
    ("maxProperties", true),
];

/// How the set of allowed values changes.
#[derive(Clone, Copy)]
enum Turn {
    Narrower,
    Wider,
    Neither,
}

impl<'a> Differ<'a> {
    pub(super) fn bounds(&mut self, at: &At, old: &View<'a>, new: &View<'a>) {
        for (keyword, grows) in BOUNDS {
            // A missing lower bound is 0.
            let bound =
                |view: &View<'_>| view.number(keyword).unwrap_or(if grows { f64::INFINITY } else { 0.0 });
            self.bound(at, keyword, (old, bound(old)), (new, bound(new)), grows);
        }
        for (keyword, grows) in [("minimum", false), ("maximum", true)] {
            let none = if grows { f64::INFINITY } else { f64::NEG_INFINITY };
            let bound = |view: &View<'_>| view.number(keyword).unwrap_or(none);
            self.bound(at, keyword, (old, bound(old)), (new, bound(new)), grows);
            let exclusive = if grows { "exclusiveMaximum" } else { "exclusiveMinimum" };
            match (old.flag(exclusive), new.flag(exclusive)) {
                (false, true) => self.turn(
                    at,
                    exclusive,
                    Turn::Narrower,
                    format!("its {keyword} itself is no longer allowed"),
                ),
                (true, false) => {
                    self.turn(at, exclusive, Turn::Wider, format!("its {keyword} itself is allowed now"))
                }
                _ => {}
            }
        }
        match (old.flag("uniqueItems"), new.flag("uniqueItems")) {
            (false, true) => self.turn(at, "uniqueItems", Turn::Narrower, "its items must be unique now"),
            (true, false) => self.turn(at, "uniqueItems", Turn::Wider, "its items need not be unique now"),
            _ => {}
        }
        let (before, after) = (old.get("pattern"), new.get("pattern"));
        if before != after {
            let turn = appeared(before.is_some(), after.is_some());
            // Patterns are not compared.
            let text = changed("its pattern", before, after);
            self.turn(at, "pattern", turn, text);
        }
        let (before, after) = (old.number("multipleOf"), new.number("multipleOf"));
        if before != after {
            let whole = |ratio: f64| (ratio - ratio.round()).abs() < 1e-9;
            let turn = match (before, after) {
                (Some(before), Some(after)) if whole(before / after) => Turn::Wider,
                (Some(before), Some(after)) if whole(after / before) => Turn::Narrower,
                _ => appeared(before.is_some(), after.is_some()),
            };
            let text = changed("its multipleOf", old.get("multipleOf"), new.get("multipleOf"));
            self.turn(at, "multipleOf", turn, text);
        }
    }

    fn bound(
        &mut self,
        at: &At,
        keyword: &'static str,
        old: (&View<'a>, f64),
        new: (&View<'a>, f64),
        grows: bool,
    ) {
        let turn = match old.1.partial_cmp(&new.1) {
            Some(std::cmp::Ordering::Less) => {
                if grows {
                    Turn::Wider
                } else {
                    Turn::Narrower
                }
            }
            Some(std::cmp::Ordering::Greater) => {
                if grows {
                    Turn::Narrower
                } else {
                    Turn::Wider
                }
            }
            _ => return,
        };
        let text = changed(&format!("its {keyword}"), old.0.get(keyword), new.0.get(keyword));
        self.turn(at, keyword, turn, text);
    }

    fn turn(&mut self, at: &At, keyword: &'static str, turn: Turn, text: impl Into<String>) {
        let breaks = match turn {
            Turn::Narrower => at.sides.narrower(),
            Turn::Wider => at.sides.wider(),
            Turn::Neither => at.sides.other(),
        };
        self.record(&at.key(keyword), keyword, breaks, text);
    }
}

fn appeared(old: bool, new: bool) -> Turn {
    match (old, new) {
        (false, true) => Turn::Narrower,
        (true, false) => Turn::Wider,
        _ => Turn::Neither,
    }
}
