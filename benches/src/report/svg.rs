//! A chart of the ratios: bars from the line "the same" to the left where B is better.

use std::fmt::Write;

use super::{Report, Row};

const WIDTH: f64 = 960.0;
const TOP: f64 = 84.0;
const LINE: f64 = 20.0;
const GAP: f64 = 14.0;
/// Left and right end of the scale, and where the values are written.
const LEFT: f64 = 270.0;
const RIGHT: f64 = 690.0;
const VALUES: f64 = 706.0;
/// Powers of two at the ends of the scale.
const BEST: f64 = -6.0;
const WORST: f64 = 2.0;

/// Metrics that are measured but tell a reader of the chart little.
const LEFT_OUT: [&str; 5] = [
    "client cpu",
    "write calls",
    "at rest",
    "puts during gc",
    "adds during gc",
];

const STYLE: &str = "\
svg { font: 13px system-ui, sans-serif; }
.ground { fill: #ffffff; } text { fill: #1f2328; } .dim { fill: #59636e; }
.grid { stroke: #d1d9e0; } .same { stroke: #1f2328; stroke-width: 1.5; }
.better { fill: #1a6fc4; } .worse { fill: #c4560d; }
.h { font-size: 17px; font-weight: 600; } .w { font-weight: 600; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; } text { fill: #e6edf3; } .dim { fill: #9198a1; }
.grid { stroke: #3d444d; } .same { stroke: #e6edf3; }
.better { fill: #58a6ff; } .worse { fill: #f0883e; }
}";

/// Renders the chart. It carries its own colours, for light and dark pages.
pub(crate) fn render(report: &Report) -> String {
    let [a, b] = [
        escape(&report.targets[0].name),
        escape(&report.targets[1].name),
    ];
    let works: Vec<(&str, Vec<(&Row, f64)>)> = report
        .works
        .iter()
        .map(|work| {
            (
                work.name,
                work.rows.iter().filter_map(charted).collect::<Vec<_>>(),
            )
        })
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let lines: usize = works.iter().map(|(_, rows)| rows.len()).sum();
    let bottom = TOP + lines as f64 * LINE + works.len() as f64 * GAP;
    let height = bottom + 40.0;

    let title = format!("{b} compared with {a}");
    let mut better = 0;
    let mut bars = String::new();
    let mut y = TOP;
    for (name, rows) in &works {
        y += GAP;
        let _ = writeln!(
            bars,
            r#"<text class="w" x="16" y="{:.0}">{}</text>"#,
            y + 14.0,
            escape(name)
        );
        for (row, ratio) in rows {
            better += usize::from(*ratio < 1.0);
            bar(&mut bars, y, row, *ratio);
            y += LINE;
        }
    }

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{title}</title>\n\
         <desc id=\"desc\">The cost of each work on {b} as a multiple of its cost on {a}, medians of {} \
         rounds, on a logarithmic scale. {b} is better in {better} of {lines} metrics.</desc>\n\
         <style>{STYLE}</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\
         <text class=\"h\" x=\"16\" y=\"30\">{title}</text>\n\
         <text class=\"dim\" x=\"16\" y=\"50\">cost on {b} / cost on {a}; bars to the left: {b} is better. \
         Medians of {} rounds, {} cores.</text>\n",
        report.rounds, report.rounds, report.machine.cores
    );
    for power in BEST as i32..=WORST as i32 {
        let x = place(f64::from(power));
        let label = match power {
            0 => "same".to_owned(),
            1.. => format!("{}x", 1 << power),
            _ => format!("1/{}", 1 << -power),
        };
        let class = if power == 0 { "same" } else { "grid" };
        let _ = writeln!(
            svg,
            r#"<line class="{class}" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom:.0}"/><text class="dim" x="{x:.1}" y="{:.0}" text-anchor="middle">{label}</text>"#,
            TOP - 8.0
        );
    }
    let _ = writeln!(
        svg,
        r#"<text class="dim" x="{VALUES}" y="{:.0}">{a} to {b}</text>"#,
        TOP - 8.0
    );
    svg.push_str(&bars);
    svg.push_str("</svg>\n");
    svg
}

/// A row that has a better direction, with B's cost as a multiple of A's.
fn charted(row: &Row) -> Option<(&Row, f64)> {
    if LEFT_OUT.contains(&row.metric) {
        return None;
    }
    let ratio = row.ratio().filter(|&ratio| ratio > 0.0)?;
    match row.unit.smaller_is_better()? {
        true => Some((row, ratio)),
        false => Some((row, 1.0 / ratio)),
    }
}

fn bar(svg: &mut String, y: f64, row: &Row, ratio: f64) {
    let (from, to) = (place(0.0), place(ratio.log2()));
    let (x, width) = (from.min(to), (from - to).abs().max(1.0));
    let class = if ratio <= 1.0 { "better" } else { "worse" };
    let show = |side| {
        row.median(side)
            .map_or_else(String::new, |value| row.unit.show(value))
    };
    let metric = escape(row.metric);
    let (a, b) = (show(0), show(1));
    let _ = writeln!(
        svg,
        r#"<text class="dim" x="{:.0}" y="{:.0}" text-anchor="end">{metric}</text><rect class="{class}" x="{x:.1}" y="{:.0}" width="{width:.1}" height="{:.0}" rx="2"><title>{metric}: {a} to {b}, {ratio:.3}</title></rect><text x="{VALUES}" y="{:.0}">{a} to {b} ({ratio:.2})</text>"#,
        LEFT - 10.0,
        y + 14.0,
        y + 3.0,
        LINE - 6.0,
        y + 14.0,
    );
}

/// Where a power of two lies; what is beyond the scale lies at its end.
fn place(power: f64) -> f64 {
    LEFT + (power.clamp(BEST, WORST) - BEST) / (WORST - BEST) * (RIGHT - LEFT)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_closed_and_names_escaped() {
        let svg = render(&super::super::tests::example());
        assert!(svg.contains("&lt;basalt&gt; compared with kubo &amp; co"));
        assert!(!svg.contains("<basalt>") && !svg.contains("NaN"));
        for element in ["svg", "text", "title", "desc", "style"] {
            let opened = svg.matches(&format!("<{element} ")).count()
                + svg.matches(&format!("<{element}>")).count();
            assert_eq!(
                opened,
                svg.matches(&format!("</{element}>")).count(),
                "{element}"
            );
        }
    }

    #[test]
    fn better_is_left_of_the_same_for_rates_as_well() {
        let report = super::super::tests::example();
        let ratios: Vec<_> = report.works[0]
            .rows
            .iter()
            .filter_map(charted)
            .map(|(_, ratio)| ratio)
            .collect();
        assert_eq!(ratios, [0.5, 0.1]);
        assert!(place(-1.0) < place(0.0) && place(-60.0) == LEFT && place(60.0) == RIGHT);
    }
}
