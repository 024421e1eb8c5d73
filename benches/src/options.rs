//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::work;

/// Printed by `--help` and after a wrong command line.
pub(crate) const USAGE: &str = "\
Usage: basalt-bench --a PATH --b PATH [OPTIONS] [WORK...]

Runs the same work on two Kubo-compatible binaries, A then B in each round, and compares them.
Without WORK, every work of `--list` is run.

  --a PATH, --b PATH           the binaries
  --name-a NAME, --name-b NAME how the report calls them (default: the file names)
  --init-a ARGS, --init-b ARGS arguments of `init` (default: --profile=test)
  --rounds N                   rounds; medians are reported (default: 3)
  --scale F                    multiplies counts and sizes (default: 1)
  --quick                      one round at scale 0.01, under a minute in all
  --dir DIR                    where the repos are put (default: the temporary directory)
  --json FILE                  writes every value as JSON
  --svg FILE                   draws the ratios
  --time-limit SECONDS         ends everything after so long (default: 14400; --quick: 120)
  --list                       prints the works
  --help                       prints this
";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    List,
    Run(Box<Options>),
}

/// One of the two binaries.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) binary: PathBuf,
    /// Arguments of `init`.
    pub(crate) init: Vec<String>,
}

/// How to run.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) targets: [Target; 2],
    /// Names of works, in the order of the list; never empty.
    pub(crate) works: Vec<&'static str>,
    pub(crate) rounds: u32,
    pub(crate) scale: f64,
    pub(crate) quick: bool,
    pub(crate) dir: PathBuf,
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
    pub(crate) time_limit: Duration,
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command> {
    let mut arguments = arguments;
    let mut binaries: [Option<PathBuf>; 2] = [None, None];
    let mut names: [Option<String>; 2] = [None, None];
    let mut init = ["--profile=test".to_owned(), "--profile=test".to_owned()];
    let (mut rounds, mut scale, mut quick, mut limit) = (None, None, false, None);
    let (mut dir, mut json, mut svg) = (std::env::temp_dir(), None, None);
    let mut wanted = Vec::new();

    while let Some(argument) = arguments.next() {
        let (flag, mut inline) = match argument.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => {
                (flag.to_owned(), Some(value.to_owned()))
            }
            _ => (argument, None),
        };
        let mut value = || {
            inline
                .take()
                .or_else(|| arguments.next())
                .with_context(|| format!("{flag} needs a value"))
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--list" => return Ok(Command::List),
            "--quick" => quick = true,
            "--a" => binaries[0] = Some(value()?.into()),
            "--b" => binaries[1] = Some(value()?.into()),
            "--name-a" => names[0] = Some(value()?),
            "--name-b" => names[1] = Some(value()?),
            "--init-a" => init[0] = value()?,
            "--init-b" => init[1] = value()?,
            "--rounds" => {
                rounds = Some(
                    value()?
                        .parse::<u32>()
                        .context("--rounds is not a number")?,
                )
            }
            "--scale" => scale = Some(value()?.parse::<f64>().context("--scale is not a number")?),
            "--dir" => dir = value()?.into(),
            "--json" => json = Some(value()?.into()),
            "--svg" => svg = Some(value()?.into()),
            "--time-limit" => {
                limit = Some(
                    value()?
                        .parse::<u64>()
                        .context("--time-limit is not a number of seconds")?,
                );
            }
            name if name.starts_with('-') => bail!("unknown option {name}"),
            name => wanted.push(name.to_owned()),
        }
    }

    for name in &wanted {
        ensure!(
            work::ALL.iter().any(|work| work.name == name),
            "unknown work {name}: see --list"
        );
    }
    let works = work::ALL
        .iter()
        .map(|work| work.name)
        .filter(|name| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name))
        .collect();
    let rounds = rounds.unwrap_or(if quick { 1 } else { 3 });
    ensure!(
        (1..=1000).contains(&rounds),
        "--rounds is between 1 and 1000"
    );
    let scale = scale.unwrap_or(if quick { 0.01 } else { 1.0 });
    ensure!(
        scale > 0.0 && scale <= 100.0,
        "--scale is above 0 and at most 100"
    );

    let [a, b] = binaries;
    let (a, b) = (a.context("--a is missing")?, b.context("--b is missing")?);
    for binary in [&a, &b] {
        ensure!(binary.is_file(), "no program at {}", binary.display());
    }
    let stem = |path: &PathBuf| {
        path.file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let clash = stem(&a) == stem(&b);
    let name = |given: Option<String>, path: &PathBuf, side: &str| {
        given.unwrap_or_else(|| {
            if clash {
                format!("{} {side}", stem(path))
            } else {
                stem(path)
            }
        })
    };
    let [name_a, name_b] = names;
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let targets = [
        // A relative path would mean something else to a daemon that is started elsewhere.
        Target {
            name: name(name_a, &a, "A"),
            binary: a.canonicalize()?,
            init: words(&init[0]),
        },
        Target {
            name: name(name_b, &b, "B"),
            binary: b.canonicalize()?,
            init: words(&init[1]),
        },
    ];
    let time_limit = Duration::from_secs(limit.unwrap_or(if quick { 120 } else { 14_400 }));
    Ok(Command::Run(Box::new(Options {
        targets,
        works,
        rounds,
        scale,
        quick,
        dir,
        json,
        svg,
        time_limit,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn works_are_selected_by_name_and_kept_in_order() {
        let Command::Run(options) =
            parsed("--a /bin/sh --b=/bin/sh repo-gc add-1g --rounds 2").unwrap()
        else {
            panic!("not a run");
        };
        assert_eq!(options.works, ["add-1g", "repo-gc"]);
        assert_eq!((options.rounds, options.scale), (2, 1.0));
        assert_ne!(options.targets[0].name, options.targets[1].name);
    }

    #[test]
    fn wrong_command_lines_say_what_is_wrong() {
        for (line, words) in [
            ("--b /bin/sh", "--a is missing"),
            ("--a /bin/sh --b /nowhere", "no program at /nowhere"),
            ("--a /bin/sh --b /bin/sh nonsense", "unknown work nonsense"),
            ("--a /bin/sh --b /bin/sh --rounds 0", "--rounds is between"),
            ("--a /bin/sh --b /bin/sh --scale -1", "--scale is above 0"),
            ("--frob", "unknown option --frob"),
            ("--a", "--a needs a value"),
        ] {
            assert!(
                parsed(line).unwrap_err().to_string().contains(words),
                "{line}"
            );
        }
    }
}
