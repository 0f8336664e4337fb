//! The npm packages, in a project of their own.

use std::fs;
use std::path::{Path, PathBuf};

use contract_tests::root;
use external_tools::skip::{available, summarize};
use external_tools::{Process, node};

use crate::{Packages, example, packages};

/// The code under test of the README's example.
const APP: &str = "
export async function makeClip(baseUrl, apiKey, prompt) {
  const headers = { authorization: `Bearer ${apiKey}`, 'idempotency-key': 'key', 'content-type': 'application/json' }
  const body = JSON.stringify({ prompt })
  const send = () => fetch(`${baseUrl}/v1/video/generate`, { method: 'POST', headers, body })
  const response = await send().catch(send)
  return (await response.json()).data.job_id
}
";

/// A project with the packages, installed without a registry.
fn project(packages: &Packages) -> PathBuf {
    let project = packages.work("node");
    fs::write(project.join("package.json"), "{\"private\": true, \"type\": \"module\"}").unwrap();
    let npm = Process::new("npm", &project).args("install --offline --no-audit --no-fund --loglevel=error");
    let version = version(packages);
    let file = |name: &str| packages.directory.join(format!("{name}-{version}.tgz"));
    npm.arg(file("infrai-video")).arg(file("infrai-video-linux-x64")).run().unwrap();
    project
}

fn version(packages: &Packages) -> String {
    let name = packages.file(".cdx.json");
    let name = name.file_name().unwrap().to_str().unwrap();
    name.split('-').nth(2).unwrap().to_owned()
}

/// A directory with nothing but Node.js and the commands of the project.
fn path(project: &Path) -> String {
    let only_node = project.join("path");
    fs::create_dir_all(&only_node).unwrap();
    let node = Process::new("node", project).args("-p process.execPath").read().unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(node.trim(), only_node.join("node")).unwrap();
    format!("{}:{}", only_node.display(), project.join("node_modules/.bin").display())
}

#[test]
#[ignore = "needs npm, PyPI and dpkg-deb: cargo xtask test --only dist"]
fn the_module_of_the_npm_packages_works_in_node_test_without_rust() {
    let Some(packages) = packages() else { return };
    let project = project(packages);
    let manifest = fs::read_to_string(project.join("node_modules/infrai-video/package.json")).unwrap();
    assert!(!manifest.contains("\"scripts\"") && manifest.contains("\"infrai-video-win32-x64\": \"0."));
    let tests = root().join("tests/dist");
    fs::copy(tests.join("node/sandbox.test.js"), project.join("sandbox.test.js")).unwrap();
    fs::write(project.join("my-app.js"), APP).unwrap();
    fs::write(project.join("readme.test.js"), example("npm", "js")).unwrap();
    let output = Process::new("node", &project)
        .env("PATH", path(&project))
        .env_remove("INFRAI_VIDEO_COMMAND")
        .args("--test --test-reporter tap")
        .output()
        .unwrap();
    let passed = output.lines().find(|line| line.starts_with("# pass ")).unwrap();
    summarize(&format!("npm: {}", passed.trim_start_matches("# ")));

    let Some(tools) = available("dist", node::packages(&root(), "dist-tests", &tests)) else { return };
    fs::copy(tests.join("tsconfig.json"), project.join("tsconfig.json")).unwrap();
    let types = tools.canonicalize().unwrap().join("node_modules/@types");
    #[cfg(unix)]
    std::os::unix::fs::symlink(types, project.join("node_modules/@types")).unwrap();
    Process::new(tools.join("node_modules/.bin/tsc").canonicalize().unwrap(), &project)
        .named("tsc")
        .args("--project .")
        .run()
        .unwrap();
}
