//! Plots of the page's tables: horizontal bars, as SVG that is legible on light and dark backgrounds.

use std::fmt::Write as _;

/// A plot of one column of a table.
pub(crate) struct Plot {
    /// The heading above the table.
    pub(crate) heading: &'static str,
    /// The heading of the column that is drawn.
    pub(crate) column: &'static str,
    /// The title above the bars.
    pub(crate) title: &'static str,
    /// The name of the file in `docs/benchmarks/`.
    pub(crate) file: &'static str,
    /// Bars whose labels contain this are ours, unless they are a limit.
    pub(crate) ours: &'static str,
}

const WIDTH: f64 = 760.0;
const LABELS: f64 = 300.0;
const ROW: f64 = 26.0;
const TOP: f64 = 40.0;
/// A bar that is more than this many times as long as our longest is drawn broken; otherwise ours would be too short to compare.
const BROKEN: f64 = 10.0;
/// The width of the gap in such a bar, and of the piece behind it.
const GAP: f64 = 6.0;
const END: f64 = 24.0;

impl Plot {
    /// The plot, and the page with a link to it below its table. `None` if the page has no such table.
    pub(crate) fn of(&self, page: &str) -> Option<(String, String)> {
        let start = page.find(&format!("{}\n", self.heading))?;
        let table = start + page[start..].find("\n| ")? + 1;
        let mut end = table + page[table..].find("\n\n")? + 2;
        let bars = self.bars(&page[table..end])?;
        // Behind the plots that the table already has.
        while page[end..].starts_with("![") {
            end += page[end..].find("\n\n").map_or(page.len() - end, |length| length + 2);
        }
        let link = format!("![{}](benchmarks/{})\n\n", self.title, self.file);
        Some((self.draw(&bars), format!("{}{link}{}", &page[..end], &page[end..])))
    }

    /// Labels and values. Rows without a number in that column are left out.
    fn bars(&self, table: &str) -> Option<Vec<(String, f64)>> {
        let mut lines = table.lines().map(|line| line.trim_matches('|').split('|').map(str::trim));
        let column = lines.next()?.position(|heading| heading == self.column)?;
        let bars: Vec<(String, f64)> = lines
            .skip(1)
            .filter_map(|cells| {
                let cells: Vec<&str> = cells.collect();
                let value = cells.get(column)?.replace(',', "").parse().ok()?;
                Some((cells[0].replace('`', ""), value))
            })
            .collect();
        (!bars.is_empty()).then_some(bars)
    }

    fn draw(&self, bars: &[(String, f64)]) -> String {
        let longest = |bars: &mut dyn Iterator<Item = &(String, f64)>| {
            bars.map(|(_, value)| *value).fold(0.0, f64::max)
        };
        let ours = longest(&mut bars.iter().filter(|(label, _)| self.class(label) == "bar ours"));
        let most = longest(&mut bars.iter());
        let shown = if ours > 0.0 { most.min(ours * BROKEN) } else { most };
        let title = if shown < most {
            format!("{}, a broken bar is longer", self.title)
        } else {
            self.title.to_owned()
        };
        let height = TOP + ROW * bars.len() as f64 + 10.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<style>text {{ fill: #1f2328 }} .bar {{ fill: #8c959f }} .ours \
             {{ fill: #0969da }} .limit {{ fill: none; stroke: #8c959f; stroke-dasharray: 4 3 }} @media (prefers-color-scheme: dark) \
             {{ text {{ fill: #e6edf3 }} .bar {{ fill: #6e7681 }} .ours {{ fill: #4493f8 }} }}</style>\n<text x=\"10\" y=\"24\" \
             font-weight=\"600\">{}</text>\n",
            escaped(&title.replace('`', ""))
        );
        for (row, (label, value)) in bars.iter().enumerate() {
            let y = TOP + ROW * row as f64;
            let class = self.class(label);
            let whole = (WIDTH - LABELS - 90.0) * value.min(shown) / shown.max(f64::MIN_POSITIVE);
            let pieces = if *value > shown {
                vec![(0.0, whole - GAP - END), (whole - END, END)]
            } else {
                vec![(0.0, whole)]
            };
            for (start, width) in pieces {
                let x = LABELS + start;
                let _infallible = write!(
                    svg,
                    "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"16\" rx=\"2\"/>"
                );
            }
            let _infallible = writeln!(
                svg,
                "<text x=\"{}\" y=\"{1}\" text-anchor=\"end\">{2}</text><text x=\"{3:.1}\" y=\"{1}\">{4}</text>",
                LABELS - 8.0,
                y + 13.0,
                escaped(label),
                LABELS + whole + 6.0,
                crate::page::table::figure(*value)
            );
        }
        svg + "</svg>\n"
    }

    fn class(&self, label: &str) -> &'static str {
        match label {
            _ if label.starts_with("limit") => "limit",
            _ if label.contains(self.ours) => "bar ours",
            _ => "bar",
        }
    }
}

/// The page as it was before its plots were linked.
pub(crate) fn without_links(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut after_link = false;
    for line in page.split_inclusive('\n') {
        let is_link = line.starts_with("![") && line.contains("](benchmarks/");
        let is_left_out = is_link || after_link && line == "\n";
        if !is_left_out {
            text.push_str(line);
        }
        after_link = is_link;
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# B\n\n## The command\n\nText.\n\n| command | median ms | MB |\n|---|---:|---:|\n| `a --version` | 2.00 | 1 |\n\
                        | gh <x> | 1,000 | 2 |\n| limit | 1.00 | 3 |\n| none | – | 3 |\n\nMore.\n";
    const PLOT: Plot = Plot {
        heading: "## The command",
        column: "median ms",
        title: "Start & end",
        file: "command.svg",
        ours: "a --",
    };

    #[test]
    fn a_column_becomes_bars_below_its_table() {
        let (svg, page) = PLOT.of(PAGE).expect("the page has the table");
        assert!(page.contains("| – | 3 |\n\n![Start & end](benchmarks/command.svg)\n\nMore."), "{page}");
        assert_eq!(without_links(&page), PAGE);
        // Three bars, one of which is broken.
        assert_eq!(svg.matches("<rect").count(), 4, "{svg}");
        assert!(svg.contains("a broken bar is longer"), "{svg}");
        assert_eq!(svg.matches("class=\"bar ours\"").count(), 1, "{svg}");
        assert_eq!(svg.matches("class=\"limit\"").count(), 1, "{svg}");
        assert!(
            svg.contains("gh &lt;x&gt;") && svg.contains("Start &amp; end") && svg.contains(">1,000<"),
            "{svg}"
        );
    }

    #[test]
    fn bars_are_whole_where_ours_can_be_compared_with_them() {
        let (svg, _) = PLOT.of(&PAGE.replace("1,000", "20.0")).expect("the page has the table");
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
        assert!(!svg.contains("broken"), "{svg}");
    }

    #[test]
    fn plots_of_one_table_stand_in_their_order() {
        let (_, page) = PLOT.of(PAGE).expect("the page has the table");
        let (_, page) =
            Plot { column: "MB", title: "Size", ..PLOT }.of(&page).expect("the table is still there");
        assert!(
            page.contains(
                "![Start & end](benchmarks/command.svg)\n\n![Size](benchmarks/command.svg)\n\nMore."
            ),
            "{page}"
        );
    }

    #[test]
    fn where_there_is_no_such_table_there_is_no_plot() {
        assert!(PLOT.of("# B\n\n## The sandbox\n\n| a | b |\n").is_none());
        assert!(Plot { column: "p99", ..PLOT }.of(PAGE).is_none());
    }
}
