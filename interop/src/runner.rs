//! Runs cases on sides, two at a time, and compares.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use anyhow::{Context, Result};

use crate::case::{self, Case, Group, Mode};
use crate::known::{self, Known};
use crate::options::Options;
use crate::recorded;
use crate::report::Report;
use crate::run::{self, Answers};
use crate::side::{Place, Side};

/// Offline cases that one worker takes at once; a group's slowest worker decides when a run ends.
const BATCH: usize = 12;

/// A piece of work: cases of one group in one mode, on one daemon if they share one.
struct Unit<'a> {
    group: &'a Group,
    mode: Mode,
    cases: Vec<&'a Case>,
}

/// A group's repo after its `prepare` steps, on one side.
pub(crate) struct Prepared {
    pub(crate) place: Place,
    pub(crate) vars: BTreeMap<String, String>,
    pub(crate) answers: Answers,
}

type Cell = Arc<OnceLock<Result<Prepared, String>>>;

/// Runs the cases on Kubo and keeps its answers.
pub(crate) fn record(options: &Options) -> Result<usize> {
    let groups = selected(options)?;
    let side = Side::new(&options.left, None, &options.left)?;
    let answers = run_all(&groups, options, &side)?;
    let whole = options.only.is_none() && options.mode.is_none();
    for group in &groups {
        recorded::write(&group.name, &answers, whole)?;
    }
    println!("{} runs recorded", answers.len());
    Ok(0)
}

/// Holds a binary to the recorded answers.
pub(crate) fn replay(options: &Options) -> Result<usize> {
    let groups = selected(options)?;
    let side = Side::new(&options.bin, options.client.as_deref(), &options.left)?;
    let answers = run_all(&groups, options, &side)?;
    let mut expected = Answers::new();
    for group in &groups {
        expected.extend(recorded::read(&group.name)?);
    }
    compare(&groups, options, &load_known()?, &expected, &answers)
}

/// Runs two binaries side by side.
pub(crate) fn live(options: &Options) -> Result<usize> {
    let groups = selected(options)?;
    let left = Side::new(&options.left, None, &options.left)?;
    let right = Side::new(&options.bin, options.client.as_deref(), &options.left)?;
    let expected = run_all(&groups, options, &left)?;
    let answers = run_all(&groups, options, &right)?;
    // Kubo beside itself shows which cases have no answer of their own.
    let known = match options.left == options.bin {
        true => Known::new(),
        false => load_known()?,
    };
    compare(&groups, options, &known, &expected, &answers)
}

/// Prints the cases.
pub(crate) fn list(options: &Options) -> Result<usize> {
    let mut total = 0;
    for group in selected(options)? {
        for (case, mode) in runs(&group, options) {
            println!("{}", group.id(case, mode));
            total += 1;
        }
    }
    println!("{total} runs");
    Ok(0)
}

fn selected(options: &Options) -> Result<Vec<Group>> {
    let mut groups = case::load_all()?;
    if !options.groups.is_empty() {
        groups.retain(|group| options.groups.contains(&group.name));
    }
    Ok(groups)
}

fn runs<'a>(group: &'a Group, options: &Options) -> Vec<(&'a Case, Mode)> {
    let mut runs = Vec::new();
    for case in &group.cases {
        for &mode in &case.modes {
            let wanted = options.mode.is_none_or(|only| only == mode)
                && options
                    .only
                    .as_ref()
                    .is_none_or(|only| group.id(case, mode).contains(only.as_str()));
            if wanted {
                runs.push((case, mode));
            }
        }
    }
    runs
}

fn units<'a>(groups: &'a [Group], options: &Options) -> VecDeque<Unit<'a>> {
    let mut units = VecDeque::new();
    for group in groups {
        let all = runs(group, options);
        let of = |wanted: Mode, fresh: Option<bool>| -> Vec<&'a Case> {
            all.iter()
                .filter(|(case, mode)| {
                    *mode == wanted && fresh.is_none_or(|fresh| fresh == case.fresh)
                })
                .map(|(case, _)| *case)
                .collect()
        };
        let mut add = |mode, cases: Vec<&'a Case>| {
            if !cases.is_empty() {
                units.push_back(Unit { group, mode, cases });
            }
        };
        add(Mode::Daemon, of(Mode::Daemon, Some(false)));
        for case in of(Mode::Daemon, Some(true)) {
            add(Mode::Daemon, vec![case]);
        }
        for batch in of(Mode::Offline, None).chunks(BATCH) {
            add(Mode::Offline, batch.to_vec());
        }
    }
    units
}

fn run_all(groups: &[Group], options: &Options, side: &Side) -> Result<Answers> {
    let queue = Mutex::new(units(groups, options));
    let prepared: Mutex<BTreeMap<String, Cell>> = Mutex::default();
    let answers = Mutex::new(Answers::new());
    let work = || {
        loop {
            let Some(unit) = lock(&queue).pop_front() else {
                return;
            };
            let cell = Arc::clone(lock(&prepared).entry(unit.group.name.clone()).or_default());
            let prepared = cell.get_or_init(|| {
                run::prepare(side, unit.group).map_err(|error| format!("{error:#}"))
            });
            let found = prepared
                .as_ref()
                .map_err(|error| anyhow::anyhow!("{error}"))
                .and_then(|prepared| {
                    lock(&answers).extend(prepared.answers.clone());
                    run::unit(side, unit.group, unit.mode, &unit.cases, prepared)
                });
            // A side that cannot even run differs in every case, with the reason as its answer.
            let found = found.unwrap_or_else(|error| {
                let failed = vec![vec![format!("\\ could not run: {error:#}")]];
                unit.cases
                    .iter()
                    .map(|case| (unit.group.id(case, unit.mode), failed.clone()))
                    .collect()
            });
            lock(&answers).extend(found);
        }
    };
    thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(work);
        }
    });
    Ok(answers.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn load_known() -> Result<Known> {
    known::load().context("interop/known-differences.toml")
}

fn compare(
    groups: &[Group],
    options: &Options,
    known: &Known,
    expected: &Answers,
    answers: &Answers,
) -> Result<usize> {
    let mut report = Report::new(known, options);
    for group in groups {
        let mut ids = vec![run::prepare_id(group)];
        ids.extend(
            runs(group, options)
                .into_iter()
                .map(|(case, mode)| group.id(case, mode)),
        );
        for id in ids {
            match (expected.get(&id), answers.get(&id)) {
                (None, None) => {}
                (left, right) => report.run(&group.name, &id, left, right),
            }
        }
    }
    let whole = options.groups.is_empty() && options.only.is_none() && options.mode.is_none();
    Ok(report.finish(whole))
}
