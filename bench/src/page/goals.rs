//! The goals of a part of the page, and whether they are met.

use crate::page::table::{figure, none, some, table};

/// The heading of a part's goals.
pub(crate) const HEADING: &str = "### Goals";

/// The columns of their table.
pub(crate) const COLUMNS: [&str; 7] = ["compared", "ours", "peer", "limit", "ratio", "goal", "met"];

/// A goal for one of our figures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Goal {
    what: String,
    ours: f64,
    /// The figure that ours is compared with, if there is one.
    theirs: Option<f64>,
    /// What the machine allows to a program that does nothing else, if it was measured.
    limit: Option<f64>,
    /// The ratio of the two figures, if it was measured by itself.
    ratio: Option<f64>,
    wanted: Wanted,
}

/// The limit of `ours / theirs`, or of `ours` if there is no other figure.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wanted {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    /// Our figure should be at most `most` times the other.
    pub(crate) fn less(what: impl Into<String>, ours: f64, theirs: f64, most: f64) -> Self {
        Self { theirs: Some(theirs), ..Self::at_most(what, ours, most) }
    }

    /// Our figure should be at least `least` times the other.
    pub(crate) fn more(what: impl Into<String>, ours: f64, theirs: f64, least: f64) -> Self {
        Self { wanted: Wanted::AtLeast(least), ..Self::less(what, ours, theirs, least) }
    }

    /// Our figure should be at most `most`.
    pub(crate) fn at_most(what: impl Into<String>, ours: f64, most: f64) -> Self {
        Self { what: what.into(), ours, theirs: None, limit: None, ratio: None, wanted: Wanted::AtMost(most) }
    }

    /// Our figure should be at least `least`.
    pub(crate) fn at_least(what: impl Into<String>, ours: f64, least: f64) -> Self {
        Self { wanted: Wanted::AtLeast(least), ..Self::at_most(what, ours, least) }
    }

    /// The limit of our figure, which is shown beside it.
    pub(crate) fn with_limit(self, limit: f64) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// The ratio of the two figures where it was measured by itself, such as the median of the ratios of several rounds.
    pub(crate) fn with_ratio(self, ratio: f64) -> Self {
        Self { ratio: Some(ratio), ..self }
    }

    fn ratio(&self) -> Option<f64> {
        let ratio = self.ratio.or_else(|| self.theirs.map(|theirs| self.ours / theirs));
        // Rounded as on the page, so that the page cannot contradict itself.
        ratio.map(|ratio| (ratio * 1000.0).round() / 1000.0)
    }

    fn is_met(&self) -> bool {
        let reached = self.ratio().unwrap_or(self.ours);
        match self.wanted {
            Wanted::AtMost(most) => reached <= most,
            Wanted::AtLeast(least) => reached >= least,
        }
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let wanted = match self.wanted {
            Wanted::AtMost(most) => format!("at most {most}"),
            Wanted::AtLeast(least) => format!("at least {least}"),
        };
        [
            self.what.clone(),
            figure(self.ours),
            some(self.theirs),
            some(self.limit),
            self.ratio().map_or_else(none, |ratio| format!("{ratio:.3}")),
            wanted,
            (if self.is_met() { "yes" } else { "**no**" }).to_owned(),
        ]
    }
}

/// The table of a part's goals, under its heading.
pub(crate) fn goals(goals: &[Goal]) -> String {
    let rows: Vec<_> = goals.iter().map(Goal::cells).collect();
    format!("{HEADING}\n\n{}", table(COLUMNS, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(goal: &Goal) -> String {
        goal.cells().join(" | ")
    }

    #[test]
    fn a_goal_says_whether_it_is_met() {
        assert_eq!(row(&Goal::less("a", 1.0, 4.0, 0.5)), "a | 1.00 | 4.00 | – | 0.250 | at most 0.5 | yes");
        assert_eq!(
            row(&Goal::less("a", 3.0, 4.0, 0.5)),
            "a | 3.00 | 4.00 | – | 0.750 | at most 0.5 | **no**"
        );
        assert_eq!(
            row(&Goal::more("a", 3.0, 4.0, 0.9)),
            "a | 3.00 | 4.00 | – | 0.750 | at least 0.9 | **no**"
        );
        assert_eq!(
            row(&Goal::more("a", 9.0, 4.0, 0.9).with_limit(8.0)),
            "a | 9.00 | 4.00 | 8.00 | 2.250 | at least 0.9 | yes"
        );
        assert_eq!(
            row(&Goal::less("a", 3.0, 4.0, 0.5).with_ratio(0.5)),
            "a | 3.00 | 4.00 | – | 0.500 | at most 0.5 | yes"
        );
        assert_eq!(row(&Goal::at_most("a", 39.0, 40.0)), "a | 39.0 | – | – | – | at most 40 | yes");
        assert_eq!(row(&Goal::at_most("a", 41.0, 40.0)), "a | 41.0 | – | – | – | at most 40 | **no**");
    }

    #[test]
    fn a_ratio_is_judged_as_it_is_shown() {
        assert!(Goal::less("a", 103.04, 100.0, 1.03).is_met());
        assert!(!Goal::less("a", 103.06, 100.0, 1.03).is_met());
    }

    #[test]
    fn no_figure_meets_no_goal() {
        assert!(!Goal::less("a", f64::NAN, 1.0, 1.0).is_met());
        assert!(!Goal::more("a", 1.0, f64::NAN, 1.0).is_met());
        assert!(!Goal::at_most("a", f64::NAN, 1.0).is_met());
    }
}
