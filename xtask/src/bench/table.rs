//! Tables in Markdown.

/// A table whose first column is text and whose others are figures.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&head.map(str::to_owned));
    text.push_str(&format!("|---|{}\n", "---:|".repeat(N - 1)));
    for row in rows {
        text.push_str(&line(row));
    }
    text.push('\n');
    text
}

/// A number with three figures that matter, and thousands set apart.
pub(super) fn figure(value: f64) -> String {
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

/// What a part should reach beside the best of its peers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Goal {
    what: String,
    ours: f64,
    peer: f64,
    /// The most that `ours / peer` may be.
    most: f64,
}

impl Goal {
    /// Ours should be at most `most` times what the peer has.
    pub(super) fn less(what: impl Into<String>, ours: f64, peer: f64, most: f64) -> Self {
        Self { what: what.into(), ours, peer, most }
    }

    fn is_met(&self) -> bool {
        self.ours <= self.peer * self.most
    }
}

/// The table of goals, and the command that makes the part again.
pub(super) fn goals(part: &str, goals: &[Goal]) -> String {
    let rows: Vec<_> = goals
        .iter()
        .map(|goal| {
            [
                goal.what.clone(),
                figure(goal.ours),
                figure(goal.peer),
                format!("{:.3}", goal.ours / goal.peer),
                format!("at most {}", goal.most),
                (if goal.is_met() { "yes" } else { "no" }).to_owned(),
            ]
        })
        .collect();
    let table = table(["goal", "ours", "peer", "ratio", "wanted", "met"], &rows);
    format!("### Goals\n\n{table}Made by `cargo xtask bench --only {part}`.\n\n")
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
    fn a_goal_says_whether_it_is_met() {
        let shown = goals("waiting", &[Goal::less("a", 1.0, 4.0, 0.5), Goal::less("b", 3.0, 4.0, 0.5)]);
        assert!(shown.contains("| a | 1.00 | 4.00 | 0.250 | at most 0.5 | yes |"), "{shown}");
        assert!(shown.contains("| b | 3.00 | 4.00 | 0.750 | at most 0.5 | no |"), "{shown}");
        assert!(shown.ends_with("`cargo xtask bench --only waiting`.\n\n"), "{shown}");
    }

    #[test]
    fn a_table_has_a_line_for_each_row() {
        let text = table(["what", "ours"], &[["status".to_owned(), "1".to_owned()]]);
        assert_eq!(text, "| what | ours |\n|---|---:|\n| status | 1 |\n\n");
    }
}
