//! The plots of the page, as SVG that is legible on light and dark backgrounds.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::model::{Model, Resource};
use crate::results::Results;

const SIZE: (u32, u32) = (760, 380);
const TEXT: RGBColor = RGBColor(31, 35, 40);
const GRID: RGBColor = RGBColor(216, 222, 228);
const OURS: RGBColor = RGBColor(9, 105, 218);
const OTHERS: RGBColor = RGBColor(140, 149, 159);
const STOPS: RGBColor = RGBColor(255, 220, 200);

/// The plot has a background of its own, which is dark where the reader's pages are.
const STYLE: &str =
    "<style>@media (prefers-color-scheme: dark) { svg { filter: invert(0.93) hue-rotate(180deg) } }</style>";

fn text(size: i32, side: HPos, height: VPos) -> TextStyle<'static> {
    ("system-ui, sans-serif", size).into_font().color(&TEXT).pos(Pos::new(side, height))
}

fn finished(svg: &str, title: &str) -> String {
    svg.replacen(">\n", &format!(">\n<title>{title}</title>\n{STYLE}\n"), 1)
}

/// Clips saved in each minute, with the times at which something stopped all workers.
///
/// # Errors
/// If the plot cannot be drawn.
pub(crate) fn progress(results: &Results) -> anyhow::Result<String> {
    const TITLE: &str = "Clips saved in each minute";
    let counts = &results.main.by_minute;
    let most = f64::from(counts.iter().copied().max().unwrap_or(1)) * 1.15;
    let end = counts.len() as f64;
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    root.draw(&Text::new(TITLE, (14, 12), text(18, HPos::Left, VPos::Top)))?;
    let mut chart = ChartBuilder::on(&root)
        .margin_top(44)
        .margin_right(16)
        .x_label_area_size(44)
        .y_label_area_size(86)
        .build_cartesian_2d(0.0..end, 0.0..most)?;
    for (at, duration, _) in &results.main.marks {
        let minutes = |micros: u64| micros as f64 / 60e6;
        let (from, to) = (minutes(*at), minutes(at + duration).max(minutes(*at) + 0.4));
        chart.draw_series([Rectangle::new([(from, 0.0), (to, most)], STOPS.filled())])?;
    }
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(OTHERS)
        .label_style(text(16, HPos::Center, VPos::Center))
        .x_desc("minutes")
        .x_label_formatter(&|value| crate::table::count(*value as u64))
        .y_label_formatter(&|value| crate::table::count(*value as u64))
        .draw()?;
    let points = (0..).zip(counts).map(|(minute, count)| (f64::from(minute) + 0.5, f64::from(*count)));
    chart.draw_series(LineSeries::new(points, OURS.stroke_width(2)))?;
    // The names of the stops, on lines of their own where two are close.
    for (number, (at, _, name)) in results.main.marks.iter().enumerate() {
        let place = (*at as f64 / 60e6, most);
        let label =
            Text::new(name.clone(), (3, 4 + 17 * (number as i32 % 4)), text(15, HPos::Left, VPos::Top));
        chart.draw_series([EmptyElement::at(place) + label])?;
    }
    drop(chart);
    drop(root);
    Ok(finished(&svg, TITLE))
}

/// Clips per second against workers: what each resource allows.
///
/// # Errors
/// If the plot cannot be drawn.
pub(crate) fn bounds(model: &Model<'_>) -> anyhow::Result<String> {
    const TITLE: &str = "Clips per second against workers: what each resource allows";
    let workers: Vec<u32> = (0..=12).map(|step| 10_f64.powf(f64::from(step) / 4.0).round() as u32).collect();
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    root.draw(&Text::new(TITLE, (14, 12), text(18, HPos::Left, VPos::Top)))?;
    let mut chart = ChartBuilder::on(&root)
        .margin_top(44)
        .margin_right(150)
        .x_label_area_size(44)
        .y_label_area_size(86)
        .build_cartesian_2d((1.0..1000.0).log_scale(), (1.0..1e7).log_scale())?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(OTHERS)
        .label_style(text(16, HPos::Center, VPos::Center))
        .x_labels(4)
        .y_labels(8)
        .x_desc("workers")
        .x_label_formatter(&|value| crate::table::count(*value as u64))
        .y_label_formatter(&|value| crate::table::count(*value as u64))
        .draw()?;
    let lines = [
        (Resource::Jobs, f64::INFINITY, "jobs in flight", OURS),
        (Resource::Ledger, f64::INFINITY, "ledger", OTHERS),
        (Resource::Processor, f64::INFINITY, "processor", OTHERS),
        (Resource::Network, f64::INFINITY, "network", OTHERS),
        (Resource::Disk, f64::INFINITY, "hash and disk", OTHERS),
        (Resource::Api, 1000.0, "API, 1,000/s", OTHERS),
        (Resource::Api, 10_000.0, "API, 10,000/s", OTHERS),
    ];
    let mut ends = Vec::new();
    for (resource, limit, name, color) in lines {
        let point = |workers: &u32| (f64::from(*workers), model.rate(resource, *workers, limit));
        let points: Vec<(f64, f64)> = workers.iter().map(point).collect();
        ends.push((points[points.len() - 1], name));
        let width = if color == OURS { 3 } else { 1 };
        chart.draw_series(LineSeries::new(points, color.stroke_width(width)))?;
    }
    // Names of lines that end close to each other move apart.
    ends.sort_by(|(one, _), (other, _)| one.1.total_cmp(&other.1));
    let mut last = 0.0_f64;
    for ((x, y), name) in ends {
        last = y.max(last * 2.2);
        let label = Text::new(name, (6, 0), text(15, HPos::Left, VPos::Center));
        chart.draw_series([EmptyElement::at((x, last)) + label])?;
    }
    drop(chart);
    drop(root);
    Ok(finished(&svg, TITLE))
}
