//! The inputs of the model: tools/scale/constants.toml, and tables of docs/benchmarks.md.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

const FILE: &str = include_str!("../constants.toml");

/// An input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Constant {
    pub(crate) value: f64,
    pub(crate) unit: String,
    pub(crate) from: String,
    /// The heading, the row and the column of a table in docs/benchmarks.md.
    table: Option<[String; 3]>,
    factor: Option<f64>,
}

/// All inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Constants(pub(crate) BTreeMap<String, Constant>);

impl Constants {
    /// The file, with numbers of the tables on the page of the benchmarks.
    ///
    /// # Errors
    /// If the file is invalid.
    pub(crate) fn read(benchmarks: &str) -> anyhow::Result<Self> {
        let mut constants: Self = toml::from_str(FILE).context("tools/scale/constants.toml")?;
        for constant in constants.0.values_mut() {
            let measured = constant.table.as_ref().and_then(|table| number_in(benchmarks, table));
            if let Some(measured) = measured {
                constant.value = rounded(measured * constant.factor.unwrap_or(1.0));
            }
        }
        Ok(constants)
    }

    /// # Panics
    /// If there is no such constant, which tests of the page would show.
    pub(crate) fn get(&self, name: &str) -> f64 {
        self.0.get(name).unwrap_or_else(|| panic!("tools/scale/constants.toml has no {name}")).value
    }
}

/// A number of a table: the first row whose first cell begins with the name.
fn number_in(page: &str, [heading, row, column]: &[String; 3]) -> Option<f64> {
    let section = page.split_once(&format!("{heading}\n"))?.1;
    let table = section.split_once("\n| ").map(|(_, table)| format!("| {table}"))?;
    let mut lines = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    let column = lines.next()?.iter().position(|name| name == column)?;
    let cells = lines.find(|cells| cells[0].starts_with(row.as_str()))?;
    cells.get(column)?.replace(',', "").parse().ok()
}

/// The value with four digits: the tables have fewer, and so it is the same after it was stored as text.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# B\n\n## Clips\n\nText.\n\n| client | MiB | s |\n|---|---:|---:|\n| ours | 1,024 | 1 |\n| theirs | 7 | – |\n\n## Next\n";

    fn find(row: &str, column: &str) -> Option<f64> {
        number_in(PAGE, &["## Clips", row, column].map(str::to_owned))
    }

    #[test]
    fn a_number_is_found_by_its_heading_row_and_column() {
        assert_eq!(find("ours", "MiB"), Some(1024.0));
        assert_eq!(find("theirs", "s"), None);
        assert_eq!(find("ours", "kB"), None);
        assert_eq!(find("others", "MiB"), None);
    }

    #[test]
    fn a_measured_number_replaces_that_of_the_file() {
        let page = "## A large clip\n\n| program | MiB a second |\n|---|---:|\n| ours | 1,000 |\n";
        let (measured, stored) = (Constants::read(page).unwrap(), Constants::read("").unwrap());
        assert_eq!(measured.get("download"), 1049.0);
        assert_ne!(stored.get("download"), 1049.0);
    }
}
