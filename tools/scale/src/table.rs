//! Tables and numbers in Markdown.

/// A table. Columns of numbers are aligned on the right.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let is_number = |cell: &str| cell.starts_with(|first: char| first.is_ascii_digit());
    let rule: String = (0..N)
        .map(|column| match rows.iter().all(|row| is_number(&row[column])) && column > 0 {
            true => "---:|",
            false => "---|",
        })
        .collect();
    line(&head.map(str::to_owned))
        + "|"
        + &rule
        + "\n"
        + &rows.iter().map(|row| line(row)).collect::<String>()
        + "\n"
}

/// An integer with separators of thousands.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with three significant digits, and separators of thousands.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        1000.0.. => count(value.round() as u64),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.1.. => format!("{value:.2}"),
        _ => format!("{value:.5}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let shown = [1_234_567.8, 1000.0, 999.4, 12.34, 0.126, 0.00126, 0.0].map(figure);
        assert_eq!(shown, ["1,234,568", "1,000", "999", "12.3", "0.13", "0.00126", "0"]);
    }

    #[test]
    fn integers_have_separators() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }
}
