//! Plots of the page's tables: sorted horizontal bars, as SVG that is legible on light and dark backgrounds.

use anyhow::Context as _;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

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

/// In pixels, like the other sizes.
const WIDTH: u32 = 760;
const LABELS: u32 = 310;
/// For the value behind the longest bar.
const VALUES: u32 = 90;
const TITLE: u32 = 40;
const ROW: u32 = 26;
const MARGIN: u32 = 8;
/// Where the longest bar would be more than this many times as long as the shortest, the scale is logarithmic.
const MOST_TIMES: f64 = 25.0;

const TEXT: RGBColor = RGBColor(31, 35, 40);
const GRID: RGBColor = RGBColor(216, 222, 228);
const OURS: RGBColor = RGBColor(9, 105, 218);
const OTHERS: RGBColor = RGBColor(140, 149, 159);

/// The plot has a background of its own, which is dark where the reader's pages are.
const STYLE: &str =
    "<style>@media (prefers-color-scheme: dark) { svg { filter: invert(0.93) hue-rotate(180deg) } }</style>";

/// A label and its value.
type Bar = (String, f64);

impl Plot {
    /// The plot, and the page with a link to it below its table. `None` if the page has no such table.
    ///
    /// # Errors
    /// If the plot cannot be drawn.
    pub(crate) fn of(&self, page: &str) -> anyhow::Result<Option<(String, String)>> {
        let Some((bars, end)) = self.bars_and_end(page) else { return Ok(None) };
        let link = format!("![{}](benchmarks/{})\n\n", self.title(""), self.file);
        let svg = self.draw(&bars).with_context(|| self.file)?;
        Ok(Some((svg, format!("{}{link}{}", &page[..end], &page[end..]))))
    }

    /// The bars, and the place for the link: behind the plots that the table already has.
    fn bars_and_end(&self, page: &str) -> Option<(Vec<Bar>, usize)> {
        let start = page.find(&format!("{}\n", self.heading))?;
        let table = start + page[start..].find("\n| ")? + 1;
        let mut end = table + page[table..].find("\n\n")? + 2;
        let bars = self.bars(&page[table..end])?;
        while page[end..].starts_with("![") {
            end += page[end..].find("\n\n").map_or(page.len() - end, |length| length + 2);
        }
        Some((bars, end))
    }

    fn title(&self, note: &str) -> String {
        let better = if self.better == Better::Less { "less" } else { "more" };
        format!("{} ({better} is better{note})", self.title)
    }

    /// Labels and values, the best first. Rows without a number in that column are left out.
    fn bars(&self, table: &str) -> Option<Vec<Bar>> {
        let mut lines = table.lines().map(|line| line.trim_matches('|').split('|').map(str::trim));
        let column = lines.next()?.position(|heading| heading == self.column)?;
        let mut bars: Vec<Bar> = lines
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

    fn draw(&self, bars: &[Bar]) -> anyhow::Result<String> {
        let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
        let least = bars.iter().map(|(_, value)| *value).fold(most, f64::min);
        let is_log = least > 0.0 && most > MOST_TIMES * least;
        let place = |value: f64| if is_log { value.log10() } else { value };
        // The shortest bar must still be seen, so it begins clearly below.
        let from = if is_log { (least / 1.6).log10().floor() } else { 0.0 };
        let ticks = if is_log { from as i32..place(most).floor() as i32 + 1 } else { 0..0 };
        let (note, axis) = if is_log { (", log scale", 22) } else { ("", 0) };
        let title = self.title(note).replace('`', "");
        let size = (WIDTH, TITLE + ROW * bars.len() as u32 + axis + MARGIN);

        let text = |size, side, height| {
            let font = ("system-ui, sans-serif", size).into_font();
            font.color(&TEXT).pos(Pos::new(side, height))
        };
        let (before, behind) = (text(17, HPos::Right, VPos::Center), text(17, HPos::Left, VPos::Center));
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        root.draw(&Text::new(title.clone(), (14, 12), text(18, HPos::Left, VPos::Top)))?;
        let mut chart = ChartBuilder::on(&root)
            .margin_left(LABELS)
            .margin_right(VALUES)
            .margin_top(TITLE)
            .margin_bottom(axis + MARGIN)
            .build_cartesian_2d(from..place(most), bars.len() as f64..0.0)?;
        for power in ticks {
            let (x, bottom) = (f64::from(power), bars.len() as f64);
            let name = Text::new(power_of_ten(power), (0, 5), text(16, HPos::Center, VPos::Top));
            chart.draw_series([PathElement::new([(x, 0.0), (x, bottom)], GRID)])?;
            chart.draw_series([EmptyElement::at((x, bottom)) + name])?;
        }
        for (row, (label, value)) in bars.iter().enumerate() {
            let (top, end) = (row as f64 + 0.2, place(*value));
            chart.draw_series([Rectangle::new([(from, top), (end, top + 0.6)], self.style(label))])?;
            let name = Text::new(self.label(label), (-8, 0), before.clone());
            chart.draw_series([EmptyElement::at((from, top + 0.3)) + name])?;
            let value = Text::new(figure(*value), (6, 0), behind.clone());
            chart.draw_series([EmptyElement::at((end, top + 0.3)) + value])?;
        }
        drop(chart);
        drop(root);
        let head = format!(">\n<title>{}</title>\n{STYLE}\n", escaped(&title));
        Ok(svg.replacen(">\n", &head, 1))
    }

    /// Ours are called so, unless all are.
    fn label(&self, label: &str) -> String {
        let is_clear = ["", "ours"].contains(&self.ours);
        if self.is_ours(label) && !is_clear { format!("ours: {label}") } else { label.to_owned() }
    }

    fn is_ours(&self, label: &str) -> bool {
        !is_limit(label) && label.contains(self.ours)
    }

    /// A limit is an empty bar.
    fn style(&self, label: &str) -> ShapeStyle {
        match label {
            _ if is_limit(label) => OTHERS.stroke_width(1),
            _ if self.is_ours(label) => OURS.filled(),
            _ => OTHERS.filled(),
        }
    }
}

fn is_limit(label: &str) -> bool {
    label.starts_with("limit")
}

/// Ten to this power, without places that say nothing.
fn power_of_ten(power: i32) -> String {
    let value = 10_f64.powi(power);
    if power < 0 { value.to_string() } else { count(value as u32) }
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

    /// The longest bar.
    const LONGEST: u32 = WIDTH - LABELS - VALUES;

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

    fn drawn(plot: &Plot, page: &str) -> (String, String) {
        plot.of(page).expect("the plot can be drawn").expect("the page has the table")
    }

    /// The texts of an SVG, with their vertical place.
    fn texts(svg: &str) -> Vec<(&str, u32)> {
        let texts = svg.split("<text ").skip(1);
        texts
            .filter_map(|text| {
                let y = text.split("y=\"").nth(1)?.split('"').next()?;
                Some((text.split(">\n").nth(1)?.split("\n<").next()?, y.parse().ok()?))
            })
            .collect()
    }

    /// The lengths of the bars from above, with their colours. The background has the whole width.
    fn shown(svg: &str) -> Vec<(u32, &str)> {
        let rectangles = svg.split("<rect ").skip(2);
        rectangles
            .map(|rectangle| {
                let of = |name: &str| rectangle.split(name).nth(1).and_then(|rest| rest.split('"').next());
                (of(" width=\"").unwrap().parse().unwrap(), of("fill=\"").unwrap())
            })
            .collect()
    }

    #[test]
    fn a_column_becomes_bars_below_its_table() {
        let (svg, page) = drawn(&PLOT, PAGE);
        let link = "| – | 3 |\n\n![Start & end (less is better)](benchmarks/command.svg)\n\nMore.";
        assert!(page.contains(link), "{page}");
        assert_eq!(without_links(&page), PAGE);
        let fills: Vec<_> = shown(&svg).into_iter().map(|(_, fill)| fill).collect();
        assert_eq!(fills, ["none", "#0969DA", "#8C959F"], "{svg}");
        assert!(svg.contains("<title>Start &amp; end") && svg.contains("\n1,000\n"), "{svg}");
    }

    #[test]
    fn the_best_bar_is_above_the_others() {
        let labels = |plot: &Plot| {
            let (svg, _) = drawn(plot, PAGE);
            let mut labels = texts(&svg);
            labels.retain(|(text, _)| text.contains(['g', 'l', 'a']) && !text.contains("better"));
            labels.sort_by_key(|(_, y)| *y);
            labels.into_iter().map(|(text, _)| text.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(labels(&PLOT), ["limit", "ours: a --version", "gh &lt;x&gt;"]);
        assert_eq!(
            labels(&Plot { better: Better::More, ..PLOT }),
            ["gh &lt;x&gt;", "ours: a --version", "limit"]
        );
    }

    #[test]
    fn bars_far_apart_have_a_scale_that_says_so() {
        let (svg, _) = drawn(&PLOT, PAGE);
        assert!(svg.contains("less is better, log scale)"), "{svg}");
        for tick in ["0.1", "1", "10", "100", "1,000"] {
            assert!(texts(&svg).iter().any(|(text, _)| *text == tick), "{tick}");
        }
        let lengths: Vec<u32> = shown(&svg).into_iter().map(|(length, _)| length).collect();
        assert!(
            lengths[0] > LONGEST / 5 && lengths.is_sorted() && lengths[2].abs_diff(LONGEST) < 2,
            "{lengths:?}"
        );
        let (svg, _) = drawn(&PLOT, &PAGE.replace("1,000", "20.0"));
        assert!(!svg.contains("log scale"), "{svg}");
        assert!(shown(&svg)[1].0.abs_diff(LONGEST / 10) < 2, "{svg}");
    }

    #[test]
    fn the_stored_plots_show_the_stored_tables_with_room_for_each_text() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let mut page =
            without_links(&fs::read_to_string(docs.join("benchmarks.md")).expect("the page is stored"));
        for plot in crate::page::plots::ALL {
            // A new table is on the page after the next whole run, which fails without it.
            let Some((svg, linked)) = plot.of(&page).expect("the plot can be drawn") else { continue };
            page = linked;
            let stored =
                fs::read_to_string(docs.join("benchmarks").join(plot.file)).expect("the plot is stored");
            assert_eq!(svg, stored, "run `cargo xtask bench --plots`");
            // A letter is about eight pixels wide at most.
            let title = plot.title(", log scale");
            assert!(title.chars().count() as u32 * 8 < WIDTH - 28, "{title}");
            for (label, _) in plot.bars_and_end(&page).expect("the page has the table").0 {
                let label = plot.label(&label);
                assert!(label.chars().count() as u32 * 8 < LABELS - 8, "{label}");
            }
            for (length, _) in shown(&svg) {
                assert!((4..=LONGEST).contains(&length), "{}: {length}", plot.file);
            }
        }
    }

    #[test]
    fn plots_of_one_table_stand_in_their_order() {
        let (_, page) = drawn(&PLOT, PAGE);
        let (_, page) = drawn(&Plot { column: "MB", title: "Size", ..PLOT }, &page);
        let links = "![Start & end (less is better)](benchmarks/command.svg)\n\n![Size (less is better)](benchmarks/command.svg)\n\nMore.";
        assert!(page.contains(links), "{page}");
    }

    #[test]
    fn where_there_is_no_such_table_there_is_no_plot() {
        let is_drawn = |plot: &Plot, page| plot.of(page).expect("nothing fails").is_some();
        assert!(!is_drawn(&PLOT, "# B\n\n## The sandbox\n\n| a | b |\n"));
        assert!(!is_drawn(&Plot { column: "p99", ..PLOT }, PAGE));
    }
}
