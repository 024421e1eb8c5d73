//! `basalt-interop`: see the library of the same name, or `basalt-interop help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = basalt_interop::run(std::env::args().skip(1));
    if let Err(error) = &outcome {
        eprintln!("basalt-interop: {error:#}");
    }
    basalt_interop::exit_code(&outcome)
}
