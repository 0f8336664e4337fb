use std::collections::BTreeMap;

use super::{print, rows};
use crate::app::App;
use crate::args::StatusArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::{BatchReport, Counts};
use crate::table::Table;

pub(super) async fn run(app: &App, args: &StatusArgs) -> Result<(), Failure> {
    let ledger = app.needed_ledger().await?;
    let service = app.service();
    let failed = |error| app.ledger_failed(&error);
    if let Some(name) = &args.name {
        let items = ledger.batch(&service, name).await.map_err(failed)?;
        if items.is_empty() {
            return Err(Failure::new(Exit::NotFound, format!("the ledger has no batch {name:?}"))
                .next(app.command("batch status")));
        }
        if app.screen.json || app.screen.quiet || !app.screen.stdout_is_terminal {
            return print(app, name, &items);
        }
        let rows: Vec<Vec<String>> = rows(&items).into_iter().map(Vec::from).collect();
        return app.screen.table(&Table::whole(&["ITEM", "STATE", "CLIP OR REASON"], &rows, 2));
    }
    let mut names = BTreeMap::new();
    for (name, ..) in ledger.batches(&service).await.map_err(failed)? {
        names.insert(name, ());
    }
    let mut rows = Vec::new();
    for name in names.into_keys() {
        let items = ledger.batch(&service, &name).await.map_err(failed)?;
        if app.screen.json {
            app.screen.json(&BatchReport::of(&name, &items))?;
            continue;
        }
        let counts = Counts::of(&items);
        let numbers =
            [counts.items, counts.saved, counts.under_way, counts.planned, counts.failed + counts.cancelled];
        rows.push(std::iter::once(name).chain(numbers.map(|number| number.to_string())).collect());
    }
    if rows.is_empty() {
        if !app.screen.json {
            app.screen.say("note", "the ledger has no batch");
        }
        return Ok(());
    }
    let headings = ["BATCH", "ITEMS", "SAVED", "UNDER WAY", "PLANNED", "WITHOUT"];
    app.screen.table(&Table::whole(&headings, &rows, 0))
}
