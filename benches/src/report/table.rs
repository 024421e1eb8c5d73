//! The table on the terminal.

use std::fmt::Write;

use super::Report;

/// Renders the medians and their ratio, one line per metric.
pub(crate) fn render(report: &Report) -> String {
    let [a, b] = &report.targets;
    let shown = |value: Option<f64>, unit: crate::sample::Unit| {
        value.map_or_else(|| "-".to_owned(), |value| unit.show(value))
    };
    let mut lines = vec![[
        "work".to_owned(),
        "metric".to_owned(),
        a.name.clone(),
        b.name.clone(),
        format!("{}/{}", b.name, a.name),
    ]];
    for work in &report.works {
        for (nth, row) in work.rows.iter().enumerate() {
            lines.push([
                if nth == 0 {
                    work.name.to_owned()
                } else {
                    String::new()
                },
                row.metric.to_owned(),
                shown(row.median(0), row.unit),
                shown(row.median(1), row.unit),
                row.ratio()
                    .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}")),
            ]);
        }
    }
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 5] = std::array::from_fn(width);

    let mut text = String::new();
    for line in &lines {
        if !line[0].is_empty() {
            text.push('\n');
        }
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            let _ = match column {
                0 | 1 => write!(text, "{cell:<width$}  "),
                4 => write!(text, "{cell:>width$}"),
                _ => write!(text, "{cell:>width$}  "),
            };
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "\n{} x {}, {} rounds at scale {}, {:.0} s in all",
        report.machine.cores,
        report.machine.cpu,
        report.rounds,
        report.scale,
        report.took.as_secs_f64()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_per_metric() {
        let text = render(&super::super::tests::example());
        let line = |start: &str| {
            text.lines()
                .find(|line| line.trim_start().starts_with(start))
                .unwrap()
        };
        let words = |line: &str| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            words(line("add-1g")),
            ["add-1g", "wall", "3.00", "s", "1.50", "s", "0.500"]
        );
        assert_eq!(
            words(line("written")),
            ["written", "0.00", "kB", "0.00", "kB", "-"]
        );
        assert_eq!(
            words(line("cat-1g")),
            ["cat-1g", "cpu", "1.00", "s", "-", "-"]
        );
    }
}
