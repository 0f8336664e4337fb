//! The wheel, in an environment of its own.

use std::fs;
use std::path::PathBuf;

use contract_tests::root;
use external_tools::skip::summarize;
use external_tools::{Process, python};

use crate::{Packages, example, packages};

/// The code under test of the README's example.
const APP: &str = "
from test_wheel import call
import infrai_video
def make_clip(base_url, api_key, prompt):
    session = infrai_video.Session(base_url)
    session.api_key = api_key
    try:
        return call(session, 'POST', '/v1/video/generate', {'prompt': prompt}, 'key')['job_id']
    except OSError:
        return call(session, 'POST', '/v1/video/generate', {'prompt': prompt}, 'key')['job_id']
";

/// A clean environment with the wheel, and with pytest from another one.
fn installed(packages: &Packages) -> PathBuf {
    let environment = packages.work("python");
    let tools = packages.tools.join("bin/python");
    Process::new(&tools, &environment).args("-m venv --clear --without-pip .").run().unwrap();
    Process::new(&tools, &environment)
        .named("pip")
        .args("-m pip --python bin/python --disable-pip-version-check install --quiet --no-index --no-deps")
        .arg(packages.file(".whl"))
        .run()
        .unwrap();
    let pytest = python::site_packages(&packages.tools).unwrap();
    let links = python::site_packages(&environment).unwrap().join("pytest.pth");
    fs::write(links, pytest.to_str().unwrap()).unwrap();
    environment
}

#[test]
#[ignore = "needs npm, PyPI and dpkg-deb: cargo xtask test --only dist"]
fn the_fixture_of_the_wheel_works_in_pytest_without_rust() {
    let Some(packages) = packages() else { return };
    let environment = installed(packages);
    let tests = root().canonicalize().unwrap().join("tests/dist/python/test_wheel.py");
    let run = |module: &str| {
        Process::new(environment.join("bin/python"), &environment)
            .named(module)
            .env("PATH", environment.join("bin"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONPATH", tests.parent().unwrap())
            .env_remove("INFRAI_VIDEO_COMMAND")
            .args("-m")
            .arg(module)
    };
    let pytest = || run("pytest").args("-q -p no:cacheprovider");
    let output = pytest().arg(&tests).output().unwrap();
    summarize(&format!("wheel: {}", output.lines().last().unwrap_or_default()));
    // In two processes, each with a sandbox.
    pytest().args("-n 2 -k").arg("begins or keys").arg(&tests).run().unwrap();
    run("mypy").args("--strict --cache-dir /dev/null").arg(&tests).run().unwrap();

    fs::write(environment.join("my_app.py"), APP).unwrap();
    fs::write(environment.join("test_readme.py"), example("python", "python")).unwrap();
    pytest().args("test_readme.py").run().unwrap();
}
