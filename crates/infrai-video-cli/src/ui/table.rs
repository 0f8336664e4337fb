//! Tables for a terminal.

use crate::text::{clean, fit, is_certain, isolate, width, wrap};

/// Columns between two cells.
const GAP: usize = 2;

/// Minimum width of the flexible column.
const LEAST: usize = 8;

/// Rows with headings.
pub(crate) struct Table<'a> {
    pub(crate) headings: &'a [&'a str],
    /// One cell for each heading.
    pub(crate) rows: &'a [Vec<String>],
    /// The column that is narrowed on a narrow terminal.
    pub(crate) flexible: usize,
    pub(crate) header: Header,
}

/// Whether the headings are printed above the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    Shown,
    /// These rows continue a table.
    Hidden,
}

/// The properties of the terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) columns: usize,
    pub(super) can_move_cursor: bool,
}

impl<'a> Table<'a> {
    /// A table with its headings.
    pub(crate) fn new(headings: &'a [&'a str], rows: &'a [Vec<String>], flexible: usize) -> Self {
        Self { headings, rows, flexible, header: Header::Shown }
    }
}

impl Table<'_> {
    /// The lines of the table, or one line for each cell if the table is too wide.
    pub(super) fn lines(&self, room: Room) -> Vec<String> {
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect()).collect();
        let widths: Vec<usize> = (0..self.headings.len()).map(|column| self.width(&rows, column)).collect();
        if let Some(widths) = self.fitting(&rows, widths, room.columns) {
            let headings = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
            let above = (self.header == Header::Shown).then_some(&headings);
            return above
                .into_iter()
                .chain(&rows)
                .map(|row| line(row, &widths, room.can_move_cursor))
                .collect();
        }
        self.stacked(&rows, room.columns)
    }

    fn width(&self, rows: &[Vec<String>], column: usize) -> usize {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
        cells.unwrap_or_default().max(width(self.headings[column]))
    }

    /// The widths with which the table fits; 0 for a column that is left out.
    fn fitting(&self, rows: &[Vec<String>], mut widths: Vec<usize>, columns: usize) -> Option<Vec<usize>> {
        let whole = |widths: &[usize]| {
            let shown = widths.iter().filter(|width| **width > 0);
            shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
        };
        let too_much = whole(&widths).saturating_sub(columns);
        let flexible = widths.get_mut(self.flexible)?;
        *flexible = flexible.saturating_sub(too_much).max(LEAST.min(*flexible));
        if whole(&widths) > columns {
            // An empty column needs no heading.
            let is_empty = rows.iter().all(|row| row.get(self.flexible).is_none_or(String::is_empty));
            widths[self.flexible] = if is_empty { 0 } else { widths[self.flexible] };
        }
        (whole(&widths) <= columns).then_some(widths)
    }

    fn stacked(&self, rows: &[Vec<String>], columns: usize) -> Vec<String> {
        let name = self.headings.iter().map(|heading| width(heading)).max().unwrap_or_default() + GAP;
        let mut lines = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if index > 0 || self.header == Header::Hidden {
                lines.push(String::new());
            }
            for (heading, cell) in self.headings.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
                lines.extend(beside(&heading.to_lowercase(), cell, name, columns));
            }
        }
        lines
    }
}

/// A name and its value, which is continued on more lines if it is too long.
pub(super) fn beside(name: &str, value: &str, gap: usize, columns: usize) -> Vec<String> {
    let parts = wrap(value, columns.saturating_sub(gap));
    let name_of = |index| if index == 0 { name } else { "" };
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| format!("{:gap$}{}", name_of(index), isolate(part)).trim_end().to_owned())
        .collect()
}

fn line(row: &[String], widths: &[usize], can_move_cursor: bool) -> String {
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
        match can_move_cursor && !is_certain(&cell) {
            // Spaces would end in different columns on different terminals.
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
        Table::new(HEADINGS, rows, 2).lines(Room { columns, can_move_cursor: true })
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
    fn a_table_that_is_too_wide_has_a_line_for_each_cell() {
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
    fn an_empty_column_is_left_out_first() {
        let rows = [row(&["vj_1", "succeeded", ""])];
        assert_eq!(lines(&rows, 15), ["JOB   STATE", "vj_1  succeeded"]);
    }

    #[test]
    fn a_table_shows_no_control_characters() {
        assert_eq!(lines(&[row(&["a\u{1b}[31m\tb", "", ""])], 80)[1], "a\\u{1b}[31m\\tb");
    }

    #[test]
    fn a_cell_of_uncertain_width_is_followed_by_a_cursor_movement() {
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
                // A single word may be longer: the terminal wraps it.
                let is_stacked = ["job ", "state ", "reason "].iter().any(|name| line.starts_with(name));
                prop_assert!(is_stacked || width(shown) <= columns, "{:?}", line);
            }
        }
    }
}
