//! Tables for a terminal.

use anstyle::Style;

use crate::text::{clean, fit, fit_end, is_certain, isolate, width, wrap};

/// Columns between two cells.
const GAP: usize = 2;

/// Columns before a cell below its row.
const INDENT: usize = 2;

/// Minimum width of a column that is narrowed.
const LEAST: usize = 8;

/// The number of a column, and the style of each of its texts.
type ColumnStyle = (usize, fn(&str) -> Style);

/// Rows with headings. A column without any text is left out.
pub(crate) struct Table {
    pub(crate) headings: Vec<&'static str>,
    /// One cell for each heading.
    pub(crate) rows: Vec<Vec<String>>,
    /// What gives way on a narrow terminal, one after the other until the table fits.
    pub(crate) steps: Vec<Step>,
    /// A column with colours.
    pub(crate) style: Option<ColumnStyle>,
}

/// A change that makes a table narrower. Columns are numbered from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The column may be cut to so many columns of the terminal. Of several such columns the widest is cut first.
    Narrow {
        column: usize,
        least: usize,
        keep: Keep,
    },
    LeaveOut {
        column: usize,
    },
    /// The column gets a line of its own below each row.
    Below {
        column: usize,
    },
}

/// Which end of a cell stays if it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Start,
    /// The end of a path, which differs from others there; the start of any other text.
    EndOfPath,
}

/// The width of a column, and how its cells are cut. It is left out if its width is 0.
#[derive(Debug, Clone, Copy)]
struct Fitted {
    width: usize,
    least: usize,
    keep: Keep,
}

/// The properties of the terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) columns: usize,
    pub(super) can_move_cursor: bool,
    pub(super) has_colors: bool,
}

impl Step {
    pub(crate) const fn narrow(column: usize, least: usize) -> Self {
        Self::Narrow { column, least, keep: Keep::Start }
    }

    pub(crate) const fn narrow_paths(column: usize, least: usize) -> Self {
        Self::Narrow { column, least, keep: Keep::EndOfPath }
    }

    pub(crate) const fn leave_out(column: usize) -> Self {
        Self::LeaveOut { column }
    }

    pub(crate) const fn below(column: usize) -> Self {
        Self::Below { column }
    }

    fn column_below(&self) -> Option<usize> {
        if let Self::Below { column } = self { Some(*column) } else { None }
    }
}

impl Table {
    /// A table of which only the column `flexible` is narrowed.
    pub(crate) fn new(headings: &[&'static str], rows: Vec<Vec<String>>, flexible: usize) -> Self {
        Self { headings: headings.to_vec(), rows, steps: vec![Step::narrow(flexible, LEAST)], style: None }
    }

    /// The lines of the table, or one line for each cell if the table is too wide.
    pub(super) fn lines(&self, room: Room) -> Vec<String> {
        self.blocks(room).concat()
    }

    /// The lines of each row. Those of the headings are at the start of the first block.
    pub(super) fn blocks(&self, room: Room) -> Vec<Vec<String>> {
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect()).collect();
        let whole: Vec<Fitted> = (0..self.headings.len()).map(|column| self.column(&rows, column)).collect();
        let fitting = (0..=self.steps.len()).map(|steps| &self.steps[..steps]).find_map(|steps| {
            let columns = after(steps, whole.clone(), room.columns);
            (total(&columns) <= room.columns).then_some((columns, steps))
        });
        let Some((columns, steps)) = fitting else { return self.stacked(&rows, room.columns) };
        let below: Vec<usize> = steps.iter().filter_map(Step::column_below).collect();
        let lines = |row: &Vec<String>, style| {
            let cells = below.iter().map(|column| &row[*column]).filter(|cell| !cell.is_empty());
            let cells = cells.map(|cell| fit(cell, room.columns.saturating_sub(INDENT)));
            let cells = cells.map(|cell| format!("{:INDENT$}{}", "", isolate(&cell)));
            std::iter::once(line(row, &columns, room, style)).chain(cells).collect::<Vec<_>>()
        };
        let headings: Vec<String> = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
        let mut blocks: Vec<_> =
            rows.iter().map(|row| lines(row, self.style.filter(|_| room.has_colors))).collect();
        match blocks.first_mut() {
            Some(first) => drop(first.splice(..0, lines(&headings, None))),
            None => blocks.push(lines(&headings, None)),
        }
        blocks
    }

    /// A column that is not narrowed. An empty one needs no heading.
    fn column(&self, rows: &[Vec<String>], column: usize) -> Fitted {
        let widest = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
        let width = match widest {
            Some(0) => 0,
            widest => widest.unwrap_or_default().max(width(self.headings[column])),
        };
        Fitted { width, least: width, keep: Keep::Start }
    }

    fn stacked(&self, rows: &[Vec<String>], columns: usize) -> Vec<Vec<String>> {
        let name = self.headings.iter().map(|heading| width(heading)).max().unwrap_or_default() + GAP;
        let block = |(index, row): (usize, &Vec<String>)| {
            let mut lines = if index > 0 { vec![String::new()] } else { Vec::new() };
            for (heading, cell) in self.headings.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
                lines.extend(beside(&heading.to_lowercase(), cell, name, columns));
            }
            lines
        };
        rows.iter().enumerate().map(block).collect()
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

/// The columns after these steps, cut as far as needed.
fn after(steps: &[Step], mut columns: Vec<Fitted>, room: usize) -> Vec<Fitted> {
    for step in steps {
        match *step {
            Step::Narrow { column, least, keep } => {
                let column = &mut columns[column];
                (column.least, column.keep) = (least.min(column.width), keep);
            }
            Step::LeaveOut { column } | Step::Below { column } => {
                (columns[column].width, columns[column].least) = (0, 0)
            }
        }
    }
    while total(&columns) > room
        && let Some(widest) =
            columns.iter_mut().filter(|column| column.width > column.least).max_by_key(|column| column.width)
    {
        widest.width -= 1;
    }
    columns
}

/// The width of a table with these columns.
fn total(columns: &[Fitted]) -> usize {
    let shown = columns.iter().filter(|column| column.width > 0);
    shown.clone().map(|column| column.width).sum::<usize>() + GAP * shown.count().saturating_sub(1)
}

fn line(row: &[String], columns: &[Fitted], room: Room, style: Option<ColumnStyle>) -> String {
    let mut line = String::new();
    let mut next = 0;
    let mut shown =
        row.iter().zip(columns).enumerate().filter(|(_, (_, column))| column.width > 0).peekable();
    while let Some((index, (cell, column))) = shown.next() {
        let style = style.filter(|(styled, _)| *styled == index).map(|(_, of)| of(cell)).unwrap_or_default();
        let columns = column.width;
        let cell = match column.keep {
            Keep::EndOfPath if !cell.contains(' ') => fit_end(cell, columns),
            _ => fit(cell, columns),
        };
        line.push_str(&format!("{style}{}{style:#}", isolate(&cell)));
        next += columns + GAP;
        if shown.peek().is_none() {
            break;
        }
        match room.can_move_cursor && !is_certain(&cell) {
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
    const ROOM: Room = Room { columns: 80, can_move_cursor: true, has_colors: false };

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    fn lines(rows: &[Vec<String>], columns: usize) -> Vec<String> {
        Table::new(HEADINGS, rows.to_vec(), 2).lines(Room { columns, ..ROOM })
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
    fn an_empty_column_is_left_out() {
        let rows = [row(&["vj_1", "succeeded", ""])];
        for columns in [15, 80] {
            assert_eq!(lines(&rows, columns), ["JOB   STATE", "vj_1  succeeded"]);
        }
    }

    #[test]
    fn columns_give_way_in_the_order_of_the_steps() {
        let table = Table {
            headings: vec!["JOB", "AGE", "PROMPT", "FILE"],
            rows: vec![row(&[
                "vj_1",
                "3 min ago",
                "a lighthouse in a storm at night",
                "clips/lighthouse.mp4",
            ])],
            steps: vec![
                Step::narrow(2, 16),
                Step::narrow_paths(3, 14),
                Step::leave_out(3),
                Step::narrow(2, 12),
                Step::leave_out(1),
            ],
            style: None,
        };
        let row = |columns| table.lines(Room { columns, ..ROOM }).swap_remove(1);
        assert_eq!(row(71), "vj_1  3 min ago  a lighthouse in a storm at night  clips/lighthouse.mp4");
        assert_eq!(row(70), "vj_1  3 min ago  a lighthouse in a storm at n...  clips/lighthouse.mp4");
        assert_eq!(row(57), "vj_1  3 min ago  a lighthouse in...  clips/lighthouse.mp4");
        assert_eq!(row(51), "vj_1  3 min ago  a lighthouse ...  ...ighthouse.mp4");
        assert_eq!(row(48), "vj_1  3 min ago  a lighthouse in a storm at n...");
        assert_eq!(row(30), "vj_1  3 min ago  a lighthou...");
        assert_eq!(row(28), "vj_1  a lighthouse in a s...");
        assert_eq!(row(18), "vj_1  a lightho...");
        assert!(row(17).starts_with("age     3 min ago"));
    }

    #[test]
    fn a_column_may_get_a_line_of_its_own_below_each_row() {
        let table = Table {
            headings: vec!["JOB", "PROMPT", "STATE"],
            rows: vec![
                row(&["vj_1", "a lighthouse in a storm", "succeeded"]),
                row(&["vj_2", "", "failed"]),
                row(&["vj_3", "a harbour", "failed"]),
            ],
            steps: vec![Step::narrow(1, 16), Step::below(1)],
            style: Some((2, |state| {
                let color =
                    if state == "failed" { anstyle::AnsiColor::Red } else { anstyle::AnsiColor::Green };
                color.on_default()
            })),
        };
        let blocks = table.blocks(Room { columns: 20, ..ROOM });
        assert_eq!(
            blocks,
            [
                &["JOB   STATE", "  PROMPT", "vj_1  succeeded", "  a lighthouse in..."][..],
                &["vj_2  failed"],
                &["vj_3  failed", "  a harbour"]
            ]
        );
        // Colours do not move columns.
        let room = Room { columns: 33, has_colors: true, ..ROOM };
        assert_eq!(
            table.lines(room)[1..3],
            [
                "vj_1  a lighthouse ...  \u{1b}[32msucceeded\u{1b}[0m",
                "vj_2                    \u{1b}[31mfailed\u{1b}[0m"
            ]
        );
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
