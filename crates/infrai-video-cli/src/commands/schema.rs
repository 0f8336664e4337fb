use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::schema::document;

pub(super) fn run(app: &App, name: Option<&str>) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&document(name))
        .map_err(|error| Failure::new(Exit::Other, format!("no JSON form: {error}")))?;
    app.screen.verbatim(format!("{text}\n").as_bytes())
}
