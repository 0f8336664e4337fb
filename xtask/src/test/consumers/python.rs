//! Python: openapi-python-client, checked by `mypy --strict`.

use super::{Child, Context, Outcome, Workshop, carry_out};
use crate::tools::python;

pub(super) fn prepare(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let place = &workshop.place;
    let requirements = workshop.sources.join("requirements.txt");
    let programs = python::environment(&workshop.root, "consumers", &requirements)
        .map_err(Outcome::Skipped)?
        .join("bin");
    workshop.once(|| {
        let generate = Child::new(programs.join("openapi-python-client"), place)
            .arguments("generate --output-path client --path")
            .argument(&workshop.document)
            .named("openapi-python-client");
        carry_out(context, generate)?;
        let check =
            Child::new(programs.join("mypy"), place).env("MYPYPATH", "client").arguments("--strict main.py");
        carry_out(context, check.named("mypy"))
    })?;
    let program = Child::new(programs.join("python"), place).env("PYTHONPATH", "client");
    Ok(program.env("PYTHONDONTWRITEBYTECODE", "1").arguments("main.py"))
}
