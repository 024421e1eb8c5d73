//! The cases as they are written in `interop/cases/<group>.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::places;
use crate::rules::{Rules, Stderr, Stdout};
use crate::step::Step;

/// How a case is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// No daemon: the command line opens the repo itself.
    Offline,
    /// A daemon holds the repo: the command line and HTTP requests go to it.
    Daemon,
}

impl Mode {
    /// The word used in names of runs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Daemon => "daemon",
        }
    }
}

/// All cases of one file.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) vars: BTreeMap<String, String>,
    /// Daemons are in a network, beside another node: see `peer.rs`.
    pub(crate) online: bool,
    /// Steps that fill the repo every case of the group begins with.
    pub(crate) prepare: Vec<Step>,
    pub(crate) cases: Vec<Case>,
}

/// One case: steps on one repo, all of whose answers are compared.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) modes: Vec<Mode>,
    /// A daemon of its own, on a fresh copy of the group's repo.
    pub(crate) fresh: bool,
    /// No repo at all.
    pub(crate) bare: bool,
    /// Settings written into the config file before the first step: dotted key to value.
    pub(crate) config: BTreeMap<String, serde_json::Value>,
    /// Files written into the working directory before the first step.
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) steps: Vec<Step>,
}

impl Group {
    /// What a run of `case` in `mode` is called, everywhere.
    pub(crate) fn id(&self, case: &Case, mode: Mode) -> String {
        format!("{}: {} [{}]", self.name, case.name, mode.name())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupFile {
    modes: Option<Vec<Mode>>,
    #[serde(default)]
    online: bool,
    #[serde(default)]
    vars: BTreeMap<String, String>,
    #[serde(default)]
    prepare: Vec<RawStep>,
    stdout: Option<Stdout>,
    stderr: Option<Stderr>,
    sort: Option<bool>,
    mask: Option<Vec<String>>,
    /// Cases of one step that need no name but their own line.
    #[serde(default)]
    runs: Vec<String>,
    #[serde(default)]
    case: Vec<CaseFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    name: Option<String>,
    modes: Option<Vec<Mode>>,
    #[serde(default)]
    fresh: bool,
    #[serde(default)]
    bare: bool,
    #[serde(default)]
    config: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    run: Option<String>,
    /// Several cases of one step each that share what stands beside.
    #[serde(default)]
    runs: Vec<String>,
    #[serde(default)]
    steps: Vec<RawStep>,
    stdin: Option<String>,
    env: Option<BTreeMap<String, String>>,
    headers: Option<BTreeMap<String, String>>,
    parts: Option<Vec<crate::step::Part>>,
    body: Option<String>,
    stdout: Option<Stdout>,
    stderr: Option<Stderr>,
    sort: Option<bool>,
    mask: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawStep {
    Line(String),
    Table(Box<StepFile>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFile {
    run: String,
    stdin: Option<String>,
    env: Option<BTreeMap<String, String>>,
    headers: Option<BTreeMap<String, String>>,
    parts: Option<Vec<crate::step::Part>>,
    body: Option<String>,
    stdout: Option<Stdout>,
    stderr: Option<Stderr>,
    sort: Option<bool>,
    mask: Option<Vec<String>>,
}

impl StepFile {
    fn build(self, outer: &Rules) -> Result<Step> {
        let rules = outer.with(self.stdout, self.stderr, self.sort, self.mask)?;
        let mut step = Step::parse(&self.run, rules)?;
        step.stdin = self.stdin;
        step.env = self.env.unwrap_or_default();
        step.headers.extend(self.headers.unwrap_or_default());
        step.parts = self.parts;
        step.body = self.body;
        Ok(step)
    }
}

impl RawStep {
    fn build(self, outer: &Rules) -> Result<Step> {
        match self {
            Self::Line(line) => Step::parse(&line, outer.clone()),
            Self::Table(table) => table.build(outer),
        }
    }
}

impl CaseFile {
    fn build(self, modes: &[Mode], outer: &Rules) -> Result<Vec<Case>> {
        let rules = outer.with(self.stdout, self.stderr, self.sort, self.mask)?;
        let single = |line: String| {
            StepFile {
                run: line,
                stdin: self.stdin.clone(),
                env: self.env.clone(),
                headers: self.headers.clone(),
                parts: self.parts.clone(),
                body: self.body.clone(),
                ..StepFile::default()
            }
            .build(&rules)
        };
        let mut cases = Vec::new();
        let mut add = |name: String, steps: Vec<Step>| {
            let modes = match &self.modes {
                Some(modes) => modes.clone(),
                None if steps.iter().any(Step::starts_daemon) => vec![Mode::Offline],
                None if steps.iter().any(Step::needs_daemon) => vec![Mode::Daemon],
                None => modes.to_vec(),
            };
            cases.push(Case {
                name,
                modes,
                fresh: self.fresh,
                bare: self.bare,
                config: self.config.clone(),
                files: self.files.clone(),
                steps,
            });
        };
        for line in self.runs {
            let name = match &self.name {
                Some(name) => format!("{name}: {line}"),
                None => line.clone(),
            };
            add(name, vec![single(line)?]);
        }
        if let Some(line) = self.run {
            let name = self.name.clone().unwrap_or_else(|| line.clone());
            add(name, vec![single(line)?]);
        }
        if !self.steps.is_empty() {
            let steps = self
                .steps
                .into_iter()
                .map(|step| step.build(&rules))
                .collect::<Result<_>>()?;
            add(
                self.name.context("a case of several steps wants a name")?,
                steps,
            );
        }
        Ok(cases)
    }
}

/// Reads one file.
pub(crate) fn parse(name: &str, text: &str) -> Result<Group> {
    let file: GroupFile = toml::from_str(text)?;
    let modes = file
        .modes
        .unwrap_or_else(|| vec![Mode::Offline, Mode::Daemon]);
    let rules = Rules::default().with(file.stdout, file.stderr, file.sort, file.mask)?;
    let prepare = file
        .prepare
        .into_iter()
        .map(|step| step.build(&rules))
        .collect::<Result<_>>()?;
    let bare_runs = CaseFile {
        runs: file.runs,
        ..toml::from_str("")?
    };
    let mut cases = bare_runs.build(&modes, &rules)?;
    for case in file.case {
        cases.extend(case.build(&modes, &rules)?);
    }
    let mut seen = BTreeSet::new();
    for case in &cases {
        for &mode in &case.modes {
            ensure!(
                seen.insert((case.name.clone(), mode)),
                "two cases are called `{}`",
                case.name
            );
        }
    }
    Ok(Group {
        name: name.to_owned(),
        vars: file.vars,
        online: file.online,
        prepare,
        cases,
    })
}

/// Reads every group, in the order of their names.
pub(crate) fn load_all() -> Result<Vec<Group>> {
    let mut paths: Vec<_> = fs::read_dir(places::cases())
        .context("cannot list interop/cases")?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "toml"));
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Result<Group> {
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    fs::read_to_string(path)
        .map_err(anyhow::Error::from)
        .and_then(|text| parse(&name, &text))
        .with_context(|| format!("interop/cases/{name}.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_case_of_its_own_name() {
        let group = parse("g", "runs = ['cat x', 'POST /api/v0/id']").unwrap();
        let names: Vec<&str> = group.cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["cat x", "POST /api/v0/id"]);
        assert_eq!(group.cases[0].modes, [Mode::Offline, Mode::Daemon]);
        assert_eq!(group.cases[1].modes, [Mode::Daemon]);
    }

    #[test]
    fn a_name_may_be_used_once_and_keys_must_be_known() {
        assert!(parse("g", "runs = ['id', 'id']").is_err());
        assert!(parse("g", "[[case]]\nrun = 'id'\nbogus = 1").is_err());
        assert!(parse("g", "[[case]]\nsteps = ['id']").is_err());
    }

    #[test]
    fn every_case_file_parses() {
        let groups = load_all().unwrap();
        let cases: usize = groups.iter().map(|group| group.cases.len()).sum();
        assert!(cases >= 400, "{cases} cases");
    }
}
