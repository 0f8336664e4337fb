//! Clients of further generators: each reads every golden response, and a job's error of any shape.
//!
//! A program in `readers` finds the cases in the file `CASES`. It decodes the body of each with the generated type of its
//! schema, encodes it again, and writes the result into the file `READ`: a list for each client by its name.
//!
//! In TypeScript and Python a second program starts a job and lists it with each client, and prints the client's name.

use std::fs;
use std::path::PathBuf;

use contract_tests::root;
use external_tools::Process;
use external_tools::programs::{NODE, PHP, RUBY, require};
use external_tools::server::Server;
use external_tools::skip::{available, summarize};
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

/// Lets a program start and list a job with each of the clients. Each must send its idempotency key.
async fn starts_jobs(language: &str, build: Build, clients: &[&str]) {
    let root = root().canonicalize().unwrap();
    let program = build(&BuildDirectory::new(&root, &format!("readers/{language}")).unwrap());
    let Some(program) = available(&format!("readers/{language}"), program) else { return };
    // A job is queued until somebody advances the clock.
    let sandbox = Server::test_sandbox(&root, &["--clock", "manual"]).unwrap();
    let program = program.env("INFRAI_BASE_URL", sandbox.base_url());
    let output = program.env("NO_PROXY", "*").env("no_proxy", "*").output().unwrap();
    assert_eq!(output.lines().collect::<Vec<_>>(), clients);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let journal = client.get(format!("{}/__sandbox/journal", sandbox.base_url())).send().await.unwrap();
    let journal = journal.text().await.unwrap();
    for client in clients {
        assert!(
            journal.contains(&format!(r#"["idempotency-key","key-of-{client}"]"#)),
            "{client}: {journal}"
        );
    }
    summarize(&format!("readers/{language}: {} started and listed a job", clients.join(", ")));
}

/// The file with the cases.
fn cases_of(build: &BuildDirectory) -> PathBuf {
    build.path.with_extension("cases.json")
}

fn typescript(build: &BuildDirectory, program: &str) -> anyhow::Result<Process> {
    require(&[NODE])?;
    let packages = clients::node_packages(&build.root)?;
    let tool = |name: &str| build.run(packages.join("node_modules/.bin").join(name));
    build.once(|| {
        build.link_node_modules(&packages)?;
        build.copy_document()?;
        build.generate("--generator-name typescript-fetch --output src/openapi-generator")?;
        tool("openapi-ts").args("--no-log-file --input video.yaml --output src/hey").run()?;
        tool("kubb").args("generate").run()?;
        tool("orval").run()?;
        build.run("node").args("typed.mjs").env("CASES", cases_of(build)).run()?;
        tool("tsc").args("--project .").run()
    })?;
    Ok(build.run("node").args(program))
}

fn python(build: &BuildDirectory, program: &str) -> anyhow::Result<Process> {
    let programs = clients::python_environment(&build.root)?.join("bin");
    build.once(|| {
        build.copy_document()?;
        build.generate("--generator-name python --output client")?;
        let types = || build.run(programs.join("datamodel-codegen"));
        let types = || types().args("--input video.yaml --input-file-type openapi --output");
        types().args("models.py").run()?;
        types().args("collapsed.py --collapse-root-models --use-annotated").run()?;
        let mypy = build.run(programs.join("mypy")).env("MYPYPATH", "client");
        mypy.args("--strict --follow-imports silent jobs.py").run()
    })?;
    let python = build.run(programs.join("python")).env("PYTHONPATH", "client");
    Ok(python.env("PYTHONDONTWRITEBYTECODE", "1").args(program))
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

#[tokio::test]
#[ignore = "needs Node.js and Java: cargo xtask test --only cross-language"]
async fn clients_for_typescript_read_every_golden_response_and_start_jobs() {
    reads("typescript", |build| typescript(build, "dist/reader.js"));
    let clients = ["hey-api", "kubb", "orval", "openapi-generator"];
    starts_jobs("typescript", |build| typescript(build, "dist/jobs.js"), &clients).await;
}

#[tokio::test]
#[ignore = "needs Java and PyPI: cargo xtask test --only cross-language"]
async fn clients_for_python_read_every_golden_response_and_start_jobs() {
    reads("python", |build| python(build, "reader.py"));
    let clients = ["openapi-generator", "datamodel-code-generator"];
    starts_jobs("python", |build| python(build, "jobs.py"), &clients).await;
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
