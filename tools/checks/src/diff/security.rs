//! Authentication: the schemes, and the requirements of operations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::places::At;
use super::{Breaks, Differ, changed, happened, keys, unannounced};
use openapi_tools::value::entries;

/// One way to authenticate: each scheme with its required scopes.
type Alternative<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl<'a> Differ<'a> {
    pub(super) fn security(&mut self) {
        let at = At::document();
        let (old, new) = (self.old.get("security"), self.new.get("security"));
        self.requirements(&at.key("security"), old, new);
        let at = at.key("components").key("securitySchemes");
        let schemes = "/components/securitySchemes";
        let (old, new) = (self.old.pointer(schemes), self.new.pointer(schemes));
        let renamed = self.renamed_schemes();
        for key in keys(old, new) {
            let at = at.key(key);
            match (old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key))) {
                (Some(before), Some(after)) => self.scheme(&at, before, after),
                (Some(before), None) => {
                    let text = match renamed.get(key) {
                        Some(other) => format!(
                            "the scheme is renamed to `{other}`, also in the settings of generated code"
                        ),
                        None => format!("the scheme is removed{}", unannounced(before)),
                    };
                    self.record(&at, "security-scheme-removed", Breaks::Writer, text);
                }
                (None, Some(_)) if renamed.values().any(|other| *other == key) => {}
                _ => self.record(&at, "security-scheme-added", Breaks::Nobody, "the scheme is added"),
            }
        }
    }

    /// The requirements of an operation, if it has its own in one of the documents.
    pub(super) fn own_security(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        let (before, after) = (old.get("security"), new.get("security"));
        if before.is_some() || after.is_some() {
            let before = before.or(self.old.get("security"));
            let after = after.or(self.new.get("security"));
            self.requirements(&at.key("security"), before, after);
        }
    }

    fn requirements(&mut self, at: &At, old: Option<&'a Value>, new: Option<&'a Value>) {
        let renamed = self.renamed_schemes();
        let (old, new) = (alternatives(old, &renamed), alternatives(new, &BTreeMap::new()));
        for before in &old {
            // Credentials for the old requirement also satisfy a weaker one.
            let enough = new.iter().any(|after| {
                after
                    .iter()
                    .all(|(scheme, scopes)| before.get(scheme).is_some_and(|had| had.is_superset(scopes)))
            });
            if !enough {
                let text = format!(
                    "requests with {} are no longer accepted, only with {}",
                    described(before),
                    choice(&new)
                );
                self.record(at, "security-narrower", Breaks::Writer, text);
            }
        }
        for after in new.iter().filter(|after| !old.contains(after)) {
            let text = format!("requests with {} are accepted now", described(after));
            self.record(at, "security-wider", Breaks::Nobody, text);
        }
    }

    fn scheme(&mut self, at: &At, old: &'a Value, new: &'a Value) {
        self.documentation(at, old, new);
        for key in ["type", "name", "in", "scheme", "openIdConnectUrl"] {
            let (before, after) = (old.get(key), new.get(key));
            if before != after {
                let text = changed(&format!("`{key}`"), before, after);
                self.record(&at.key(key), "security-scheme-changed", Breaks::Writer, text);
            }
        }
        if old.get("bearerFormat") != new.get("bearerFormat") {
            let text = "`bearerFormat`, which is a hint for people, is changed";
            self.record(&at.key("bearerFormat"), "documentation", Breaks::Nobody, text);
        }
        let (old, new) = (old.get("flows"), new.get("flows"));
        for key in keys(old, new) {
            let at = at.key("flows").key(key);
            let (before, after) = (old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key)));
            let (Some(before), Some(after)) = (before, after) else {
                let breaks = if before.is_some() { Breaks::Writer } else { Breaks::Nobody };
                self.record(&at, "security-flow", breaks, format!("the flow {}", happened(before, after)));
                continue;
            };
            for url in ["authorizationUrl", "tokenUrl", "refreshUrl"] {
                if before.get(url) != after.get(url) {
                    self.record(&at.key(url), "security-flow", Breaks::Writer, format!("`{url}` is changed"));
                }
            }
            let (old, new) = (before.get("scopes"), after.get("scopes"));
            for scope in keys(old, new) {
                let (before, after) =
                    (old.and_then(|old| old.get(scope)), new.and_then(|new| new.get(scope)));
                let breaks = if after.is_none() { Breaks::Writer } else { Breaks::Nobody };
                if before != after {
                    let text = format!("the scope `{scope}` {}", happened(before, after));
                    self.record(&at.key("scopes").key(scope), "security-scope", breaks, text);
                }
            }
        }
    }

    /// Removed schemes, each with an added scheme of the same content.
    fn renamed_schemes(&self) -> BTreeMap<&'a str, &'a str> {
        let schemes = "/components/securitySchemes";
        let (old, new) = (self.old.pointer(schemes), self.new.pointer(schemes));
        let twin = |value| {
            entries(new)
                .find(|(name, other)| *other == value && old.is_none_or(|old| old.get(*name).is_none()))
        };
        entries(old)
            .filter(|(name, _)| new.is_none_or(|new| new.get(*name).is_none()))
            .filter_map(|(name, value)| twin(value).map(|(other, _)| (name, other)))
            .collect()
    }
}

fn alternatives<'a>(list: Option<&'a Value>, renamed: &BTreeMap<&'a str, &'a str>) -> Vec<Alternative<'a>> {
    let listed: Vec<Alternative<'a>> = list
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|requirement| {
            let schemes = entries(Some(requirement));
            schemes
                .map(|(name, scopes)| {
                    let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                    (renamed.get(name).copied().unwrap_or(name), scopes)
                })
                .collect()
        })
        .collect();
    // An empty list has no requirement, like an empty requirement.
    if listed.is_empty() { vec![Alternative::new()] } else { listed }
}

fn described(alternative: &Alternative<'_>) -> String {
    if alternative.is_empty() {
        return "no credentials".to_owned();
    }
    let scheme = |(name, scopes): (&&str, &BTreeSet<&str>)| {
        let scopes: Vec<&str> = scopes.iter().copied().collect();
        if scopes.is_empty() { format!("`{name}`") } else { format!("`{name}` ({})", scopes.join(", ")) }
    };
    alternative.iter().map(scheme).collect::<Vec<_>>().join(" and ")
}

fn choice(alternatives: &[Alternative<'_>]) -> String {
    alternatives.iter().map(described).collect::<Vec<_>>().join(" or ")
}
