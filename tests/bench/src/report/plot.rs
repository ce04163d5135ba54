//! Plots of the ratios, one per workload.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::{Report, Row};

const HEIGHT: u32 = 24;
const TOP: u32 = 60;
const LEFT: i32 = 400;
const WIDTH: u32 = 920;

/// Draws the plots into the directory; returns the names of the files.
pub(super) fn draw_all(report: &Report, directory: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for (file, rows) in report.plotted() {
        draw(&directory.join(&file), &rows).map_err(|error| anyhow!("{file}: {error}"))?;
        files.push(file);
    }
    Ok(files)
}

fn draw(file: &Path, rows: &[&Row]) -> Result<(), Box<dyn std::error::Error>> {
    let bars: Vec<_> =
        rows.iter().flat_map(|row| row.baselines().map(move |baseline| (row, baseline))).collect();
    let workload = rows.first().map_or("", |row| row.workload.as_str());
    let height = TOP + HEIGHT * u32::try_from(bars.len())? + 30;
    let area = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: u32| ("sans-serif", size).into_font().color(&BLACK);
    area.draw_text(
        &format!("{workload}: the library's figure divided by the hand-written program's"),
        &text(18),
        (10, 10),
    )?;
    let longest = bars.iter().map(|(_, (_, ratio))| ratio.spread.median).fold(1.2, f64::max);
    let scale = f64::from(i32::try_from(WIDTH)? - LEFT - 70) / longest;
    let x = |ratio: f64| LEFT + (ratio * scale) as i32;
    for (at, (row, (baseline, ratio))) in bars.iter().enumerate() {
        let y = i32::try_from(TOP + HEIGHT * u32::try_from(at)?)?;
        let colour = match ratio.target {
            None => RGBColor(110, 130, 160),
            Some(target) if ratio.spread.median >= target => RGBColor(60, 130, 90),
            Some(_) => RGBColor(190, 120, 50),
        };
        let ratio = ratio.spread;
        let label = format!("{}, {} / {}", row.cell, row.case, baseline.program);
        area.draw_text(&label, &text(12), (10, y + 3))?;
        area.draw(&Rectangle::new([(LEFT, y + 2), (x(ratio.median), y + 16)], colour.filled()))?;
        area.draw(&PathElement::new([(x(ratio.low), y + 9), (x(ratio.high), y + 9)], BLACK))?;
        let end = x(ratio.median.max(ratio.high)) + 6;
        area.draw_text(&format!("{:.2}", ratio.median), &text(12), (end, y + 3))?;
    }
    let (top, bottom) = (i32::try_from(TOP)? - 6, i32::try_from(height)? - 24);
    area.draw(&PathElement::new([(x(1.0), top), (x(1.0), bottom)], BLACK.mix(0.5)))?;
    area.draw_text("1.0", &text(12), (x(1.0) - 8, bottom + 4))?;
    area.present()?;
    Ok(())
}
