//! The binary: the command line face of the command table.
//!
//! Called as `ipfs` it is the same program.

mod address;
mod args;
mod daemon;
mod disk;
mod end;
mod in_turn;
mod inputs;
mod interrupt;
mod memory;
mod place;
mod run;
mod stdin;
mod waiting;

fn main() {
    memory::prepare();
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
            end::end(1);
        }
    };
    runtime.spawn(memory::give_back());
    let code = runtime.block_on(run::run(&words));
    // Neither does what still reads standard input, or the disk, keep the process alive.
    end::end(code)
}
