//! The comparison, in three forms.

pub(crate) mod json;
pub(crate) mod svg;
pub(crate) mod table;

use std::fs;
use std::time::Duration;

use crate::options::{Options, Target};
use crate::sample::{Sample, Unit, median};
use crate::work;

/// Everything that the three forms show.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) targets: [Target; 2],
    pub(crate) rounds: u32,
    pub(crate) scale: f64,
    pub(crate) took: Duration,
    pub(crate) machine: Machine,
    pub(crate) works: Vec<Compared>,
}

/// What the run was made on.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory: u64,
    pub(crate) kernel: String,
}

/// One work on both sides.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// One metric of a work on both sides.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) metric: &'static str,
    pub(crate) unit: Unit,
    /// The values of the rounds, of A and B.
    pub(crate) values: [Vec<f64>; 2],
}

impl Row {
    /// The middle of A's or B's values.
    pub(crate) fn median(&self, side: usize) -> Option<f64> {
        median(&self.values[side])
    }

    /// B / A; none where A has nothing.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let (a, b) = (self.median(0)?, self.median(1)?);
        (a > 0.0 && b >= 0.0).then(|| b / a)
    }
}

impl Report {
    /// Sorts the samples of a run by work and metric, in the order in which they came.
    pub(crate) fn new(options: &Options, samples: Vec<Sample>, took: Duration) -> Self {
        let mut works: Vec<Compared> = Vec::new();
        for work in work::ALL {
            let mut rows: Vec<Row> = Vec::new();
            for sample in samples.iter().filter(|sample| sample.work == work.name) {
                let at = rows
                    .iter()
                    .position(|row| row.metric == sample.metric)
                    .unwrap_or_else(|| {
                        rows.push(Row {
                            metric: sample.metric,
                            unit: sample.unit,
                            values: [vec![], vec![]],
                        });
                        rows.len() - 1
                    });
                rows[at].values[sample.side].push(sample.value);
            }
            if !rows.is_empty() {
                works.push(Compared {
                    name: work.name,
                    what: work.what,
                    rows,
                });
            }
        }
        Self {
            targets: options.targets.clone(),
            rounds: options.rounds,
            scale: options.scale,
            took,
            machine: Machine::read(),
            works,
        }
    }
}

impl Machine {
    fn read() -> Self {
        let find = |path: &str, name: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or_default();
            line.split_once(':')
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_default()
        };
        let kib = find("/proc/meminfo", "MemTotal");
        let kib = kib
            .split_whitespace()
            .next()
            .and_then(|kib| kib.parse::<u64>().ok());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: find("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism()
                .map(usize::from)
                .unwrap_or(1),
            memory: kib.unwrap_or_default() * 1024,
            kernel: kernel.trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report of two works with names that need escaping.
    pub(super) fn example() -> Report {
        let target = |name: &str| Target {
            name: name.into(),
            binary: "/bin/ipfs".into(),
            init: vec![],
        };
        let row = |metric, unit, a: &[f64], b: &[f64]| Row {
            metric,
            unit,
            values: [a.to_vec(), b.to_vec()],
        };
        Report {
            targets: [target("kubo & co"), target("<basalt>")],
            rounds: 3,
            scale: 1.0,
            took: Duration::from_secs(100),
            machine: Machine {
                cpu: "cpu".into(),
                cores: 2,
                memory: 1 << 30,
                kernel: "6".into(),
            },
            works: vec![
                Compared {
                    name: "add-1g",
                    what: "add of 1 GiB",
                    rows: vec![
                        row("wall", Unit::Seconds, &[4.0, 2.0, 3.0], &[1.0, 1.5, 2.0]),
                        row("written", Unit::Bytes, &[0.0], &[1.0]),
                        row("requests", Unit::PerSecond, &[10.0], &[100.0]),
                    ],
                },
                Compared {
                    name: "cat-1g",
                    what: "cat",
                    rows: vec![row("cpu", Unit::Seconds, &[1.0], &[])],
                },
            ],
        }
    }

    #[test]
    fn ratios_are_of_medians_and_absent_without_a_base() {
        let report = example();
        let ratios: Vec<_> = report.works[0].rows.iter().map(Row::ratio).collect();
        assert_eq!(ratios, [Some(0.5), None, Some(10.0)]);
        assert_eq!(report.works[1].rows[0].ratio(), None);
    }
}
