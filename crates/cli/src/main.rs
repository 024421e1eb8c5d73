//! The binary: the command line face of the command table.
//!
//! Called as `ipfs` it is the same program.

mod address;
mod args;
mod daemon;
mod disk;
mod inputs;
mod interrupt;
mod place;
mod run;
mod stdin;

use std::process::ExitCode;

fn main() -> ExitCode {
    few_arenas();
    basalt_commands::logs().init();
    let words = args::of_process();
    // Two workers serve a node on the machines that Basalt is made for; blocking work has a pool of
    // its own, bounded by the node.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("Error: the runtime does not start: {e}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run::run(&words));
    // What is still reading standard input would keep the process alive.
    runtime.shutdown_background();
    code
}

/// Blocks are taken on one thread and given back on another; with an arena for every thread, glibc keeps
/// a third more than is in use.
fn few_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: no other thread runs yet.
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, 2);
    }
}
