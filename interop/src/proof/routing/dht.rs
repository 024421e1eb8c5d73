//! A DHT of Kubo and Basalt nodes on loopback: what one announces, publishes and stores is found by
//! every other.

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::peer::Peer;
use super::soon;
use crate::places;
use crate::proof::settings::Settings;
use crate::proof::tally::Tally;

/// Nodes of each kind.
const SHORT: usize = 2;
const WHOLE: usize = 5;

/// Kinds of keys beside that of a node.
const KEYS: [&str; 2] = ["rsa", "secp256k1"];

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let began = Instant::now();
    let each = if settings.whole { WHOLE } else { SHORT };
    let folder = tempfile::Builder::new()
        .prefix("basalt-dht-")
        .tempdir_in(&settings.dir)?;
    let kubo = places::kubo();
    let mut peers = Vec::new();
    for n in 0..2 * each {
        let bin = if n % 2 == 0 { &settings.bin } else { &kubo };
        let peer = Peer::start(bin, folder.path().join(n.to_string()), &[])?;
        // Whoever comes later knows one of the first two; the rest is for the DHT.
        if n > 0 {
            peer.connect(&peers[if n < 4 { 0 } else { n % 2 }])?;
        }
        peers.push(peer);
    }
    let mut given = Vec::new();
    for (n, peer) in peers.iter().enumerate() {
        let text = format!("given by {n}, {}", settings.seed);
        given.push(peer.give(&text).context("a node cannot announce")?);
    }
    let pairs = || {
        let all = 0..peers.len();
        all.clone()
            .flat_map(move |a| all.clone().map(move |b| (a, b)))
    };
    for (a, b) in pairs().filter(|(a, b)| a != b) {
        let (from, to) = (&peers[a], &peers[b]);
        let name = format!("{} {a} of {} {b}", from.kind(), to.kind());
        tally.check(&format!("{name}: providers"), from.finds(&given[b], to));
        tally.check(&format!("{name}: a peer"), from.locates(to));
    }
    for (n, peer) in peers.iter().enumerate() {
        // The next but one is of the same kind, the next is of the other.
        for step in [1, 2] {
            let other = (n + step) % peers.len();
            let name = format!("{} {n} from {} {other}", peer.kind(), peers[other].kind());
            let expected = format!("given by {other}, {}", settings.seed);
            let fetched = soon(|| {
                let come = peer.say(&["cat", "--timeout=20s", &given[other]])?;
                ensure!(come == expected, "{come:?}");
                Ok(())
            });
            tally.check(&format!("{name}: a file"), fetched);
        }
    }
    names(&peers, &given, tally)?;
    for peer in peers {
        peer.stop()?;
    }
    tally.figure("seconds", began.elapsed().as_secs());
    Ok(())
}

/// Names of every kind of key, published by one and resolved by the others.
fn names(peers: &[Peer], given: &[String], tally: &mut Tally) -> Result<()> {
    let mut published = Vec::new();
    for (n, peer) in peers.iter().enumerate() {
        let mut keys = vec!["self"];
        if n < 2 {
            for key in KEYS {
                let kind = format!("--type={key}");
                peer.say(&["key", "gen", &kind, "--size=2048", key])
                    .or_else(|_| peer.say(&["key", "gen", &kind, key]))?;
                keys.push(key);
            }
        }
        for key in keys {
            match peer.publishes(key, &given[n]) {
                Ok(name) => published.push((n, key, name)),
                Err(error) => {
                    let name = format!("{} {n}: publishing by {key}", peer.kind());
                    tally.check(&name, Err(error));
                }
            }
        }
    }
    for (publisher, key, name) in &published {
        for (n, peer) in peers.iter().enumerate().filter(|(n, _)| n != publisher) {
            let whose = peers[*publisher].kind();
            let what = format!("{} {n}: the name {key} of {whose} {publisher}", peer.kind());
            tally.check(&what, peer.resolves(name, &given[*publisher]));
            if *key != "self" {
                continue;
            }
            let record = soon(|| peer.say(&["routing", "get", &format!("/ipns/{name}")]));
            let record = record.and_then(|record| {
                ensure!(!record.is_empty(), "it is empty");
                Ok(())
            });
            tally.check(&format!("{what}, its record"), record);
        }
    }
    Ok(())
}
