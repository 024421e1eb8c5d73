//! The node among its peers: one libp2p swarm, driven by one task.
