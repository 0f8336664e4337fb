//! The page as text: its sections in their order, the command under each table, and the summary of all goals.

use crate::page::goals::{COLUMNS, HEADING};
use crate::page::table::table;

/// The section above all others.
const SUMMARY: &str = "## Summary";

/// The text before and after the number of seconds that a part took.
const TOOK: [&str; 2] = ["This part took ", " s, with what it had to build."];

/// The page with this section instead of the one with the same heading, in the given order, and with an updated summary.
pub(crate) fn with(page: &str, order: &[&str], section: &str) -> String {
    let mut parts: Vec<&str> = parts(page).into_iter().filter(|part| heading(part) != SUMMARY).collect();
    parts.retain(|part| heading(part) != heading(section));
    parts.push(section);
    // The text before the first section has no heading, and stays first.
    parts.sort_by_key(|part| match heading(part) {
        "" => 0,
        heading => 1 + order.iter().position(|one| *one == heading).unwrap_or(order.len()),
    });
    let summary = summary(&parts);
    let after_head = usize::from(parts.first().is_some_and(|part| heading(part).is_empty()));
    parts.insert(after_head, &summary);
    let mut page = parts.iter().map(|part| part.trim_end()).collect::<Vec<_>>().join("\n\n");
    page.push('\n');
    page
}

/// A section with the command that repeats it under each of its tables, and with its duration at the end.
pub(crate) fn finished(section: &str, part: &str, seconds: f64) -> String {
    let blocks = section.trim_end().split("\n\n").map(|block| {
        if block.starts_with("| ") {
            return format!("{block}\n\n`cargo xtask bench --only {part}`");
        }
        block.to_owned()
    });
    let text = blocks.collect::<Vec<_>>().join("\n\n");
    format!("{text}\n\n{}{seconds:.0}{}\n\n", TOOK[0], TOOK[1])
}

/// The goals of all parts, each with a link to its part, where a missed goal is explained.
fn summary(parts: &[&str]) -> String {
    let mut rows = Vec::new();
    for part in parts {
        let name = heading(part).trim_start_matches("## ");
        let anchor = name.to_lowercase().replace(' ', "-");
        for line in goal_lines(part) {
            let cells: Vec<String> =
                line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
            if let Ok([compared, rest @ ..]) = <[String; COLUMNS.len()]>::try_from(cells) {
                let [ours, peer, limit, ratio, goal, met] = rest;
                rows.push([format!("[{name}](#{anchor}): {compared}"), ours, peer, limit, ratio, goal, met]);
            }
        }
    }
    let met = rows.iter().filter(|[.., met]| met == "yes").count();
    let seconds: u64 = parts.iter().filter_map(|part| took(part)).sum();
    format!(
        "{SUMMARY}\n\n{met} of {} goals are met. A ratio is ours divided by the peer's, and the goal is about it; without a ratio it is about\n\
         our figure. The text of a part explains the goals that it misses. The parts took {} minutes, one after another.\n\n{}",
        rows.len(),
        seconds.div_ceil(60),
        table(COLUMNS, &rows)
    )
}

/// The lines of a section's table of goals, without its head.
fn goal_lines(section: &str) -> impl Iterator<Item = &str> {
    let after = section.split_once(&format!("{HEADING}\n")).map_or("", |(_, after)| after);
    let lines = after.lines().skip_while(|line| !line.starts_with('|'));
    lines.take_while(|line| line.starts_with('|')).skip(2)
}

/// The duration of a section in seconds, read from its text.
fn took(section: &str) -> Option<u64> {
    let (_, after) = section.split_once(&format!("\n{}", TOOK[0]))?;
    after.split_once(TOOK[1])?.0.parse().ok()
}

/// The text before the first section, if there is any, and each section.
fn parts(page: &str) -> Vec<&str> {
    let mut starts = vec![0];
    starts.extend(page.match_indices("\n## ").map(|(at, _)| at + 1));
    starts.push(page.len());
    let parts = starts.windows(2).map(|ends| &page[ends[0]..ends[1]]);
    parts.filter(|part| !part.trim().is_empty()).collect()
}

/// The first line of a section; empty for the text before all sections.
fn heading(part: &str) -> &str {
    part.lines().next().filter(|line| line.starts_with("## ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::goals::{Goal, goals};

    const ORDER: [&str; 3] = ["## A call", "## Waiting", "## The command"];
    const PAGE: &str = "# B\n\nText.\n\n## A call\n\nfirst\n\n## The command\n\nold\n";

    /// The page without its summary.
    fn changed(page: &str, section: &str) -> String {
        let page = with(page, &ORDER, section);
        let (head, rest) = page.split_once("## Summary\n").unwrap();
        let at = rest.find("\n## ").unwrap();
        format!("{head}{}", &rest[at + 1..])
    }

    #[test]
    fn one_section_is_replaced_and_the_others_stay() {
        assert_eq!(changed(PAGE, "## The command\n\nnew\n\n"), PAGE.replace("old", "new"));
        assert_eq!(changed(PAGE, "## A call\n\nnew\n"), PAGE.replace("first", "new"));
    }

    #[test]
    fn a_new_section_comes_to_its_place_and_not_to_the_end() {
        let page = changed(PAGE, "## Waiting\n\nbetween\n\n");
        assert_eq!(
            page,
            "# B\n\nText.\n\n## A call\n\nfirst\n\n## Waiting\n\nbetween\n\n## The command\n\nold\n"
        );
        assert_eq!(changed("# B\n\nText.\n", "## Waiting\n\nw\n"), "# B\n\nText.\n\n## Waiting\n\nw\n");
        let unsorted = "# B\n\n## The command\n\nc\n\n## Waiting\n\nw\n";
        assert_eq!(
            changed(unsorted, "## A call\n\na\n"),
            "# B\n\n## A call\n\na\n\n## Waiting\n\nw\n\n## The command\n\nc\n"
        );
    }

    #[test]
    fn the_command_stands_under_each_table_and_the_time_at_the_end() {
        let section =
            "## Waiting\n\n### One\n\n| a | b |\n|---|---:|\n| 1 | 2 |\n\nText.\n\n| c |\n|---|\n\n";
        assert_eq!(
            finished(section, "waiting", 61.4),
            "## Waiting\n\n### One\n\n| a | b |\n|---|---:|\n| 1 | 2 |\n\n`cargo xtask bench --only waiting`\n\nText.\n\n\
             | c |\n|---|\n\n`cargo xtask bench --only waiting`\n\nThis part took 61 s, with what it had to build.\n\n"
        );
    }

    #[test]
    fn the_summary_has_each_goal_and_the_time_of_all_parts() {
        let section = |name: &str, ours: f64, seconds: f64| {
            let goals = goals(&[
                Goal::less("time", ours, 1.0, 1.5),
                Goal::at_most("MiB", ours, 40.0).with_limit(0.5),
            ]);
            finished(&format!("## {name}\n\n| x | y |\n|---|---:|\n| 1 | 2 |\n\n{goals}"), "x", seconds)
        };
        let page = with("# B\n\n", &ORDER, &section("Waiting", 2.0, 100.0));
        let page = with(&page, &ORDER, &section("A call", 1.0, 81.0));
        assert!(page.starts_with("# B\n\n## Summary\n\n3 of 4 goals are met."), "{page}");
        assert!(page.contains("The parts took 4 minutes,"), "{page}");
        let rows: Vec<&str> = goal_rows(&page);
        assert_eq!(
            rows,
            [
                "| [A call](#a-call): time | 1.00 | 1.00 | – | 1.000 | at most 1.5 | yes |",
                "| [A call](#a-call): MiB | 1.00 | – | 0.50 | – | at most 40 | yes |",
                "| [Waiting](#waiting): time | 2.00 | 1.00 | – | 2.000 | at most 1.5 | **no** |",
                "| [Waiting](#waiting): MiB | 2.00 | – | 0.50 | – | at most 40 | yes |",
            ]
        );
        assert_eq!(page.matches("## Summary").count(), 1, "{page}");
    }

    fn goal_rows(page: &str) -> Vec<&str> {
        let summary = parts(page).into_iter().find(|part| heading(part) == SUMMARY).unwrap();
        summary.lines().filter(|line| line.starts_with('|')).skip(2).collect()
    }
}
