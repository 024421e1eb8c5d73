//! The report for programs: every value of every round, in base units.

use anyhow::Result;
use serde_json::{Value, json};

use super::Report;

/// Renders the report as JSON.
pub(crate) fn render(report: &Report) -> Result<String> {
    let side = |row: &super::Row, side: usize| json!({ "median": row.median(side), "values": row.values[side] });
    let works: Vec<Value> = report
        .works
        .iter()
        .map(|work| {
            let metrics: Vec<Value> = work
                .rows
                .iter()
                .map(|row| {
                    json!({
                        "metric": row.metric,
                        "unit": row.unit.name(),
                        "a": side(row, 0),
                        "b": side(row, 1),
                        "ratio": row.ratio(),
                    })
                })
                .collect();
            json!({ "work": work.name, "what": work.what, "metrics": metrics })
        })
        .collect();
    let target = |side: usize| {
        let target = &report.targets[side];
        json!({ "name": target.name, "init": target.init })
    };
    let machine = &report.machine;
    let mut text = serde_json::to_string_pretty(&json!({
        "a": target(0),
        "b": target(1),
        "rounds": report.rounds,
        "scale": report.scale,
        "seconds": report.took.as_secs_f64(),
        "machine": {
            "cpu": machine.cpu,
            "cores": machine.cores,
            "memory": machine.memory,
            "kernel": machine.kernel,
        },
        "works": works,
    }))?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_kept() {
        let text = render(&super::super::tests::example()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let wall = &value["works"][0]["metrics"][0];
        assert_eq!(wall["a"]["values"], json!([4.0, 2.0, 3.0]));
        assert_eq!(wall["ratio"], json!(0.5));
        assert_eq!(value["works"][1]["metrics"][0]["ratio"], Value::Null);
        assert_eq!(value["b"]["name"], json!("<basalt>"));
    }
}
