//! The time to generate a client from the document, beside other generators.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use external_tools::{openapi_generator, python};

use crate::DOCUMENT;
use crate::measure::hyperfine::{Runs, times};
use crate::page::goals::{Goal, goals};
use crate::page::table::{figure, some, table};
use crate::parts::{Length, tell};

/// A timed program: its name, its command, and the directory of its output, if there is any.
struct Generator {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    code: Option<PathBuf>,
}

pub(crate) fn section(root: &Path, length: Length, out: &mut dyn Write) -> anyhow::Result<String> {
    tell(out, "making a client, beside openapi-generator and openapi-python-client");
    let document = fs::read_to_string(root.join(DOCUMENT)).context(DOCUMENT)?;
    let operations = document.lines().filter_map(|line| line.trim().strip_prefix("operationId: "));
    let operations: Vec<String> = operations.map(str::to_owned).collect();
    let runs = Runs { warm_up: 1, measured: if length == Length::Full { 10 } else { 3 } };
    let mut timed = Vec::new();
    for generator in generators(root)? {
        let arguments: Vec<&str> = generator.arguments.iter().map(String::as_str).collect();
        let times = times(&generator.program, &arguments, &[], runs)?;
        let lines =
            generator.code.as_ref().map(|code| check(generator.name, code, &operations)).transpose()?;
        tell(out, &format!("{}: {times:?}, {lines:?} lines", generator.name));
        timed.push((generator.name, times, lines));
    }
    let ours = timed[0].1.median;
    let rows: Vec<_> = timed
        .iter()
        .map(|(name, times, lines)| {
            [
                (*name).to_owned(),
                figure(times.median),
                figure(ours / times.median),
                figure(times.least),
                some(lines.map(|lines| lines as f64)),
            ]
        })
        .collect();
    let head = ["generator", "median, s", "ours / it", "least, s", "lines of code"];
    let goal = |at: usize, name: &str| {
        let limit = timed.last().map_or(f64::NAN, |(_, times, _)| times.median);
        Goal::less(format!("seconds, to those of {name}"), ours, timed[at].1.median, 1.0).with_limit(limit)
    };
    Ok(format!(
        "From the start of a generator to its exit, with warm caches and no changes since the last run, timed by hyperfine over {} runs.\n\
         All read the same document, and each client was checked to have all {} operations. `cargo xtask regen` also writes the\n\
         fixtures, the reference, the provenance tables and the schemas of the command. openapi-generator runs without\n\
         validating the document and with the compiler that starts fastest (`-XX:TieredStopAtLevel=1`), openapi-python-client\n\
         without formatters. With `--check` ours compares everything with the files and writes nothing. The limit is a start\n\
         by cargo that generates nothing.\n\n{}{}",
        runs.measured,
        operations.len(),
        table(head, &rows),
        goals(&[goal(1, "openapi-generator"), goal(2, "openapi-python-client")])
    ))
}

fn generators(root: &Path) -> anyhow::Result<[Generator; 5]> {
    let root = fs::canonicalize(root)?;
    let made = root.join("target/bench/regen");
    fs::create_dir_all(&made).with_context(|| format!("{} cannot be made", made.display()))?;
    let (rust, python_client) = (made.join("rust"), made.join("python"));
    let jar = openapi_generator::jar(&root)?;
    let sources = root.join("tests/cross_language/python");
    let programs =
        python::environment(&root, "cross-language", &sources.join("requirements.txt"))?.join("bin");
    let document = root.join(DOCUMENT);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let ours = |name: &'static str, arguments: &[&str], code: Option<PathBuf>| Generator {
        name,
        program: std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()).into(),
        arguments: words(arguments),
        code,
    };
    let code = root.join("crates/infrai-video-client/src");
    Ok([
        ours("cargo xtask regen", &["xtask", "regen"], Some(code)),
        Generator {
            name: "openapi-generator, Rust",
            program: "java".into(),
            arguments: [
                words(&["-XX:TieredStopAtLevel=1", "-Xshare:auto", "-jar", &text(&jar), "generate"]),
                words(&[
                    "--skip-validate-spec",
                    "--global-property",
                    openapi_generator::CODE,
                    "--generator-name",
                    "rust",
                ]),
                words(&["--input-spec", &text(&document), "--output", &text(&rust)]),
            ]
            .concat(),
            code: Some(rust),
        },
        Generator {
            name: "openapi-python-client",
            program: programs.join("openapi-python-client"),
            arguments: [
                words(&["generate", "--meta", "none", "--overwrite"]),
                words(&["--output-path", &text(&python_client), "--path", &text(&document)]),
            ]
            .concat(),
            code: Some(python_client),
        },
        ours("cargo xtask regen --check", &["xtask", "regen", "--check"], None),
        ours("limit: cargo xtask --help", &["xtask", "--help"], None),
    ])
}

/// Checks that every operation has its function, and returns the number of lines.
fn check(generator: &str, directory: &Path, operations: &[String]) -> anyhow::Result<usize> {
    let mut code = String::new();
    read_all(directory, &mut code).with_context(|| format!("{generator}: {}", directory.display()))?;
    match operations.iter().find(|operation| !is_there(&code, operation)) {
        Some(missing) => Err(anyhow::anyhow!("{generator} made no function for {missing}")),
        None => Ok(code.lines().count()),
    }
}

/// Whether there is a function or a module with the name of the operation.
fn is_there(code: &str, operation: &str) -> bool {
    [format!("fn {operation}"), format!("module {operation}\n")].iter().any(|start| code.contains(start))
}

/// Adds the text of all source files below `directory`; that of a Python module follows its name.
fn read_all(directory: &Path, code: &mut String) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            read_all(&path, code)?;
        } else if matches!(extension, Some("rs" | "py")) {
            if extension == Some("py") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                code.push_str(&format!("module {name}\n"));
            }
            code.push_str(&fs::read_to_string(path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_without_a_function_is_noticed() {
        let code = "pub async fn video_get(id: &str) {}\nmodule video_list\n";
        assert!(is_there(code, "video_get") && is_there(code, "video_list"));
        assert!(!is_there(code, "video_lis") && !is_there(code, "video_cancel"));
    }
}
