//! The arguments of a proof.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::places;

/// What a proof works with.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) bin: PathBuf,
    /// The long form, whose limits are asserted.
    pub(crate) whole: bool,
    pub(crate) rounds: Option<u64>,
    pub(crate) blocks: Option<u64>,
    pub(crate) adds: Option<usize>,
    pub(crate) minutes: Option<u64>,
    pub(crate) only: Option<String>,
    pub(crate) seed: u64,
    pub(crate) dir: PathBuf,
    pub(crate) json: Option<PathBuf>,
}

pub(crate) fn parse(args: &[String]) -> Result<Settings> {
    let mut settings = Settings {
        bin: places::basalt(),
        whole: false,
        rounds: None,
        blocks: None,
        adds: None,
        minutes: None,
        only: None,
        seed: clock(),
        dir: std::env::temp_dir(),
        json: None,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} wants a value"));
        let number = |text: &String| -> Result<u64> {
            text.parse()
                .with_context(|| format!("{arg} wants a number"))
        };
        match arg.as_str() {
            "--bin" => settings.bin = value()?.into(),
            "--whole" => settings.whole = true,
            "--rounds" => settings.rounds = Some(number(value()?)?),
            "--blocks" => settings.blocks = Some(number(value()?)?),
            "--adds" => settings.adds = Some(usize::try_from(number(value()?)?)?),
            "--minutes" => settings.minutes = Some(number(value()?)?),
            "--only" => settings.only = Some(value()?.clone()),
            "--seed" => settings.seed = number(value()?)?,
            "--dir" => settings.dir = value()?.into(),
            "--json" => settings.json = Some(value()?.into()),
            other => bail!("unknown option {other}; `basalt-interop help` lists them"),
        }
    }
    settings.bin = std::path::absolute(&settings.bin)?;
    if !settings.bin.is_file() {
        bail!("{} is no file; build it first", settings.bin.display());
    }
    Ok(settings)
}

fn clock() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(1, |now| now.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_and_wrong_ones_refused() {
        let parse = |line: &str| {
            let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
            parse(&args)
        };
        let settings = parse("--bin /bin/sh --rounds 7 --seed 3 --whole").unwrap();
        assert_eq!((settings.rounds, settings.seed), (Some(7), 3));
        assert!(settings.whole);
        for wrong in [
            "--rounds",
            "--rounds x",
            "--round 1",
            "--bin /nowhere/basalt",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
