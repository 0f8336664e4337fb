//! Plots of the page's tables: horizontal bars, as SVG that is legible on light and dark backgrounds.

use std::fmt::Write as _;

use crate::page::table::{count, figure};

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
    /// Which bars come first.
    pub(crate) better: Better,
    /// Bars whose labels contain this are ours, unless they are a limit.
    pub(crate) ours: &'static str,
}

/// The better bars stand above the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Better {
    Less,
    More,
}

const WIDTH: f64 = 760.0;
const LABELS: f64 = 300.0;
/// The longest bar, which leaves room for its value.
const BARS: f64 = WIDTH - LABELS - 90.0;
const ROW: f64 = 26.0;
const TOP: f64 = 44.0;
/// Where the longest bar would be more than this many times as long as the shortest, the scale is logarithmic.
const MOST_TIMES: f64 = 25.0;

/// The colours, which follow the reader's choice. The plot has a background of its own, since the page around it may not.
const STYLE: &str = ".back { fill: #ffffff; stroke: #d0d7de } text { fill: #1f2328 } .bar { fill: #8c959f } .ours { fill: #0969da } \
    .limit { fill: none; stroke: #8c959f; stroke-dasharray: 4 3 } .grid { stroke: #d8dee4 } .value { paint-order: stroke; \
    stroke: #ffffff; stroke-width: 4px } @media (prefers-color-scheme: dark) { .back { fill: #0d1117; stroke: #30363d } \
    text { fill: #e6edf3 } .bar { fill: #6e7681 } .ours { fill: #4493f8 } .grid { stroke: #262c36 } .value { stroke: #0d1117 } }";

/// How long the bar of a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    Linear {
        most: f64,
    },
    /// From the power of ten at which the bars begin.
    Log {
        from: i32,
        most: f64,
    },
}

impl Scale {
    fn of(bars: &[(String, f64)]) -> Self {
        let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
        let least = bars.iter().map(|(_, value)| *value).fold(most, f64::min);
        if least > 0.0 && most > MOST_TIMES * least {
            // The shortest bar must still be seen.
            return Self::Log { from: (least / 1.6).log10().floor() as i32, most };
        }
        Self::Linear { most }
    }

    /// In pixels.
    fn length(self, value: f64) -> f64 {
        BARS * match self {
            Self::Linear { most } => value / most,
            Self::Log { from, most } => (value.log10() - f64::from(from)) / (most.log10() - f64::from(from)),
        }
    }

    /// The powers of ten, which a reader of a logarithmic scale needs.
    fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear { .. } => Vec::new(),
            Self::Log { from, most } => {
                (from..).map(|power| 10_f64.powi(power)).take_while(|tick| *tick <= most).collect()
            }
        }
    }
}

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
        let link = format!("![{}](benchmarks/{})\n\n", self.title(""), self.file);
        Some((self.draw(&bars), format!("{}{link}{}", &page[..end], &page[end..])))
    }

    fn title(&self, note: &str) -> String {
        let better = if self.better == Better::Less { "less" } else { "more" };
        format!("{} ({better} is better{note})", self.title)
    }

    /// Labels and values, the best first. Rows without a number in that column are left out.
    fn bars(&self, table: &str) -> Option<Vec<(String, f64)>> {
        let mut lines = table.lines().map(|line| line.trim_matches('|').split('|').map(str::trim));
        let column = lines.next()?.position(|heading| heading == self.column)?;
        let mut bars: Vec<(String, f64)> = lines
            .skip(1)
            .filter_map(|cells| {
                let cells: Vec<&str> = cells.collect();
                let value = cells.get(column)?.replace(',', "").parse().ok()?;
                Some((cells[0].replace('`', ""), value))
            })
            .collect();
        bars.sort_by(|(_, one), (_, other)| match self.better {
            Better::Less => one.total_cmp(other),
            Better::More => other.total_cmp(one),
        });
        (!bars.is_empty()).then_some(bars)
    }

    fn draw(&self, bars: &[(String, f64)]) -> String {
        let scale = Scale::of(bars);
        let ticks = scale.ticks();
        let bottom = TOP + ROW * bars.len() as f64;
        let height = bottom + if ticks.is_empty() { 8.0 } else { 28.0 };
        let title = escaped(&self.title(if ticks.is_empty() { "" } else { ", log scale" }).replace('`', ""));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"14\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"back\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n\
             <text x=\"14\" y=\"27\" font-weight=\"600\">{title}</text>\n",
            WIDTH - 1.0,
            height - 1.0,
        );
        for tick in ticks {
            let x = LABELS + scale.length(tick);
            let _infallible = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{x:.1} {}V{bottom}\"/><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" \
                 font-size=\"13\">{}</text>",
                TOP - 6.0,
                bottom + 16.0,
                power_of_ten(tick),
            );
        }
        for (row, (label, value)) in bars.iter().enumerate() {
            let y = TOP + ROW * row as f64;
            let length = scale.length(*value);
            let _infallible = writeln!(
                svg,
                "<rect class=\"{}\" x=\"{LABELS}\" y=\"{y}\" width=\"{length:.1}\" height=\"16\" rx=\"2\"/><text x=\"{}\" \
                 y=\"{2}\" text-anchor=\"end\">{3}</text><text class=\"value\" x=\"{4:.1}\" y=\"{2}\">{5}</text>",
                self.class(label),
                LABELS - 8.0,
                y + 13.0,
                escaped(label),
                LABELS + length + 6.0,
                figure(*value)
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

/// A power of ten without places that say nothing.
fn power_of_ten(value: f64) -> String {
    if value < 1.0 { value.to_string() } else { count(value as u32) }
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
    use std::fs;
    use std::path::Path;

    use super::*;

    const PAGE: &str = "# B\n\n## The command\n\nText.\n\n| command | median ms | MB |\n|---|---:|---:|\n| gh <x> | 1,000 | 2 |\n\
                        | `a --version` | 2.00 | 1 |\n| limit | 0.90 | 3 |\n| none | – | 3 |\n\nMore.\n";
    const PLOT: Plot = Plot {
        heading: "## The command",
        column: "median ms",
        title: "Start & end",
        file: "command.svg",
        better: Better::Less,
        ours: "a --",
    };

    /// The labels of the bars from above, with the lengths of the bars.
    fn shown(svg: &str) -> Vec<(&str, f64)> {
        let lines = svg.lines().filter(|line| line.contains("height=\"16\""));
        let between = |text: &'static str, line: &'_ str, end: char| {
            let start = line.find(text).map_or(0, |at| at + text.len());
            start..start + line[start..].find(end).unwrap_or(0)
        };
        lines
            .map(|line| {
                let length = line[between(" width=\"", line, '"')].parse().expect("the length is a number");
                (&line[between("\"end\">", line, '<')], length)
            })
            .collect()
    }

    #[test]
    fn a_column_becomes_bars_below_its_table() {
        let (svg, page) = PLOT.of(PAGE).expect("the page has the table");
        let link = "| – | 3 |\n\n![Start & end (less is better)](benchmarks/command.svg)\n\nMore.";
        assert!(page.contains(link), "{page}");
        assert_eq!(without_links(&page), PAGE);
        assert_eq!(svg.matches("class=\"bar ours\"").count(), 1, "{svg}");
        assert_eq!(svg.matches("class=\"limit\"").count(), 1, "{svg}");
        assert!(svg.contains("Start &amp; end") && svg.contains(">1,000<"), "{svg}");
    }

    #[test]
    fn the_best_bar_is_above_the_others() {
        let labels = |plot: &Plot| {
            let (svg, _) = plot.of(PAGE).expect("the page has the table");
            shown(&svg).iter().map(|(label, _)| (*label).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(labels(&PLOT), ["limit", "a --version", "gh &lt;x&gt;"]);
        assert_eq!(labels(&Plot { better: Better::More, ..PLOT }), ["gh &lt;x&gt;", "a --version", "limit"]);
    }

    #[test]
    fn bars_far_apart_have_a_scale_that_says_so() {
        let (svg, _) = PLOT.of(PAGE).expect("the page has the table");
        assert!(svg.contains("less is better, log scale)"), "{svg}");
        // Each power of ten is as far from the next.
        let ticks: Vec<&str> =
            svg.split("font-size=\"13\">").skip(1).filter_map(|rest| rest.split('<').next()).collect();
        assert_eq!(ticks, ["0.1", "1", "10", "100", "1,000"]);
        let lengths: Vec<f64> = shown(&svg).into_iter().map(|(_, length)| length).collect();
        assert!(lengths[0] > 0.2 * BARS && lengths.is_sorted() && lengths[2] == BARS, "{lengths:?}");
        let (svg, _) = PLOT.of(&PAGE.replace("1,000", "20.0")).expect("the page has the table");
        assert!(!svg.contains("log scale") && !svg.contains("class=\"grid\""), "{svg}");
        assert_eq!(shown(&svg)[1].1, 0.1 * BARS);
    }

    #[test]
    fn the_stored_plots_show_the_stored_tables_with_room_for_each_text() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let mut page =
            without_links(&fs::read_to_string(docs.join("benchmarks.md")).expect("the page is stored"));
        for plot in crate::page::plots::ALL {
            let (svg, linked) = plot.of(&page).unwrap_or_else(|| panic!("no table for {}", plot.file));
            page = linked;
            let stored =
                fs::read_to_string(docs.join("benchmarks").join(plot.file)).expect("the plot is stored");
            assert_eq!(svg, stored, "run `cargo xtask bench --plots`");
            let sizes = svg
                .split("font-size=\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next()?.parse::<f64>().ok());
            assert!(sizes.into_iter().all(|size| size >= 12.0), "{svg}");
            // A letter is about eight pixels wide at most.
            assert!(
                plot.title(", log scale").chars().count() as f64 * 8.0 < WIDTH - 28.0,
                "{}",
                plot.title("")
            );
            for (label, length) in shown(&svg) {
                assert!(label.chars().count() as f64 * 8.0 < LABELS - 8.0, "{label}");
                assert!((4.0..=BARS).contains(&length), "{label}: {length}");
            }
        }
    }

    #[test]
    fn plots_of_one_table_stand_in_their_order() {
        let (_, page) = PLOT.of(PAGE).expect("the page has the table");
        let (_, page) =
            Plot { column: "MB", title: "Size", ..PLOT }.of(&page).expect("the table is still there");
        let links = "![Start & end (less is better)](benchmarks/command.svg)\n\n![Size (less is better)](benchmarks/command.svg)\n\nMore.";
        assert!(page.contains(links), "{page}");
    }

    #[test]
    fn where_there_is_no_such_table_there_is_no_plot() {
        assert!(PLOT.of("# B\n\n## The sandbox\n\n| a | b |\n").is_none());
        assert!(Plot { column: "p99", ..PLOT }.of(PAGE).is_none());
    }
}
