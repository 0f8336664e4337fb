//! Reads and prints the items of a batch in pages, since all items of a large batch would need much memory.

use std::collections::{BTreeMap, HashMap};

use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::ledger::{Item, Ledger, Stage};
use crate::schema::{BatchReport, Counts, ItemReport, billed_cost};
use crate::text::{clean_json, usd};
use crate::ui::Table;

/// Number of items that are in memory.
const PAGE: usize = 500;

/// Number of bytes of JSON that are written at once.
const BLOCK: usize = 64 * 1024;

/// The stages in the totals, in this order.
const STAGES: [Stage; 9] = [
    Stage::Saved,
    Stage::Missing,
    Stage::Failed,
    Stage::Refused,
    Stage::Cancelled,
    Stage::Sent,
    Stage::Accepted,
    Stage::Fetched,
    Stage::Planned,
];

/// Calls `each` with each recorded item, in the order of the ids.
pub(super) async fn for_each<'i>(
    ctx: &Context,
    ledger: &Ledger,
    ids: impl Iterator<Item = &'i str>,
    mut each: impl FnMut(Item) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (service, mut ids) = (ctx.service(), ids);
    loop {
        let page: Vec<&str> = ids.by_ref().take(PAGE).collect();
        if page.is_empty() {
            return Ok(());
        }
        let mut items: HashMap<String, Item> =
            ledger.items(&service, &page).await.map_err(|error| ctx.ledger_failed(&error))?;
        page.iter().filter_map(|id| items.remove(*id)).try_for_each(&mut each)?;
    }
}

/// Sums over the items of a batch.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) counts: Counts,
    pub(super) cost_usd: f64,
    /// Number, seconds and cost of the items at each stage.
    stages: BTreeMap<Stage, (usize, f64, f64)>,
}

impl Totals {
    pub(super) fn add(&mut self, stage: Stage, seconds: Option<f64>, cost_usd: Option<f64>) {
        let (seconds, cost) = (seconds.unwrap_or_default(), billed_cost(stage, cost_usd).unwrap_or_default());
        self.counts.add(stage);
        self.cost_usd += cost;
        let (items, all_seconds, all_cost) = self.stages.entry(stage).or_default();
        (*items, *all_seconds, *all_cost) = (*items + 1, *all_seconds + seconds, *all_cost + cost);
    }

    /// The seconds of the items at a stage.
    pub(super) fn seconds(&self, stage: Stage) -> f64 {
        self.stages.get(&stage).map_or(0.0, |(_, seconds, _)| *seconds)
    }

    /// A table with a row for each stage.
    pub(super) fn table(&self) -> Table {
        let row = |stage: Stage| {
            let (items, seconds, cost) = self.stages.get(&stage)?;
            Some(vec![stage.to_string(), items.to_string(), seconds.to_string(), usd(*cost)])
        };
        let rows = STAGES.into_iter().filter_map(row).collect();
        Table::new(&["STATE", "CLIPS", "SECONDS", "USD"], rows, 0)
    }
}

/// Writes a [`BatchReport`] whose items follow one after another.
pub(super) struct ReportWriter<W> {
    write: W,
    is_pretty: bool,
    block: String,
    has_items: bool,
}

impl<W: FnMut(&str) -> Result<(), Failure>> ReportWriter<W> {
    /// `write` gets the text. The form is one line, or one with an indentation if `is_pretty` is set.
    pub(super) fn new(batch: &str, totals: &Totals, is_pretty: bool, write: W) -> Result<Self, Failure> {
        let mut writer = Self { write, is_pretty, block: String::new(), has_items: false };
        let empty = writer.json(&BatchReport::new(batch, totals.counts, totals.cost_usd))?;
        // The items come last.
        let (before, _) = empty.rsplit_once(']').unwrap_or((&empty, ""));
        writer.block.push_str(before);
        Ok(writer)
    }

    pub(super) fn item(&mut self, item: &Item) -> Result<(), Failure> {
        let json = self.json(&ItemReport::of(item))?;
        if std::mem::replace(&mut self.has_items, true) {
            self.block.push(',');
        }
        match self.is_pretty {
            // Inside of strings there are no line breaks.
            true => self.block.push_str(&format!("\n{json}").replace('\n', "\n    ")),
            false => self.block.push_str(&json),
        }
        match self.block.len() < BLOCK {
            true => Ok(()),
            false => (self.write)(&std::mem::take(&mut self.block)),
        }
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let end = match (self.is_pretty, self.has_items) {
            (true, true) => "\n  ]\n}\n",
            (true, false) => "]\n}\n",
            (false, _) => "]}\n",
        };
        self.block.push_str(end);
        (self.write)(&self.block)
    }

    fn json(&self, value: &impl serde::Serialize) -> Result<String, Failure> {
        let json = match self.is_pretty {
            true => serde_json::to_string_pretty(value),
            false => serde_json::to_string(value),
        };
        json.map_err(|error| {
            Failure::new(Exit::Other, format!("the result cannot be converted to JSON: {error}"))
        })
    }
}

/// Writes JSON on stdout.
pub(super) fn to_stdout(ctx: &Context) -> impl FnMut(&str) -> Result<(), Failure> {
    |json| {
        // A line break is unsafe inside of the document, and ends it.
        let end = if json.ends_with('\n') { "\n" } else { "" };
        let json = clean_json(json.strip_suffix('\n').unwrap_or(json));
        ctx.output.verbatim(format!("{json}{end}").as_bytes())
    }
}

/// A line of the output where stdout is no terminal, or the path alone with `--quiet`.
pub(super) fn print_line(ctx: &Context, item: &Item) -> Result<(), Failure> {
    let output = &ctx.output;
    match (output.quiet, &item.path) {
        (false, _) => output.row(&row(item).each_ref().map(String::as_str)),
        (true, Some(path)) if item.stage == Stage::Saved => output.line(path),
        (true, _) => Ok(()),
    }
}

/// Name, state, and path or reason.
pub(super) fn row(item: &Item) -> [String; 3] {
    let last = match item.stage {
        Stage::Saved => item.path.clone(),
        _ => item.error.clone().or_else(|| item.job_id.clone()),
    };
    [item.label(), item.stage.to_string(), last.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ClipRequest;
    use crate::ledger::Destination;

    fn item(prompt: &str) -> Item {
        let request: ClipRequest = serde_json::from_value(serde_json::json!({"prompt": prompt})).unwrap();
        Item::planned("http://127.0.0.1:1", "a", "k".to_owned(), &request, Destination::Nowhere)
    }

    #[test]
    fn a_report_is_the_same_document_in_either_form() {
        for count in [0, 1, 3, 1000] {
            let mut documents = Vec::new();
            for is_pretty in [false, true] {
                let (mut text, mut totals) = (String::new(), Totals::default());
                (0..count).for_each(|_| totals.add(Stage::Planned, None, None));
                let write = |part: &str| {
                    text.push_str(part);
                    Ok(())
                };
                let mut writer = ReportWriter::new("b]{", &totals, is_pretty, write).unwrap();
                for number in 0..count {
                    writer.item(&item(&format!("two\nlines ]{number}"))).unwrap();
                }
                writer.finish().unwrap();
                let document: serde_json::Value = serde_json::from_str(&text).unwrap();
                let formatted = match is_pretty {
                    true => serde_json::to_string_pretty(&document).unwrap(),
                    false => serde_json::to_string(&document).unwrap(),
                };
                // The members have the same order if the map keeps it; the length never depends on it.
                assert_eq!(text.len(), formatted.len() + 1);
                assert_eq!(document["items"].as_array().unwrap().len(), count);
                documents.push(document);
            }
            assert_eq!(documents[0], documents[1]);
        }
    }
}
