//! Rows under headings, for a terminal.

use crate::layout::{fit, is_certain, isolate, width, wrap};
use crate::text::clean;

/// The columns between two cells.
const GAP: usize = 2;

/// The column that gives way is not made narrower than this.
const LEAST: usize = 8;

/// What is put into columns.
pub(crate) struct Table<'a> {
    /// What the columns are called.
    pub(crate) headings: &'a [&'a str],
    /// One cell for each heading.
    pub(crate) rows: &'a [Vec<String>],
    /// The column that is made narrower where there is too little room.
    pub(crate) give: usize,
    /// Whether the headings are shown above the first row, or were shown before.
    pub(crate) first: First,
}

/// Whether rows are the first ones of their list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    Yes,
    No,
}

/// What the terminal can do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) columns: usize,
    /// Whether it can be told in which column to go on.
    pub(crate) can_move: bool,
}

impl<'a> Table<'a> {
    /// A whole table.
    pub(crate) fn whole(headings: &'a [&'a str], rows: &'a [Vec<String>], give: usize) -> Self {
        Self { headings, rows, give, first: First::Yes }
    }
}

impl Table<'_> {
    /// The lines: a table, or where that is too wide, one line for each cell.
    pub(crate) fn lines(&self, room: Room) -> Vec<String> {
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect()).collect();
        let widths: Vec<usize> = (0..self.headings.len()).map(|column| self.width(&rows, column)).collect();
        if let Some(widths) = self.fitting(&rows, widths, room.columns) {
            let headings = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
            let above = (self.first == First::Yes).then_some(&headings);
            return above.into_iter().chain(&rows).map(|row| line(row, &widths, room.can_move)).collect();
        }
        self.stacked(&rows, room.columns)
    }

    fn width(&self, rows: &[Vec<String>], column: usize) -> usize {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
        cells.unwrap_or_default().max(width(self.headings[column]))
    }

    /// The widths with which the table fits; no width for a column that is left out.
    fn fitting(&self, rows: &[Vec<String>], mut widths: Vec<usize>, columns: usize) -> Option<Vec<usize>> {
        let whole = |widths: &[usize]| {
            let shown = widths.iter().filter(|width| **width > 0);
            shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
        };
        let too_much = whole(&widths).saturating_sub(columns);
        let give = widths.get_mut(self.give)?;
        *give = give.saturating_sub(too_much).max(LEAST.min(*give));
        if whole(&widths) > columns {
            // A heading above nothing says nothing.
            let is_empty = rows.iter().all(|row| row.get(self.give).is_none_or(String::is_empty));
            widths[self.give] = if is_empty { 0 } else { widths[self.give] };
        }
        (whole(&widths) <= columns).then_some(widths)
    }

    fn stacked(&self, rows: &[Vec<String>], columns: usize) -> Vec<String> {
        let name = self.headings.iter().map(|heading| width(heading)).max().unwrap_or_default() + GAP;
        let mut lines = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if index > 0 || self.first == First::No {
                lines.push(String::new());
            }
            for (heading, cell) in self.headings.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
                lines.extend(beside(&heading.to_lowercase(), cell, name, columns));
            }
        }
        lines
    }
}

/// A name and its value, which goes on below itself where it is too long.
pub(crate) fn beside(name: &str, value: &str, gap: usize, columns: usize) -> Vec<String> {
    let parts = wrap(value, columns.saturating_sub(gap));
    let name_of = |index| if index == 0 { name } else { "" };
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| format!("{:gap$}{}", name_of(index), isolate(part)).trim_end().to_owned())
        .collect()
}

fn line(row: &[String], widths: &[usize], can_move: bool) -> String {
    let mut line = String::new();
    let mut next = 0;
    let mut shown = row.iter().zip(widths).filter(|(_, width)| **width > 0).peekable();
    while let Some((cell, columns)) = shown.next() {
        let cell = fit(cell, *columns);
        line.push_str(&isolate(&cell));
        next += columns + GAP;
        if shown.peek().is_none() {
            break;
        }
        match can_move && !is_certain(&cell) {
            // Spaces would lead to different columns on different terminals.
            true => line.push_str(&format!("\u{1b}[{}G", next + 1)),
            false => line.push_str(&" ".repeat(columns - width(&cell) + GAP)),
        }
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADINGS: &[&str] = &["JOB", "STATE", "REASON"];

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    fn lines(rows: &[Vec<String>], columns: usize) -> Vec<String> {
        let table = Table { headings: HEADINGS, rows, give: 2, first: First::Yes };
        table.lines(Room { columns, can_move: true })
    }

    #[test]
    fn a_table_is_aligned_and_fits() {
        let rows = [
            row(&["vj_1", "succeeded", ""]),
            row(&["vj_22", "failed", "the vendor refused the prompt for its words"]),
        ];
        let wide = lines(&rows, 100);
        assert_eq!(wide[0], "JOB    STATE      REASON");
        assert_eq!(wide[1], "vj_1   succeeded");
        assert_eq!(wide[2], "vj_22  failed     the vendor refused the prompt for its words");
        assert_eq!(lines(&rows, 40)[2], "vj_22  failed     the vendor refused ...");
    }

    #[test]
    fn a_table_that_is_too_wide_is_written_cell_by_cell() {
        let rows =
            [row(&["vj_1", "succeeded", ""]), row(&["vj_22", "failed", "the vendor refused the prompt"])];
        assert_eq!(
            lines(&rows, 25),
            [
                "job     vj_1",
                "state   succeeded",
                "",
                "job     vj_22",
                "state   failed",
                "reason  the vendor",
                "        refused the",
                "        prompt"
            ]
        );
    }

    #[test]
    fn an_empty_column_is_left_out_before_that() {
        let rows = [row(&["vj_1", "succeeded", ""])];
        assert_eq!(lines(&rows, 15), ["JOB   STATE", "vj_1  succeeded"]);
    }

    #[test]
    fn a_table_shows_no_control_characters() {
        assert_eq!(lines(&[row(&["a\u{1b}[31m\tb", "", ""])], 80)[1], "a\\u{1b}[31m\\tb");
    }

    #[test]
    fn a_cell_of_uncertain_width_is_followed_by_a_move() {
        let rows = [row(&["vj_1", "👩\u{200d}🚀", "x"]), row(&["vj_2", "שלום", "x"])];
        assert_eq!(
            lines(&rows, 80)[1..],
            ["vj_1  👩\u{200d}🚀\u{1b}[14Gx", "vj_2  \u{2068}שלום\u{2069}   x"]
        );
    }

    proptest! {
        #[test]
        fn no_line_of_a_table_is_wider_than_the_terminal(
            cells in proptest::collection::vec("[a-z\u{5d0}-\u{5d5}\u{301}\u{4e00}-\u{4e05}👩🚀]{0,12}", 9),
            columns in 12_usize..60,
        ) {
            let rows: Vec<Vec<String>> = cells.chunks(3).map(<[String]>::to_vec).collect();
            for line in lines(&rows, columns) {
                let shown = line.split('\u{1b}').next().unwrap_or_default();
                // A word alone may be longer: it is wrapped by the terminal and not cut.
                let is_stacked = ["job ", "state ", "reason "].iter().any(|name| line.starts_with(name));
                prop_assert!(is_stacked || width(shown) <= columns, "{:?}", line);
            }
        }
    }
}
