//! Responses: their statuses, headers, bodies and links.

use serde_json::Value;

use super::places::At;
use super::{Breaks, Differ, flag, keys, unannounced};
use openapi_tools::value::{entries, follow};

impl<'a> Differ<'a> {
    pub(super) fn responses(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        let at = at.key("responses");
        let (old, new) = (old.get("responses"), new.get("responses"));
        for status in keys(old, new) {
            let at = at.key(status);
            match (covering(old, status), covering(new, status)) {
                (Some(before), Some(after)) => self.followed_response(&at, before, after),
                (Some(before), None) => {
                    let before = follow(self.old, before).unwrap_or(before);
                    let text = format!("the response {status} is removed{}", unannounced(before));
                    self.record(&at, "status-removed", at.sides.wider(), text);
                }
                _ if is_error(status) => {
                    let text =
                        format!("the response {status} is added, which readers treat like any other error");
                    self.record(&at, "status-added", Breaks::Nobody, text);
                }
                _ => {
                    let text = format!("the response {status} is added, which readers do not expect");
                    self.record(&at, "status-added", at.sides.wider(), text);
                }
            }
        }
    }

    fn followed_response(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        // `components` compares a component that both refer to.
        if old.get("$ref").is_none() || old != new {
            let before = follow(self.old, old).unwrap_or(old);
            let after = follow(self.new, new).unwrap_or(new);
            self.response(at, before, after);
        }
    }

    pub(super) fn response(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        self.documentation(at, old, new);
        self.headers(&at.key("headers"), old.get("headers"), new.get("headers"));
        self.content(at, old.get("content"), new.get("content"));
        if old.get("links") != new.get("links") {
            let text = "its links, which only document the next operation, are changed";
            self.record(&at.key("links"), "documentation", Breaks::Nobody, text);
        }
    }

    fn headers(&mut self, at: &At, old: Option<&'a Value>, new: Option<&'a Value>) {
        let find = |holder, name: &str| entries(holder).find(|(other, _)| other.eq_ignore_ascii_case(name));
        for (name, before) in entries(old) {
            let value = follow(self.old, before).unwrap_or(before);
            match find(new, name) {
                Some((_, after)) if before.get("$ref").is_none() || before != after => {
                    let after = follow(self.new, after).unwrap_or(after);
                    self.header(&at.key(name), value, after);
                }
                Some(_) => {}
                None => {
                    let always = if flag(value, "required") { ", which was always present," } else { "" };
                    let text = format!("the header `{name}`{always} is removed{}", unannounced(value));
                    self.record(at, "header-removed", at.sides.wider(), text);
                }
            }
        }
        for (name, _) in entries(new).filter(|(name, _)| find(old, name).is_none()) {
            self.record(at, "header-added", Breaks::Nobody, format!("the header `{name}` is added"));
        }
    }
}

/// The response of this status, or else of its range such as `4XX`.
fn covering<'a>(responses: Option<&'a Value>, status: &str) -> Option<&'a Value> {
    let hundred = || format!("{}XX", status.get(..1).unwrap_or_default());
    responses.and_then(|all| all.get(status).or_else(|| all.get(hundred())))
}

/// Whether every client must expect the status.
fn is_error(status: &str) -> bool {
    status.starts_with(['4', '5']) || status == "default"
}
