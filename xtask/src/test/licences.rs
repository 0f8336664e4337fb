//! Licences: each dependency's is on the list in deny.toml.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use serde_json::Value;
use spdx::{Expression, ParseMode};

use super::{Child, Context, Outcome};

/// Programs of the benchmarks that are workspaces of their own, with lock files of their own. The others of them build only
/// beside a client that is generated, and depend on no more than that client names.
const PEERS: [&str; 3] =
    ["xtask/peers/rust", "xtask/peers/building/async-openai", "xtask/peers/building/reqwest"];

/// Compares what `cargo metadata` says with the part `licenses` of deny.toml, which `cargo deny` reads as well.
pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let allowed = match fs::read_to_string(context.root.join("deny.toml")).map(|text| Allowed::parse(&text)) {
        Ok(Ok(allowed)) => allowed,
        Ok(Err(problem)) => return Ok(Outcome::Failed(format!("deny.toml: {problem}"))),
        Err(error) => return Ok(Outcome::Failed(format!("deny.toml: {error}"))),
    };
    let mut problems = match metadata(context, "") {
        Ok(metadata) => problems(&metadata, &allowed),
        Err(problem) => return Ok(Outcome::Failed(problem)),
    };
    let mut unseen = None;
    for peer in PEERS {
        match metadata(context, &format!("--locked --manifest-path {peer}/Cargo.toml")) {
            Ok(metadata) => problems.extend(self::problems(&others(metadata), &allowed)),
            // Only who measures has fetched what they need.
            Err(problem) => unseen = Some(format!("{peer} was not looked at: {problem}")),
        }
    }
    for problem in &problems {
        writeln!(context.out, "{problem}")?;
    }
    Ok(match (problems.len(), unseen) {
        (0, None) => Outcome::Passed,
        (0, Some(unseen)) => Outcome::Skipped(unseen),
        (count, _) => Outcome::Failed(format!("{count} not allowed")),
    })
}

/// The whole graph; without the network only what this platform needs, since the rest may not have been fetched.
fn metadata(context: &mut Context<'_>, workspace: &str) -> Result<Value, String> {
    let cargo = |arguments: &str| Child::cargo(context.root).arguments(arguments).output();
    let text =
        cargo(&format!("metadata --format-version 1 --all-features {workspace}")).or_else(|problem| {
            let version = Child::new("rustc", context.root).arguments("-vV").output()?;
            let version = String::from_utf8_lossy(&version).into_owned();
            let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or(problem)?;
            cargo(&format!(
                "metadata --format-version 1 --all-features {workspace} --offline --filter-platform {host}"
            ))
        })?;
    serde_json::from_slice(&text).map_err(|error| format!("cargo metadata: {error}"))
}

/// The packages that come from elsewhere. Programs that are only measured need no licence.
fn others(mut metadata: Value) -> Value {
    if let Some(packages) = metadata.get_mut("packages").and_then(Value::as_array_mut) {
        packages.retain(|package| package["source"].is_string());
    }
    metadata
}

/// What deny.toml allows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Allowed {
    everywhere: BTreeSet<String>,
    /// Licences that are allowed for one package alone.
    exceptions: BTreeSet<(String, String)>,
}

impl Allowed {
    fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
        let licenses = table.get("licenses").ok_or("there is no part [licenses]")?;
        let everywhere = strings(licenses.get("allow")).collect();
        let list = licenses.get("exceptions").and_then(toml::Value::as_array).into_iter().flatten();
        let exceptions = list.flat_map(|exception| {
            let package = exception.get("crate").and_then(toml::Value::as_str).unwrap_or_default();
            strings(exception.get("allow")).map(move |license| (package.to_owned(), license))
        });
        Ok(Self { everywhere, exceptions: exceptions.collect() })
    }

    fn has(&self, package: &str, license: &str) -> bool {
        self.everywhere.contains(license)
            || self.exceptions.contains(&(package.to_owned(), license.to_owned()))
    }
}

fn strings(list: Option<&toml::Value>) -> impl Iterator<Item = String> {
    let list = list.and_then(toml::Value::as_array).into_iter().flatten();
    list.filter_map(|item| item.as_str().map(str::to_owned))
}

fn problems(metadata: &Value, allowed: &Allowed) -> Vec<String> {
    let packages = metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
    packages.filter_map(|package| problem(package, allowed)).collect()
}

fn problem(package: &Value, allowed: &Allowed) -> Option<String> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let (name, version) = (text("name")?, text("version").unwrap_or_default());
    let Some(license) = text("license") else {
        return Some(format!("{name} {version}: names no licence; replace it or ask its authors"));
    };
    // Older packages write `MIT/Apache-2.0` for a choice.
    let expression = match Expression::parse_mode(license, ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => {
            return Some(format!("{name} {version}: `{license}` is no licence: {}", error.reason));
        }
    };
    if expression.evaluate(|requirement| allowed.has(name, &requirement.to_string())) {
        return None;
    }
    Some(format!("{name} {version}: `{license}` is not allowed by deny.toml; replace it, or allow it there"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIST: &str = r#"
[licenses]
allow = ["MIT", "Apache-2.0", "Unicode-3.0"]
exceptions = [{ crate = "odd", allow = ["MPL-2.0"] }]
"#;

    fn judge(name: &str, license: Value) -> Vec<String> {
        let metadata = json!({"packages": [{"name": name, "version": "1.2.3", "license": license}]});
        problems(&metadata, &Allowed::parse(LIST).unwrap())
    }

    #[test]
    fn a_choice_needs_one_and_a_sum_needs_all() {
        for good in ["MIT", "GPL-3.0-only OR MIT", "MIT/Zlib", "(MIT OR Zlib) AND Unicode-3.0"] {
            assert_eq!(judge("a", json!(good)), Vec::<String>::new(), "{good}");
        }
        for bad in ["Zlib", "MIT AND Zlib", "Apache-2.0 WITH LLVM-exception"] {
            let expected =
                format!("a 1.2.3: `{bad}` is not allowed by deny.toml; replace it, or allow it there");
            assert_eq!(judge("a", json!(bad)), [expected]);
        }
    }

    #[test]
    fn an_exception_is_for_one_package_alone() {
        assert_eq!(judge("odd", json!("MPL-2.0")), Vec::<String>::new());
        assert_eq!(judge("other", json!("MPL-2.0")).len(), 1);
    }

    #[test]
    fn a_package_without_a_licence_or_with_nonsense_is_reported() {
        assert!(judge("a", Value::Null)[0].contains("names no licence"));
        assert!(judge("a", json!("my own terms"))[0].contains("is no licence"));
    }

    #[test]
    fn of_the_programs_that_are_measured_only_the_packages_of_others_are_judged() {
        let all = json!({"packages": [
            {"name": "program", "license": null, "source": null},
            {"name": "other", "license": null, "source": "registry"},
        ]});
        let left = problems(&others(all), &Allowed::parse(LIST).unwrap());
        assert_eq!(left.len(), 1);
        assert!(left[0].starts_with("other"), "{left:?}");
    }

    #[test]
    fn a_list_without_its_part_is_an_error() {
        assert_eq!(Allowed::parse("[bans]").unwrap_err(), "there is no part [licenses]");
        assert!(Allowed::parse("licenses = [").is_err());
    }

    #[test]
    fn the_list_of_this_workspace_can_be_read() {
        let allowed = Allowed::parse(include_str!("../../../deny.toml")).unwrap();
        assert!(allowed.has("any", "MIT"));
        assert!(allowed.has("progenitor", "MPL-2.0"));
        assert!(!allowed.has("any", "MPL-2.0"));
    }
}
