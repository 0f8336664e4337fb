//! Plots of the page's own tables: horizontal bars, as SVG that is read on a light page and on a dark one.

use std::fmt::Write as _;

/// A plot of one column of a table.
pub(super) struct Plot {
    /// The heading that the table stands below.
    pub(super) heading: &'static str,
    /// The heading of the column that is drawn.
    pub(super) column: &'static str,
    /// What is said above the bars.
    pub(super) title: &'static str,
    /// The name of the file in `docs/benchmarks/`.
    pub(super) file: &'static str,
    /// Bars whose labels hold this are ours, unless they are a limit.
    pub(super) ours: &'static str,
}

/// The plots of the page.
pub(super) const ALL: &[Plot] = &[
    Plot {
        heading: "### One after another",
        column: "time, µs",
        title: "A call, one after another, µs (less is better)",
        file: "call.svg",
        ours: "ours",
    },
    Plot {
        heading: "### 64 in flight",
        column: "time, µs",
        title: "A call with 64 in flight, µs (less is better)",
        file: "calls.svg",
        ours: "ours",
    },
    Plot {
        heading: "### One job",
        column: "requests",
        title: "Requests of a wait for one job (less is better)",
        file: "wait-requests.svg",
        ours: "ours",
    },
    Plot {
        heading: "### One job",
        column: "mean delay, s",
        title: "Mean delay of a wait for one job, s (less is better)",
        file: "wait-delay.svg",
        ours: "ours",
    },
    Plot {
        heading: "### 1,000 jobs, submitted together",
        column: "requests",
        title: "Requests of a wait for 1,000 jobs (less is better)",
        file: "wait-all-requests.svg",
        ours: "ours",
    },
    Plot {
        heading: "### 1,000 jobs, submitted together",
        column: "mean delay, s",
        title: "Mean delay of a wait for 1,000 jobs, s (less is better)",
        file: "wait-all-delay.svg",
        ours: "ours",
    },
    Plot {
        heading: "## A long list",
        column: "jobs a second",
        title: "Jobs of a long list that are read in a second (more is better)",
        file: "listing.svg",
        ours: "ours",
    },
    Plot {
        heading: "## A large clip",
        column: "MiB a second",
        title: "MiB of a large clip that are saved in a second (more is better)",
        file: "downloads.svg",
        ours: "ours",
    },
    Plot {
        heading: "## Making a client",
        column: "median, s",
        title: "Seconds to make a client (less is better)",
        file: "regen.svg",
        ours: "regen",
    },
    Plot {
        heading: "## Building",
        column: "seconds of processor",
        title: "Seconds of processor to build a program (less is better)",
        file: "building-time.svg",
        ours: "infrai-video",
    },
    Plot {
        heading: "## Building",
        column: "stripped binary, MB",
        title: "The stripped program, MB (less is better)",
        file: "building-size.svg",
        ours: "infrai-video",
    },
    Plot {
        heading: "### Status",
        column: "requests/s",
        title: "Answers to `status` in a second (more is better)",
        file: "sandbox-status.svg",
        ours: "sandbox",
    },
    Plot {
        heading: "### List",
        column: "requests/s",
        title: "Answers to `list` in a second, 20 jobs a page (more is better)",
        file: "sandbox-list.svg",
        ours: "sandbox",
    },
    Plot {
        heading: "### Generate",
        column: "requests/s",
        title: "Answers to `generate` in a second (more is better)",
        file: "sandbox-generate.svg",
        ours: "sandbox",
    },
    Plot {
        heading: "### Clips",
        column: "seconds of video a second",
        title: "Seconds of video that the sandbox renders in a second (more is better)",
        file: "clips.svg",
        ours: "",
    },
    Plot {
        heading: "### Its start",
        column: "median ms",
        title: "From the start of a command to its end, ms (less is better)",
        file: "command.svg",
        ours: "infrai-video",
    },
    Plot {
        heading: "### Asking a sandbox",
        column: "median ms",
        title: "From the start of a command that asks a sandbox to its end, ms (less is better)",
        file: "command-asking.svg",
        ours: "infrai-video",
    },
];

const WIDTH: f64 = 760.0;
const LABELS: f64 = 300.0;
const ROW: f64 = 26.0;
const TOP: f64 = 40.0;

impl Plot {
    /// The plot, and the page with a link to it below its table. Nothing where the page has no such table.
    pub(super) fn of(&self, page: &str) -> Option<(String, String)> {
        let start = page.find(&format!("{}\n", self.heading))?;
        let table = start + page[start..].find("\n| ")? + 1;
        let mut end = table + page[table..].find("\n\n")? + 2;
        let bars = self.bars(&page[table..end])?;
        // Behind the plots that the table has already.
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
        let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
        let height = TOP + ROW * bars.len() as f64 + 10.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<style>text {{ fill: #1f2328 }} .bar {{ fill: #8c959f }} .ours \
             {{ fill: #0969da }} .limit {{ fill: none; stroke: #8c959f; stroke-dasharray: 4 3 }} @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .bar {{ fill: #6e7681 }} .ours {{ fill: \
             #4493f8 }} }}</style>\n<text x=\"10\" y=\"24\" font-weight=\"600\">{}</text>\n",
            escaped(self.title)
        );
        for (row, (label, value)) in bars.iter().enumerate() {
            let y = TOP + ROW * row as f64;
            let width = (WIDTH - LABELS - 90.0) * value / most;
            let class = match label {
                _ if label.starts_with("limit") => "limit",
                _ if label.contains(self.ours) => "bar ours",
                _ => "bar",
            };
            let _infallible = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"{class}\" x=\"{LABELS}\" y=\"{}\" width=\"{width:.1}\" \
                 height=\"16\" rx=\"2\"/><text x=\"{:.1}\" y=\"{}\">{}</text>",
                LABELS - 8.0,
                y + 13.0,
                escaped(label),
                y,
                LABELS + width + 6.0,
                y + 13.0,
                super::table::figure(*value)
            );
        }
        svg + "</svg>\n"
    }
}

/// The page as it was before its plots were linked.
pub(super) fn without_links(page: &str) -> String {
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
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
        assert_eq!(svg.matches("class=\"bar ours\"").count(), 1, "{svg}");
        assert_eq!(svg.matches("class=\"limit\"").count(), 1, "{svg}");
        assert!(
            svg.contains("gh &lt;x&gt;") && svg.contains("Start &amp; end") && svg.contains(">1,000<"),
            "{svg}"
        );
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
