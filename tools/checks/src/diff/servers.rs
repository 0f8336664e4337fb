//! Servers.

use serde_json::Value;

use super::places::At;
use super::{Breaks, Differ, changed, happened, keys, text};

impl<'a> Differ<'a> {
    pub(super) fn servers(&mut self) {
        let (old, new) = (self.old.get("servers"), self.new.get("servers"));
        self.server_list(&At::document().key("servers"), old, new);
    }

    /// The servers of an operation, if it or its path has its own in one of the documents.
    pub(super) fn own_servers(&mut self, at: &At, old: [&'a Value; 2], new: [&'a Value; 2]) {
        let own = |holders: [&'a Value; 2]| holders.into_iter().find_map(|holder| holder.get("servers"));
        let (before, after) = (own(old), own(new));
        if before.is_some() || after.is_some() {
            let before = before.or(self.old.get("servers"));
            let after = after.or(self.new.get("servers"));
            self.server_list(&at.key("servers"), before, after);
        }
    }

    fn server_list(&mut self, at: &At, old: Option<&'a Value>, new: Option<&'a Value>) {
        let (old, new) = (servers(old), servers(new));
        let everybody = Breaks::Both;
        for (index, (url, before)) in old.iter().enumerate() {
            let Some((_, after)) = new.iter().find(|(other, _)| other == url) else {
                self.record(at, "server-removed", everybody, format!("the server {url} is removed"));
                continue;
            };
            self.server(&at.key(&index.to_string()), before, after);
        }
        for (url, _) in new.iter().filter(|(url, _)| !old.iter().any(|(other, _)| other == url)) {
            self.record(at, "server-added", Breaks::Nobody, format!("the server {url} is added"));
        }
        if let ([(before, _), ..], [(after, _), ..]) = (&old[..], &new[..])
            && before != after
            && new.iter().any(|(url, _)| url == before)
        {
            let text = format!(
                "the first server, which is the default of clients, changed from {before} to {after}"
            );
            self.record(at, "server-order", everybody, text);
        }
    }

    fn server(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        self.documentation(at, old, new);
        let (old, new) = (old.get("variables"), new.get("variables"));
        for key in keys(old, new) {
            let at = at.key("variables").key(key);
            let (before, after) = (old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key)));
            let (Some(before), Some(after)) = (before, after) else {
                let text = format!("the variable {}", happened(before, after));
                self.record(&at, "server-variable", Breaks::Both, text);
                continue;
            };
            self.documentation(&at, before, after);
            if before.get("default") != after.get("default") {
                let text = changed("its default", before.get("default"), after.get("default"));
                self.record(&at, "server-variable", Breaks::Both, text);
            }
            let allowed = |value: &'a Value| value.get("enum").and_then(Value::as_array);
            let removes = match (allowed(before), allowed(after)) {
                (Some(before), Some(after)) => before.iter().any(|value| !after.contains(value)),
                (None, Some(_)) => true,
                _ => false,
            };
            if allowed(before) != allowed(after) {
                let breaks = if removes { Breaks::Both } else { Breaks::Nobody };
                self.record(&at, "server-variable", breaks, "its allowed values are changed");
            }
        }
    }
}

/// The servers by their URL. The default of OpenAPI is the host of the document.
fn servers(list: Option<&Value>) -> Vec<(&str, &Value)> {
    const NONE: &Value = &Value::Null;
    let listed: Vec<(&str, &Value)> = list
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|server| (text(server, "url").unwrap_or_default(), server))
        .collect();
    if listed.is_empty() { vec![("/", NONE)] } else { listed }
}
