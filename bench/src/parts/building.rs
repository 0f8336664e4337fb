//! The cost of building a program of ten lines: time, crates, and the size of the binary.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use external_tools::openapi_generator;

use crate::DOCUMENT;
use crate::measure::one_response::OneResponse;
use crate::page::goals::{Goal, goals};
use crate::page::table::{figure, table};
use crate::parts::{Length, tell};

/// Where the programs are, below the root.
const PROGRAMS: &str = "bench/baselines/building";

/// A program: its name on the page, its directory, and the call that it makes.
struct Program {
    name: &'static str,
    directory: &'static str,
    /// The path of its request, and the response.
    path: &'static str,
    response: &'static str,
    base_url: &'static str,
    base_path: &'static str,
    key: &'static str,
}

const JOB: &str = r#"{"ok":true,"data":{"job_id":"vj_1","state":"queued"},"error":null,"metadata":{}}"#;
const VIDEO: &str = r#"{"id":"vj_1","object":"video","model":"sora-2","status":"queued","progress":0,"created_at":1,
    "seconds":"4","size":"720x1280"}"#;

const SELF: Program = Program {
    name: "infrai-video",
    directory: "ours",
    path: "/v1/video/generate",
    response: JOB,
    base_url: "INFRAI_BASE_URL",
    base_path: "",
    key: "INFRAI_API_KEY",
};

const ALL: [Program; 4] = [
    SELF,
    Program {
        name: "async-openai 0.43.0, feature video",
        directory: "async-openai",
        path: "/v1/videos",
        response: VIDEO,
        base_url: "OPENAI_BASE_URL",
        base_path: "/v1",
        key: "OPENAI_API_KEY",
    },
    Program { name: "client by openapi-generator", directory: "openapi-generator", ..SELF },
    Program { name: "limit: reqwest, by hand", directory: "reqwest", ..SELF },
];

/// How our binary was made smaller, which the table cannot show.
const FOUND: &str = "With `--release` and before anything was cut, ours took 129 crates and 6.50 MB. One call that may panic, \
jiff's\n`Timestamp::now`, had brought in 0.16 MB: the words of all of its errors. A second writer of sorted JSON was 0.03 MB. \
schemars was 0.02 MB\nand six crates, and is now a feature that is off by default. The generator's own runtime is gone, with what \
it asked of reqwest. The\nseconds of processor did not change by more than they differ from run to run: half of them go to \
aws-lc, rustls, reqwest and tokio, which\nall of these programs have. Of the code that the SDK's own crate becomes, two fifths are \
serde's: each kind of answer is read strictly\nfirst, and then leniently where it is not quite what the contract says.\n\n";

/// The cost of a build.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Built {
    wall: f64,
    processor: f64,
    crates: usize,
    bytes: u64,
}

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "building, beside async-openai, a client by openapi-generator and reqwest by hand");
    let root = fs::canonicalize(root)?;
    let mut all = Vec::new();
    for program in &ALL {
        let place = prepare(&root, program)?;
        let built = build(&place, length)?;
        check(&place, program, length)?;
        remove(&place.join("target"))?;
        tell(out, &format!("{}: {built:?}", program.name));
        all.push(built);
    }
    let rows: Vec<_> = ALL
        .iter()
        .zip(&all)
        .map(|(program, built)| {
            [
                program.name.to_owned(),
                figure(built.wall),
                figure(built.processor),
                figure(all[0].processor / built.processor),
                built.crates.to_string(),
                figure(built.bytes as f64 / 1e6),
            ]
        })
        .collect();
    let head = ["library", "seconds", "seconds of processor", "ours / it", "crates", "stripped binary, MB"];
    let goal = |what: &str, of: fn(&Built) -> f64| {
        [(1, "async-openai"), (2, "openapi-generator")]
            .map(|(peer, name)| Goal::less(format!("{what}, to {name}"), of(&all[0]), of(&all[peer]), 1.0))
    };
    let wanted =
        [goal("seconds of processor", |built| built.processor), goal("bytes", |built| built.bytes as f64)];
    Ok(format!(
        "A program that starts one job and prints its id, built from nothing without a network, {}. All\n\
         use reqwest with rustls, and were run against a server that saw their one request. Each is built once.\n\
         The limit is the same call without a library for it.\n\n{FOUND}{}{}",
        if length == Length::Full { "with `--release`" } else { "without optimisation" },
        table(head, &rows),
        goals(wanted.as_flattened())
    ))
}

/// The directory of a program below `target`, with everything that its build needs.
fn prepare(root: &Path, program: &Program) -> anyhow::Result<PathBuf> {
    let place = root.join("target/bench/building").join(program.directory);
    remove(&place)?;
    let sources = root.join(PROGRAMS).join(program.directory);
    for file in ["Cargo.toml", "src/main.rs"] {
        copy(&sources.join(file), &place.join(file))?;
    }
    // Ours uses the lock file of the workspace, the others their own.
    let ours = program.directory == SELF.directory;
    copy(&if ours { root } else { &sources }.join("Cargo.lock"), &place.join("Cargo.lock"))?;
    if program.directory == "openapi-generator" {
        openapi_generator::rust_client(root, &root.join(DOCUMENT), &place.join("client"), "client")?;
    }
    let mut fetch = cargo(&place);
    fetch.arg("fetch").args((!ours).then_some("--locked"));
    run(&mut fetch, &format!("what {} depends on cannot be fetched", program.name))?;
    Ok(place)
}

/// Builds without any earlier output.
fn build(place: &Path, length: Length) -> anyhow::Result<Built> {
    remove(&place.join("target"))?;
    let mut cargo = Command::new("/usr/bin/time");
    cargo.args(["-f", "%U %S"]).arg(program("cargo")).arg("build").args(["--offline", "--locked"]);
    cargo.args((length == Length::Full).then_some("--release"));
    let started = Instant::now();
    let output = clean(&mut cargo, place).output().context("time cannot be started")?;
    let wall = started.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.trim_end().lines().next_back().unwrap_or_default();
    if !output.status.success() {
        anyhow::bail!("{} cannot be built: {last}", place.display());
    }
    let bytes = fs::metadata(binary(place, length))?.len();
    Ok(Built {
        wall,
        processor: last.split(' ').filter_map(|time| time.parse::<f64>().ok()).sum(),
        crates: text.lines().filter(|line| line.trim_start().starts_with("Compiling ")).count(),
        bytes,
    })
}

fn binary(place: &Path, length: Length) -> PathBuf {
    place.join("target").join(if length == Length::Full { "release" } else { "debug" }).join("program")
}

/// Checks that the program sends its request and understands the response.
fn check(place: &Path, program: &Program, length: Length) -> anyhow::Result<()> {
    let server = OneResponse::start(program.response)?;
    let output = Command::new(binary(place, length))
        .env(program.base_url, format!("{}{}", server.base_url(), program.base_path))
        .env(program.key, "ifr_pk_bench")
        .env("NO_PROXY", "*")
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    if printed.trim() != "vj_1" {
        anyhow::bail!(
            "{} did not print its job: {}",
            program.name,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let request = server.request()?;
    let expected = format!("POST {} HTTP/1.1", program.path);
    let first = request.lines().next().unwrap_or_default();
    (first == expected && request.contains("a city at dusk"))
        .then_some(())
        .with_context(|| format!("{} sent `{first}`, and not `{expected}` with its prompt", program.name))
}

fn cargo(place: &Path) -> Command {
    let mut cargo = Command::new(program("cargo"));
    clean(&mut cargo, place);
    cargo
}

/// The command in that directory, without cargo settings from the environment.
fn clean<'a>(command: &'a mut Command, place: &Path) -> &'a mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let settings = ["CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_INCREMENTAL", "RUSTFLAGS", "RUSTC_WRAPPER"];
        if settings.iter().any(|setting| text.starts_with(setting)) {
            command.env_remove(&name);
        }
    }
    command.current_dir(place).env("CARGO_TARGET_DIR", place.join("target")).stdin(Stdio::null())
}

fn program(name: &str) -> std::ffi::OsString {
    std::env::var_os(name.to_uppercase()).unwrap_or_else(|| name.into())
}

fn run(command: &mut Command, otherwise: &str) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("{otherwise}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.trim_end().lines().next_back().unwrap_or_default();
    output.status.success().then_some(()).with_context(|| format!("{otherwise}: {last}"))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let parent = to.parent().unwrap_or(to);
    let copied = fs::create_dir_all(parent).and_then(|()| fs::copy(from, to));
    copied.map(|_| ()).with_context(|| format!("{} cannot be copied", from.display()))
}

fn remove(directory: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(anyhow::anyhow!("{} cannot be removed: {error}", directory.display()))
        }
        _ => Ok(()),
    }
}
