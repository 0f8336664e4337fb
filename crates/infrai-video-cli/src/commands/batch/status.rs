use std::collections::BTreeMap;

use super::{is_missing, print, rows};
use crate::app::App;
use crate::args::StatusArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::{BatchReport, Counts};
use crate::table::Table;
use crate::text::count;
use crate::work::ClipCheck;

pub(super) async fn run(app: &App, args: &StatusArgs) -> Result<(), Failure> {
    let ledger = app.needed_ledger().await?;
    let service = app.service();
    let failed = |error| app.ledger_failed(&error);
    let check = ClipCheck::new(&ledger, args.verify);
    if let Some(name) = &args.name {
        let mut items = ledger.batch(&service, name).await.map_err(failed)?;
        check.mark(&mut items);
        if items.is_empty() {
            return Err(Failure::new(Exit::NotFound, format!("the ledger has no batch {name:?}"))
                .next(app.command("batch status")));
        }
        if app.screen.json || app.screen.quiet || !app.screen.stdout_is_terminal {
            print(app, name, &items)?;
        } else {
            let rows: Vec<Vec<String>> = rows(&items).into_iter().map(Vec::from).collect();
            app.screen.table(&Table::whole(&["ITEM", "STATE", "CLIP OR REASON"], &rows, 2))?;
        }
        return missing(app, items.iter().filter(|item| is_missing(item)).count());
    }
    let mut names = BTreeMap::new();
    for (name, ..) in ledger.batches(&service).await.map_err(failed)? {
        names.insert(name, ());
    }
    let (mut rows, mut lost) = (Vec::new(), 0);
    for name in names.into_keys() {
        let mut items = ledger.batch(&service, &name).await.map_err(failed)?;
        check.mark(&mut items);
        lost += items.iter().filter(|item| is_missing(item)).count();
        if app.screen.json {
            app.screen.json(&BatchReport::of(&name, &items))?;
            continue;
        }
        let counts = Counts::of(&items);
        let without = counts.missing + counts.failed + counts.cancelled;
        let numbers = [counts.items, counts.saved, counts.under_way, counts.planned, without];
        rows.push(std::iter::once(name).chain(numbers.map(|number| number.to_string())).collect());
    }
    if rows.is_empty() {
        if !app.screen.json {
            app.screen.say("note", "the ledger has no batch");
        }
        return missing(app, lost);
    }
    let headings = ["BATCH", "ITEMS", "SAVED", "UNDER WAY", "PLANNED", "WITHOUT"];
    app.screen.table(&Table::whole(&headings, &rows, 0))?;
    missing(app, lost)
}

/// That clips are gone nobody was told before.
fn missing(app: &App, number: usize) -> Result<(), Failure> {
    if number == 0 {
        return Ok(());
    }
    let failure = Failure::new(
        Exit::Incomplete,
        format!("{} that were saved before and are not there any more", count(number, "clip")),
    );
    Err(failure.next(format!("{}  (fetches them again, at no charge)", app.command("batch run PLAN"))))
}
