//! Clients of further generators, made with the generators' defaults: each reads every golden response, and a job's error of
//! any shape.
//!
//! A program in `readers` finds the cases in the file `CASES`. It decodes the body of each with the generated type of its
//! schema, encodes it again, and writes the result into the file `READ`: a list for each client by its name.

use std::fs;
use std::path::PathBuf;

use contract_tests::root;
use external_tools::programs::{NODE, PHP, RUBY, require};
use external_tools::skip::{available, summarize};
use external_tools::{Process, node, python};
use openapi_tools::fixtures::fixtures;

use crate::build_directory::BuildDirectory;
use crate::{Build, clients, document, round_trip};

/// Builds a program and compares what it read with the golden responses.
fn reads(language: &str, build: Build) {
    let root = root().canonicalize().unwrap();
    let document = document();
    let cases = round_trip::cases(&document, &fixtures(&document).unwrap()).unwrap();
    let directory = BuildDirectory::new(&root, &format!("readers/{language}")).unwrap();
    // Some programs are compiled with the cases.
    let path = cases_of(&directory);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, serde_json::to_vec(&cases).unwrap()).unwrap();
    let Some(program) = available(&format!("readers/{language}"), build(&directory)) else { return };
    let read = directory.path.join("read.json");
    program.env("CASES", path).env("READ", &read).run().unwrap();
    let clients = round_trip::compare(&cases, &fs::read(read).unwrap()).unwrap();
    let plural = if clients == 1 { "" } else { "s" };
    summarize(&format!("readers/{language}: {clients} client{plural} read {} cases", cases.len()));
}

/// The file with the cases.
fn cases_of(build: &BuildDirectory) -> PathBuf {
    build.path.with_extension("cases.json")
}

fn typescript(build: &BuildDirectory) -> anyhow::Result<Process> {
    require(&[NODE])?;
    let packages = node::packages(&build.root, "typescript-readers", &build.sources)?;
    let program = |name: &str| build.run(packages.join("node_modules/.bin").join(name));
    build.once(|| {
        build.link_node_modules(&packages)?;
        build.generate("--generator-name typescript-fetch --output src/openapi-generator")?;
        let hey = program("openapi-ts").args("--no-log-file --output src/hey --input");
        hey.arg(&build.document).run()?;
        program("orval").args("--output src/orval.ts --input").arg(&build.document).run()?;
        build.run("node").args("typed.mjs").env("CASES", cases_of(build)).run()?;
        program("tsc").args("--project .").run()
    })?;
    Ok(build.run("node").args("dist/reader.js"))
}

fn python(build: &BuildDirectory) -> anyhow::Result<Process> {
    let requirements = build.sources.join("requirements.txt");
    let programs = python::environment(&build.root, "readers", &requirements)?.join("bin");
    build.once(|| {
        build.generate("--generator-name python --output client")?;
        let models = build.run(programs.join("datamodel-codegen"));
        models.args("--input-file-type openapi --output models.py --input").arg(&build.document).run()?;
        build.run(programs.join("python")).args("-m compileall -q client models.py").run()
    })?;
    Ok(build.run(programs.join("python")).env("PYTHONPATH", "client").args("reader.py"))
}

fn go(build: &BuildDirectory) -> anyhow::Result<Process> {
    clients::build_go(build, "--generator-name go --output client", "reader")
}

fn php(build: &BuildDirectory) -> anyhow::Result<Process> {
    require(&[PHP])?;
    build.once(|| build.generate("--generator-name php --output client"))?;
    Ok(build.run("php").args("reader.php"))
}

fn ruby(build: &BuildDirectory) -> anyhow::Result<Process> {
    require(&[RUBY])?;
    build.once(|| build.generate("--generator-name ruby --output client"))?;
    Ok(build.run("ruby").args("reader.rb"))
}

fn rust(build: &BuildDirectory) -> anyhow::Result<Process> {
    let target = build.root.join("target/cross-language/rust");
    build.once(|| {
        build.generate("--generator-name rust --output client")?;
        Process::cargo(&build.path).args("build --locked").env("CARGO_TARGET_DIR", &target).run()
    })?;
    Ok(build.run(target.join("debug/reader")))
}

#[test]
#[ignore = "needs Node.js and Java: cargo xtask test --only cross-language"]
fn clients_for_typescript_read_every_golden_response() {
    reads("typescript", typescript);
}

#[test]
#[ignore = "needs Java and PyPI: cargo xtask test --only cross-language"]
fn clients_for_python_read_every_golden_response() {
    reads("python", python);
}

#[test]
#[ignore = "needs Java and PyPI: cargo xtask test --only cross-language"]
fn a_client_for_go_reads_every_golden_response() {
    reads("go", go);
}

#[test]
#[ignore = "needs PHP and Java: cargo xtask test --only cross-language"]
fn a_client_for_php_reads_every_golden_response() {
    reads("php", php);
}

#[test]
#[ignore = "needs Ruby and Java: cargo xtask test --only cross-language"]
fn a_client_for_ruby_reads_every_golden_response() {
    reads("ruby", ruby);
}

#[test]
#[ignore = "needs Java: cargo xtask test --only cross-language"]
fn a_client_for_rust_reads_every_golden_response() {
    reads("rust", rust);
}
