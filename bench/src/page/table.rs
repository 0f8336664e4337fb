//! Tables in Markdown.

/// A table whose first column is text and whose others are figures.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&head.map(str::to_owned));
    text.push_str(&format!("|---|{}\n", "---:|".repeat(N - 1)));
    for row in rows {
        text.push_str(&line(row));
    }
    text.push('\n');
    text
}

/// A number with three significant digits, and separators of thousands.
pub(crate) fn figure(value: f64) -> String {
    if value >= 1000.0 {
        let digits = format!("{value:.0}");
        let groups: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
            .collect();
        return groups.join(",");
    }
    let places = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.places$}")
}

/// An integer with separators of thousands.
pub(crate) fn count(value: u32) -> String {
    if value < 1000 { value.to_string() } else { figure(f64::from(value)) }
}

/// The cell without a figure.
pub(crate) fn none() -> String {
    "–".to_owned()
}

/// The cell for a number that may be missing.
pub(crate) fn some(value: Option<f64>) -> String {
    value.map_or_else(none, figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let shown = [1_234_567.8, 1000.0, 999.4, 12.34, 0.126].map(figure);
        assert_eq!(shown, ["1,234,568", "1,000", "999", "12.3", "0.13"]);
    }

    #[test]
    fn what_was_counted_has_no_places() {
        assert_eq!([2, 999, 2000].map(count), ["2", "999", "2,000"]);
    }

    #[test]
    fn a_table_has_a_line_for_each_row() {
        let text = table(["what", "ours"], &[["status".to_owned(), "1".to_owned()]]);
        assert_eq!(text, "| what | ours |\n|---|---:|\n| status | 1 |\n\n");
    }
}
