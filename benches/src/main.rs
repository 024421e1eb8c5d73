//! `basalt-bench`: the same work on two Kubo-compatible binaries, through the RPC, side by side.
//!
//! Each round runs the work on A, then on B, so that a machine which slows down slows both.
//! What is measured, and how, is in this folder's README.

mod data;
mod guard;
mod http;
mod latency;
mod load;
mod meter;
mod node;
mod options;
mod process;
mod report;
mod sample;
mod work;

use std::time::Instant;

use anyhow::{Context, Result};

use crate::options::{Command, Options};
use crate::report::Report;
use crate::work::Run;

fn main() -> std::process::ExitCode {
    let result = match options::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{}", options::USAGE);
            Ok(())
        }
        Ok(Command::List) => {
            for work in work::ALL {
                println!("{:<18}{}", work.name, work.what);
            }
            Ok(())
        }
        Ok(Command::Run(options)) => run(&options),
        Err(error) => {
            eprintln!("basalt-bench: {error:#}\n\n{}", options::USAGE);
            return std::process::ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("basalt-bench: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let dir = tempfile::Builder::new()
        .prefix("basalt-bench-")
        .tempdir_in(&options.dir)
        .with_context(|| {
            format!(
                "cannot create a directory for repos in {}",
                options.dir.display()
            )
        })?;
    guard::watch(dir.path(), options.time_limit)?;

    let began = Instant::now();
    let mut run = Run::new(options, dir.path());
    let outcome = run.all();
    let report = Report::new(options, run.into_samples(), began.elapsed());

    // What was measured before a failure is still worth reading.
    print!("{}", report::table::render(&report));
    if let Some(path) = &options.json {
        std::fs::write(path, report::json::render(&report)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &options.svg {
        std::fs::write(path, report::svg::render(&report))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    outcome
}
