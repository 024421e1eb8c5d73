//! Blocks from HTTP gateways, as the config says.

use basalt_bitswap::Port;
use basalt_repo::Config;
use basalt_retrieval::{Hosts, Options, Retrieval};

use crate::Node;

/// The most requests at a time, whatever the config says: each may hold a block.
const WORKERS: usize = 256;
/// The largest block, whatever the config says.
const LARGEST: usize = 32 << 20;

impl Node {
    /// What asks HTTP gateways for blocks, once the network was started and unless the config forbids
    /// it.
    pub fn retrieval(&self) -> Option<&Retrieval> {
        self.retrieval_slot().get()
    }

    pub(crate) fn start_retrieval(&self, config: &Config, port: Port) {
        if config.flag("HTTPRetrieval.Enabled") != Some(false) {
            let options = options(config, self.agent_version());
            let retrieval = Retrieval::new(options, port, self.cancelled());
            let _ = self.retrieval_slot().set(retrieval);
        }
    }
}

/// Values that make no sense are as good as absent: the config's check names them.
fn options(config: &Config, agent: String) -> Options {
    let default = Options::default();
    let list = |name: &str| config.strings(&format!("HTTPRetrieval.{name}"));
    let workers = config.integer("HTTPRetrieval.NumWorkers");
    let workers = workers.and_then(|n| usize::try_from(n).ok());
    let largest = config.bytes("HTTPRetrieval.MaxBlockSize");
    let largest = largest.and_then(|n| usize::try_from(n).ok());
    Options {
        hosts: Hosts::new(list("Allowlist"), list("Denylist")),
        workers: workers.unwrap_or(default.workers).clamp(1, WORKERS),
        largest: largest.unwrap_or(default.largest).min(LARGEST),
        trusting: config.flag("HTTPRetrieval.TLSInsecureSkipVerify") == Some(true),
        agent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read() {
        let config = |text: &str| Config::parse(text.as_bytes()).unwrap();
        let set = config(
            r#"{"HTTPRetrieval":{"Allowlist":["a.example"],"Denylist":["b.example"],
                "NumWorkers":3,"MaxBlockSize":"1MiB","TLSInsecureSkipVerify":true}}"#,
        );
        let set = options(&set, "x".to_owned());
        assert!(set.hosts.admits("a.example") && !set.hosts.admits("c.example"));
        assert_eq!((set.workers, set.largest), (3, 1 << 20));
        assert!(set.trusting);
        let odd = config(r#"{"HTTPRetrieval":{"NumWorkers":-3,"MaxBlockSize":"much"}}"#);
        let odd = options(&odd, "x".to_owned());
        assert_eq!((odd.workers, odd.largest), (16, 2 << 20));
        assert!(!odd.trusting);
    }
}
