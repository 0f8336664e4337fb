use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::schema::document;

pub(crate) fn run(ctx: &Context, name: Option<&str>) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&document(name)).map_err(|error| {
        Failure::new(Exit::Other, format!("the schema cannot be converted to JSON: {error}"))
    })?;
    ctx.output.verbatim(format!("{text}\n").as_bytes())
}
