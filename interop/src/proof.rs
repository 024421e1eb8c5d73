//! Proofs on the real binary: what it answered survives kills, full disks, flipped bits, collections
//! and many adds at once.

mod churn;
mod client;
mod content;
mod crash;
mod fetch;
mod file_tree;
mod flip;
mod floods;
mod full;
mod gateways;
mod gc_load;
mod import;
mod items;
mod latency;
mod lowpower;
mod memory;
mod nat;
mod node;
mod peers;
mod program;
mod routing;
mod settings;
mod side;
mod slow;
mod soak;
mod talk;
mod tally;
mod trustless;

use anyhow::Result;

use settings::Settings;
use tally::Tally;

/// What `basalt-interop help` prints of the proofs.
pub(crate) const USAGE: &str = "
Proofs on one binary (docs/testing.md):
  crash           SIGKILL while it adds, pins and collects; what was answered must be there
  disk-full       fill a small file system, work on it, free it (needs root for the mount)
  bit-flip        one bit in each kind of file of a repo; wrong bytes are never served
  gc-load         readers, adders and pinners through a collection, with latencies
  adds-memory     many adds at a time; the peak of resident memory
  slow-clients    clients of the gateway that read nothing or write byte by byte; memory
  files-prop      random walks over the file tree, beside real Kubo
  trustless       a client that verifies what the gateways of Basalt and of real Kubo send
  fetch           blocks between it and real Kubo, over every transport
  peers           peering through restarts, pings and private networks, with real Kubo
  nat             relays and holes punched through routers, with real Kubo (network namespaces)
  churn           nodes that die, stand still and are cut off, on bad lines
  soak            mixed work on two nodes; memory stays flat
  floods          hostile peers by the hundred; memory, and an honest peer that is served meanwhile
  lowpower        the profile lowpower fetches and serves in 256 MB
  dht             a DHT of it and of real Kubo: what one announces or publishes the others find
  delegated       its server of /routing/v1, asked by real Kubo, and the other way round
  gateways        blocks over HTTP, from the gateway of each to the other
  talk            PubSub, tunnels, names over PubSub and the gateway over streams, with real Kubo
  import-kill     SIGKILL while a repo of real Kubo is imported; all of it must arrive

Options of the proofs:
  --bin PATH      the binary (default $CARGO_TARGET_DIR/debug/basalt)
  --whole         the whole form instead of the short one
  --rounds N      crash, churn, import-kill: rounds; bit-flip: flips in each kind of file
  --blocks N      gc-load: blocks in the repo
  --adds N        adds-memory: adds at a time
  --minutes N     soak: how long
  --only TEXT     bit-flip: only kinds of files whose name contains TEXT; fetch: only that transport;
                  nat: only parts whose name contains TEXT (`QUIC by Kubo`, `reachability`);
                  floods: only that flood
  --seed N        repeat a run (default: the clock)
  --dir PATH      where the repos are made (default: the directory for temporary files)
  --json PATH     write the figures there too
";

/// Runs the proof `verb`; `None` if that is no proof.
pub(crate) fn run(verb: &str, args: &[String]) -> Option<Result<usize>> {
    let proof: fn(&Settings, &mut Tally) -> Result<()> = match verb {
        "crash" => crash::run,
        "disk-full" => full::run,
        "bit-flip" => flip::run,
        "gc-load" => gc_load::run,
        "adds-memory" => memory::run,
        "slow-clients" => slow::run,
        "trustless" => trustless::run,
        "files-prop" => file_tree::run,
        "import-kill" => import::run,
        "fetch" => fetch::run,
        "talk" => talk::run,
        "peers" => peers::run,
        "nat" => nat::run,
        "churn" => churn::run,
        "soak" => soak::run,
        "floods" => floods::run,
        "lowpower" => lowpower::run,
        "dht" => routing::run_dht,
        "delegated" => routing::run_delegated,
        "gateways" => gateways::run,
        _ => return None,
    };
    Some(settings::parse(args).and_then(|settings| {
        println!("{verb}: seed {}, {}", settings.seed, settings.bin.display());
        let mut tally = Tally::default();
        proof(&settings, &mut tally)?;
        tally.finish(verb, &settings)
    }))
}
