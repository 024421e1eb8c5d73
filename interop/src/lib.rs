//! Basalt beside real Kubo: the same commands on both, and what each answered.
//!
//! The cases are data, in `interop/cases/*.toml`. `record` runs them on Kubo and keeps the answers in
//! `testdata/recorded`; `replay` holds a binary to them without Kubo; `live` runs two binaries side by
//! side. `tree-prop` adds random trees with random options and compares every CID. A difference that is
//! meant stands in `interop/known-differences.toml` with its reason. `crash`, `disk-full`, `bit-flip`,
//! `gc-load` and `adds-memory` prove on one binary that it keeps what it answered.
//!
//! ```
//! // What the program does with its arguments, without the program.
//! let failed = basalt_interop::run(["list", "--group", "version"].map(str::to_owned))?;
//! assert_eq!(failed, 0);
//! # Ok::<(), anyhow::Error>(())
//! ```

mod answer;
mod case;
mod cli;
mod daemon;
mod diff;
mod disk;
mod fixtures;
mod http;
mod known;
mod mask;
mod mounts;
mod noise;
mod options;
mod peer;
mod pin_service;
mod places;
mod proof;
mod recorded;
mod report;
mod rules;
mod run;
mod runner;
mod side;
mod step;
mod tar;
mod tree;
mod vars;

use std::process::ExitCode;

pub use options::USAGE;

/// Runs the program with `args` (without its own name) and returns how many cases failed.
///
/// # Errors
/// Wrong usage, case files that do not parse, or a binary that cannot be started.
pub fn run(args: impl IntoIterator<Item = String>) -> anyhow::Result<usize> {
    let args: Vec<String> = args.into_iter().collect();
    if let Some((verb, rest)) = args.split_first()
        && let Some(outcome) = proof::run(verb, rest).or_else(|| mounts::run(verb, rest))
    {
        return outcome;
    }
    match options::parse(args)? {
        options::Action::Record(options) => runner::record(&options),
        options::Action::Replay(options) => runner::replay(&options),
        options::Action::Live(options) => runner::live(&options),
        options::Action::List(options) => runner::list(&options),
        options::Action::CompatTable => known::write_table().map(|()| 0),
        options::Action::Trees(options) => tree::run(&options),
        options::Action::Help => {
            print!("{USAGE}{}{}", proof::USAGE, mounts::USAGE);
            Ok(0)
        }
    }
}

/// The exit code of the program for the outcome of [`run`]: 0 all agreed, 1 some differ, 2 could not run.
pub fn exit_code(outcome: &anyhow::Result<usize>) -> ExitCode {
    match outcome {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(_) => ExitCode::from(2),
    }
}
