//! What is in the binary: the packages that cargo links for one target, without macros and build scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use external_tools::Process;
use serde_json::Value;

use super::{FEATURES, PACKAGE, text};

/// Packages that only build scripts use, and whose data gets into the binary, with the packages of these build scripts.
const EMBEDDED: [(&str, &str); 1] = [("infrai-video-sandbox", "utoipa-swagger-ui-vendored")];

/// The packages of the binary.
#[derive(Debug)]
pub(super) struct Dependencies {
    /// By name and version: `serde 1.0.0`.
    pub(super) packages: BTreeMap<String, Package>,
    /// Which packages each of them uses.
    pub(super) edges: BTreeMap<String, BTreeSet<String>>,
    root: Package,
}

/// The facts of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) license: String,
    pub(super) authors: Vec<String>,
    pub(super) repository: Option<String>,
    pub(super) directory: PathBuf,
}

/// The output of `cargo metadata`. It fetches all packages of the target.
pub(super) fn metadata(root: &Path, triple: &str) -> Result<Value> {
    let metadata = Process::cargo(root).args("metadata --format-version 1 --locked --filter-platform");
    serde_json::from_str(&metadata.arg(triple).read()?).context("cargo metadata")
}

impl Dependencies {
    /// Only `cargo tree` selects the features of one package; the facts are in `metadata`.
    pub(super) fn of(root: &Path, triple: &str, metadata: &Value) -> Result<Self> {
        let tree = Process::cargo(root)
            .args(&format!("tree --locked --package {PACKAGE} --features {FEATURES} --target {triple}"))
            .args("--edges normal,no-proc-macro --prefix depth --format")
            .arg(" {p}");
        let mut dependencies = Self::new(&tree.read()?, metadata)?;
        for (user, embedded) in EMBEDDED {
            dependencies.embed(user, embedded, metadata)?;
        }
        Ok(dependencies)
    }

    /// Adds a package that the binary has data of.
    fn embed(&mut self, user: &str, name: &str, metadata: &Value) -> Result<()> {
        let mut all = metadata["packages"].as_array().into_iter().flatten();
        let package = all.find(|package| text(package, "name") == name).map(Package::read);
        let package = package.with_context(|| format!("cargo metadata has no {name}"))?;
        let user = self.packages.values().find(|package| package.name == user);
        let user = user.with_context(|| format!("nothing uses {name}"))?.key();
        self.edges.entry(user).or_default().insert(package.key());
        self.edges.entry(package.key()).or_default();
        self.packages.insert(package.key(), package);
        Ok(())
    }

    /// From lines like `2 serde v1.0.0 (*)`, with the depth in the tree.
    fn new(tree: &str, metadata: &Value) -> Result<Self> {
        let all = metadata["packages"].as_array().into_iter().flatten();
        let all: BTreeMap<String, Package> =
            all.map(Package::read).map(|package| (package.key(), package)).collect();
        let (mut packages, mut edges) = (BTreeMap::new(), BTreeMap::<_, BTreeSet<_>>::new());
        let mut path: Vec<String> = Vec::new();
        for line in tree.lines() {
            let mut words = line.split(' ');
            let mut word = || words.next().with_context(|| format!("cargo tree printed `{line}`"));
            let depth: usize = word()?.parse()?;
            let key = format!("{} {}", word()?, word()?.trim_start_matches('v'));
            path.truncate(depth);
            if let Some(user) = path.last() {
                edges.entry(user.clone()).or_default().insert(key.clone());
            }
            edges.entry(key.clone()).or_default();
            let package = all.get(&key).with_context(|| format!("cargo metadata has no {key}"))?;
            packages.insert(key.clone(), package.clone());
            path.push(key);
        }
        let root = path.first().and_then(|key| packages.get(key)).context("cargo tree printed nothing")?;
        Ok(Self { root: root.clone(), packages, edges })
    }

    #[cfg(test)]
    pub(super) fn test(packages: BTreeMap<String, Package>) -> Self {
        let root = packages.first_key_value().unwrap().1.clone();
        let edges = packages.keys().map(|key| (key.clone(), BTreeSet::new())).collect();
        Self { packages, edges, root }
    }

    /// The package of the command itself.
    pub(super) fn root(&self) -> &Package {
        &self.root
    }
}

impl Package {
    fn read(value: &Value) -> Self {
        let authors = value["authors"].as_array().into_iter().flatten();
        Self {
            name: text(value, "name").to_owned(),
            version: text(value, "version").to_owned(),
            // Older packages write `MIT/Apache-2.0` for a choice.
            license: text(value, "license").replace('/', " OR "),
            authors: authors.filter_map(Value::as_str).map(str::to_owned).collect(),
            repository: Some(text(value, "repository").to_owned()).filter(|url| !url.is_empty()),
            directory: Path::new(text(value, "manifest_path")).parent().unwrap_or(Path::new("")).to_owned(),
        }
    }

    fn key(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_tree_gives_each_package_once_with_what_it_uses() {
        let package = |name: &str| json!({"name": name, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": "r"});
        let metadata = json!({"packages": [package("a"), package("b"), package("c"), package("unused")]});
        let tree = "0 a v1.0.0 (/home/a)\n1 b v1.0.0\n2 c v1.0.0\n1 c v1.0.0 (*)\n";
        let dependencies = Dependencies::new(tree, &metadata).unwrap();
        assert_eq!(dependencies.root().name, "a");
        let edges: Vec<_> =
            dependencies.edges.iter().map(|(user, used)| (user.as_str(), used.len())).collect();
        assert_eq!(edges, [("a 1.0.0", 2), ("b 1.0.0", 1), ("c 1.0.0", 0)]);
        assert_eq!(dependencies.packages["b 1.0.0"].license, "MIT OR Apache-2.0");
        assert!(Dependencies::new("0 d v1.0.0", &metadata).is_err());

        let mut dependencies = dependencies;
        dependencies.embed("b", "unused", &metadata).unwrap();
        assert!(dependencies.edges["b 1.0.0"].contains("unused 1.0.0"));
        assert!(dependencies.packages.contains_key("unused 1.0.0"));
        assert!(dependencies.embed("b", "none", &metadata).is_err());
    }
}
