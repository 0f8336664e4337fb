//! The licences of the dependencies, compared with the list in deny.toml. cargo-deny does the same; this needs no network.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Context as _;
use contract_tests::root;
use external_tools::Process;
use external_tools::skip::{Unavailable, available};
use serde_json::{Value, json};
use spdx::{Expression, ParseMode};

/// Workspaces of the benchmarks, with lock files of their own. Other baselines build only beside a generated client, and depend
/// only on what that client names.
const BENCHMARKS: [&str; 4] = [
    "bench",
    "bench/baselines/rust",
    "bench/baselines/building/async-openai",
    "bench/baselines/building/reqwest",
];

/// Compares the output of `cargo metadata` with the part `licenses` of deny.toml, which `cargo deny` reads as well.
#[test]
#[ignore = "may need the network: cargo xtask test --only licences"]
fn deny_toml_allows_the_licence_of_each_dependency() {
    let deny = fs::read_to_string(root().join("deny.toml")).unwrap();
    let allowed = Allowed::parse(&deny).unwrap();
    let mut problems = problems(&metadata("").unwrap(), &allowed);
    for workspace in BENCHMARKS {
        let metadata = metadata(&format!("--locked --manifest-path {workspace}/Cargo.toml"));
        // Only those who run the benchmarks have fetched their dependencies.
        let metadata =
            metadata.context(Unavailable(format!("the dependencies of {workspace} are not fetched")));
        if let Some(metadata) = available("licences", metadata) {
            problems.extend(self::problems(&others(metadata), &allowed));
        }
    }
    assert!(problems.is_empty(), "{} licences are not allowed:\n{}", problems.len(), problems.join("\n"));
}

/// The whole graph; without the network only the part for this platform, since the rest may not have been fetched.
fn metadata(workspace: &str) -> anyhow::Result<Value> {
    let cargo = |more: &str| {
        let metadata = format!("metadata --format-version 1 --all-features {workspace} {more}");
        Process::cargo(&root()).args(&metadata).read()
    };
    let text = cargo("").or_else(|error| {
        let version = Process::new("rustc", &root()).args("-vV").read()?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or(error)?;
        cargo(&format!("--offline --filter-platform {host}"))
    })?;
    Ok(serde_json::from_str(&text)?)
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
    fn parse(text: &str) -> anyhow::Result<Self> {
        let table: toml::Table = text.parse()?;
        let licenses = table.get("licenses").context("there is no part [licenses]")?;
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

const LIST: &str = r#"
[licenses]
allow = ["MIT", "Apache-2.0", "Unicode-3.0"]
exceptions = [{ crate = "odd", allow = ["MPL-2.0"] }]
"#;

fn check(name: &str, license: Value) -> Vec<String> {
    let metadata = json!({"packages": [{"name": name, "version": "1.2.3", "license": license}]});
    problems(&metadata, &Allowed::parse(LIST).unwrap())
}

#[test]
fn a_choice_needs_one_and_a_sum_needs_all() {
    for good in ["MIT", "GPL-3.0-only OR MIT", "MIT/Zlib", "(MIT OR Zlib) AND Unicode-3.0"] {
        assert_eq!(check("a", json!(good)), Vec::<String>::new(), "{good}");
    }
    for bad in ["Zlib", "MIT AND Zlib", "Apache-2.0 WITH LLVM-exception"] {
        let expected = format!("a 1.2.3: `{bad}` is not allowed by deny.toml; replace it, or allow it there");
        assert_eq!(check("a", json!(bad)), [expected]);
    }
}

#[test]
fn an_exception_is_for_one_package_alone() {
    assert_eq!(check("odd", json!("MPL-2.0")), Vec::<String>::new());
    assert_eq!(check("other", json!("MPL-2.0")).len(), 1);
}

#[test]
fn a_package_without_a_licence_or_with_nonsense_is_reported() {
    assert!(check("a", Value::Null)[0].contains("names no licence"));
    assert!(check("a", json!("my own terms"))[0].contains("is no licence"));
}

#[test]
fn only_the_dependencies_of_the_benchmarks_are_checked() {
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
    assert_eq!(Allowed::parse("[bans]").unwrap_err().to_string(), "there is no part [licenses]");
    assert!(Allowed::parse("licenses = [").is_err());
}

#[test]
fn the_list_of_this_workspace_can_be_read() {
    let allowed = Allowed::parse(include_str!("../../deny.toml")).unwrap();
    assert!(allowed.has("any", "MIT"));
    assert!(allowed.has("progenitor", "MPL-2.0"));
    assert!(!allowed.has("any", "MPL-2.0"));
}
