use std::collections::HashMap;

use basalt_block::{Hasher, Multihash, codec};

use super::*;
use crate::message::Entry;

fn block(i: u32, size: usize) -> Block {
    let mut data = vec![0; size.max(4)];
    data[..4].copy_from_slice(&i.to_le_bytes());
    Block::hash(1, codec::RAW, Hasher::SHA2_256, data.into()).unwrap()
}

fn want(block: &Block, want: WantType) -> Entry {
    Entry {
        cid: *block.cid(),
        priority: 1,
        cancel: false,
        want,
        send_dont_have: true,
    }
}

fn wants(entries: Vec<Entry>) -> Message {
    Message {
        wants: entries,
        ..Message::default()
    }
}

/// An engine over a store, with one peer or several.
struct Bench {
    engine: Engine,
    store: HashMap<Multihash, Bytes>,
}

impl Bench {
    fn new(options: EngineOptions, peers: &[PeerId]) -> Self {
        let mut engine = Engine::new(options);
        for peer in peers {
            engine.connected(*peer);
        }
        Self {
            engine,
            store: HashMap::new(),
        }
    }

    fn put(&mut self, block: &Block) {
        self.store.insert(*block.multihash(), block.data().clone());
        self.engine.notify(&[*block.cid()]);
    }

    /// Does one job; says whether there was one.
    fn step(&mut self) -> Option<Job> {
        let job = self.engine.next_job()?;
        match &job {
            Job::Look { peer, cids } => {
                let sizes: Vec<_> = cids
                    .iter()
                    .map(|c| (*c, self.store.get(c.hash()).map(|d| d.len() as u64)))
                    .collect();
                self.engine.looked(peer, &sizes);
            }
            Job::Read { peer, cids } => {
                let blocks = cids
                    .iter()
                    .map(|c| (*c, self.store.get(c.hash()).cloned()))
                    .collect();
                self.engine.loaded(peer, blocks);
            }
        }
        Some(job)
    }

    fn run(&mut self) {
        while self.step().is_some() {}
    }

    /// What is said to the peer now.
    fn say(&mut self, peer: &PeerId) -> Message {
        self.run();
        let mut message = Message::default();
        self.engine.compose(peer, &mut message);
        message
    }

    fn say_and_send(&mut self, peer: &PeerId) -> Message {
        let message = self.say(peer);
        self.engine.sent(peer, message.block_bytes());
        message
    }
}

fn named(message: &Message) -> Vec<Cid> {
    let blocks = message.blocks.iter().cloned();
    blocks.map(|b| *b.into_block().unwrap().cid()).collect()
}

#[test]
fn blocks_haves_and_dont_haves() {
    let peer = PeerId::random();
    let mut bench = Bench::new(EngineOptions::default(), &[peer]);
    let (small, large, asked, absent) = (block(1, 10), block(2, 5000), block(3, 5000), block(4, 9));
    for b in [&small, &large, &asked] {
        bench.put(b);
    }
    bench.engine.received(
        &peer,
        &wants(vec![
            want(&small, WantType::Have),
            want(&large, WantType::Block),
            want(&asked, WantType::Have),
            want(&absent, WantType::Block),
        ]),
    );
    assert_eq!(bench.engine.partners().count(), 1);
    let said = bench.say(&peer);
    let mut blocks = named(&said);
    blocks.sort();
    let mut expected = vec![*small.cid(), *large.cid()];
    expected.sort();
    assert_eq!(blocks, expected);
    let haves: HashMap<Cid, bool> = said.presences.iter().map(|p| (p.cid, p.have)).collect();
    assert_eq!(
        haves,
        HashMap::from([(*asked.cid(), true), (*absent.cid(), false)])
    );
    assert_eq!(bench.engine.totals(), (2, 5010));
    assert_eq!(bench.engine.wantlist(&peer), [*absent.cid()]);
    let receipt = bench.engine.receipt(&peer);
    assert_eq!((receipt.sent, receipt.exchanged), (5010, 2));

    // What comes later is sent without being asked for again, once.
    assert!(!bench.engine.has_message(&peer));
    bench.put(&absent);
    assert_eq!(named(&bench.say(&peer)), [*absent.cid()]);
    bench.put(&absent);
    assert!(bench.say(&peer).is_empty());
    assert_eq!(bench.engine.partners().count(), 0);
}

#[test]
fn a_have_that_becomes_a_want_gets_the_block() {
    let peer = PeerId::random();
    let mut bench = Bench::new(EngineOptions::default(), &[peer]);
    let b = block(1, 5000);
    bench.put(&b);
    let ask = |bench: &mut Bench, kind| bench.engine.received(&peer, &wants(vec![want(&b, kind)]));
    // Before it is looked up, while a HAVE waits to be said, and after that was said.
    for steps in [0, 1] {
        ask(&mut bench, WantType::Have);
        for _ in 0..steps {
            bench.step();
        }
        ask(&mut bench, WantType::Block);
        let said = bench.say_and_send(&peer);
        assert_eq!((named(&said).len(), said.presences.len()), (1, 0));
    }
    ask(&mut bench, WantType::Have);
    assert!(bench.say(&peer).presences[0].have);
    ask(&mut bench, WantType::Block);
    assert_eq!(named(&bench.say(&peer)), [*b.cid()]);
}

#[test]
fn what_is_withdrawn_is_not_sent() {
    let peer = PeerId::random();
    let b = block(1, 5000);
    let mut cancel = wants(vec![want(&b, WantType::Block)]);
    cancel.wants[0].cancel = true;
    for steps in 0..3 {
        let mut bench = Bench::new(EngineOptions::default(), &[peer]);
        bench.put(&b);
        let ask = wants(vec![want(&b, WantType::Block)]);
        bench.engine.received(&peer, &ask);
        for _ in 0..steps {
            bench.step();
        }
        bench.engine.received(&peer, &cancel);
        assert!(bench.say(&peer).is_empty(), "{steps}");
        assert!(bench.engine.wanting.is_empty());
        bench.engine.received(&peer, &ask);
        assert_eq!(named(&bench.say(&peer)).len(), 1);
        // A full wantlist withdraws what it does not name.
        bench.engine.received(&peer, &ask);
        let full = Message {
            full: true,
            ..Message::default()
        };
        bench.engine.received(&peer, &full);
        assert!(bench.say(&peer).is_empty());
    }
}

#[test]
fn a_block_that_comes_while_it_is_looked_up_is_sent() {
    let peer = PeerId::random();
    let mut bench = Bench::new(EngineOptions::default(), &[peer]);
    let b = block(1, 10);
    let ask = wants(vec![want(&b, WantType::Block)]);
    bench.engine.received(&peer, &ask);
    let Some(Job::Look { cids, .. }) = bench.engine.next_job() else {
        panic!("it is looked up");
    };
    bench.put(&b);
    bench.engine.looked(&peer, &[(cids[0], None)]);
    assert_eq!(named(&bench.say(&peer)), [*b.cid()]);
}

#[test]
fn a_block_that_vanishes_is_a_dont_have() {
    let peer = PeerId::random();
    let mut bench = Bench::new(EngineOptions::default(), &[peer]);
    let b = block(1, 10);
    bench.put(&b);
    bench
        .engine
        .received(&peer, &wants(vec![want(&b, WantType::Block)]));
    bench.step();
    bench.store.clear();
    let said = bench.say(&peer);
    assert!(!said.presences[0].have);
    assert_eq!(bench.engine.partners[&peer].reading, 0);
}

#[test]
fn bytes_under_way_to_a_peer_are_bounded() {
    let peer = PeerId::random();
    let mut bench = Bench::new(EngineOptions::default(), &[peer]);
    let blocks: Vec<Block> = (0..64).map(|i| block(i, 100_000)).collect();
    for b in &blocks {
        bench.put(b);
    }
    let ask = blocks.iter().map(|b| want(b, WantType::Block)).collect();
    bench.engine.received(&peer, &wants(ask));
    bench.run();
    let partner = &bench.engine.partners[&peer];
    assert!(partner.loaded_bytes < (1 << 20) + (300 << 10));
    // Nothing more is read until something has left.
    let mut unsent = Vec::new();
    while bench.engine.has_message(&peer) {
        unsent.push(bench.say(&peer).block_bytes());
    }
    assert!(unsent.iter().sum::<usize>() < (1 << 20) + (300 << 10));
    let mut got = unsent.iter().sum::<usize>();
    for bytes in unsent {
        bench.engine.sent(&peer, bytes);
    }
    loop {
        let said = bench.say_and_send(&peer);
        if said.is_empty() {
            break;
        }
        got += said.block_bytes();
    }
    assert_eq!(got, 6_400_000);
}

#[test]
fn peers_take_turns() {
    let peers = [PeerId::random(), PeerId::random()];
    let options = EngineOptions {
        store_visits: 1,
        ..EngineOptions::default()
    };
    let mut bench = Bench::new(options, &peers);
    let blocks: Vec<Block> = (0..20).map(|i| block(i, 200_000)).collect();
    for b in &blocks {
        bench.put(b);
    }
    let greedy = blocks.iter().map(|b| want(b, WantType::Block)).collect();
    bench.engine.received(&peers[0], &wants(greedy));
    bench.step();
    bench
        .engine
        .received(&peers[1], &wants(vec![want(&blocks[9], WantType::Block)]));
    for _ in 0..4 {
        bench.step();
    }
    assert!(
        bench.engine.has_message(&peers[1]),
        "it waits for its turn only"
    );
}

#[test]
fn urgent_wants_come_first_and_small_blocks_share_a_message() {
    let peer = PeerId::random();
    let mut bench = Bench::new(EngineOptions::default(), &[peer]);
    let blocks: Vec<Block> = (0..100).map(|i| block(i, 1000)).collect();
    let mut ask = Vec::new();
    for (i, b) in blocks.iter().enumerate() {
        bench.put(b);
        let mut entry = want(b, WantType::Block);
        entry.priority = i as i32;
        ask.push(entry);
    }
    bench.engine.received(&peer, &wants(ask));
    let said = named(&bench.say(&peer));
    let mut expected: Vec<Cid> = blocks.iter().map(|b| *b.cid()).collect();
    expected.reverse();
    assert_eq!(said[..64], expected[..64]);
}

#[test]
fn millions_of_wants_stay_bounded() {
    let peer = PeerId::random();
    let mut bench = Bench::new(EngineOptions::default(), &[peer]);
    let held = block(u32::MAX, 9000);
    bench.put(&held);
    let mut first = want(&held, WantType::Block);
    first.priority = 5;
    bench.engine.received(&peer, &wants(vec![first]));
    bench.run();
    let mut hash = [0; 32];
    for round in 0..2000u32 {
        let entries = (0..1024u32).map(|i| {
            hash[..8].copy_from_slice(&(u64::from(round) << 32 | u64::from(i)).to_le_bytes());
            let hash = Multihash::wrap(0x12, &hash).unwrap();
            Entry {
                cid: Cid::new_v1(codec::RAW, hash),
                ..want(&held, WantType::Block)
            }
        });
        let message = wants(entries.collect());
        bench.engine.received(&peer, &message);
        if round % 100 == 0 {
            // It is asked for again and again, and never read.
            for _ in 0..5 {
                bench.engine.received(&peer, &message);
                bench.run();
            }
            let size = bench.engine.partners[&peer].wants.footprint();
            assert!(size <= 16 * 1024, "{size} entries in all queues");
            assert!(bench.engine.wanting.count() <= 1024);
        }
    }
    let said = bench.say(&peer);
    assert_eq!(named(&said), [*held.cid()], "the more urgent want stayed");
}

#[test]
fn all_peers_together_take_so_much_and_no_more() {
    let peers: Vec<PeerId> = (0..200).map(|_| PeerId::random()).collect();
    let mut bench = Bench::new(EngineOptions::default(), &peers);
    let bait: Vec<Block> = (0..16).map(|i| block(i, 256 << 10)).collect();
    for one in &bait {
        bench.put(one);
    }
    let all = wants(bait.iter().map(|b| want(b, WantType::Block)).collect());
    for peer in &peers {
        bench.engine.received(peer, &all);
    }
    let mut said = HashMap::new();
    for peer in &peers {
        let message = bench.say(peer);
        if message.block_bytes() > 0 {
            said.insert(*peer, message.block_bytes());
        }
    }
    assert!(bench.engine.outstanding >= ALL_OUTSTANDING);
    assert!(bench.engine.outstanding <= 3 * ALL_OUTSTANDING);
    assert!(said.len() < peers.len());
    // As those who got some take it, all others get theirs.
    for _ in 0..1000 {
        for (peer, bytes) in std::mem::take(&mut said) {
            bench.engine.sent(&peer, bytes);
        }
        for peer in &peers {
            let bytes = bench.say(peer).block_bytes();
            if bytes > 0 {
                said.insert(*peer, bytes);
            }
        }
        if said.is_empty() {
            break;
        }
    }
    assert_eq!(bench.engine.outstanding, 0);
    assert!(bench.engine.is_idle());
    let (blocks, _) = bench.engine.totals();
    assert_eq!(blocks, 200 * 16);

    let mut hash = [0; 32];
    for (n, peer) in peers.iter().enumerate() {
        let entries = (0..1024_usize).map(|i| {
            hash[..8].copy_from_slice(&(n << 32 | i).to_le_bytes());
            let hash = Multihash::wrap(0x12, &hash).unwrap();
            Entry {
                cid: Cid::new_v1(codec::RAW, hash),
                ..want(&bait[0], WantType::Block)
            }
        });
        bench.engine.received(peer, &wants(entries.collect()));
        bench.run();
    }
    assert!(bench.engine.wanting.count() <= ALL_WANTS + peers.len() * ALL_WANTS / 200);
    assert!(bench.engine.partners.values().all(|p| !p.wants.is_empty()));
}

#[test]
fn who_goes_is_forgotten_and_who_serves_nobody_answers_nobody() {
    let peer = PeerId::random();
    let mut bench = Bench::new(EngineOptions::default(), &[peer]);
    let b = block(1, 10);
    let ask = wants(vec![want(&b, WantType::Block)]);
    bench.engine.received(&peer, &ask);
    bench.engine.paid(&peer, 7);
    assert_eq!(bench.engine.receipt(&peer).received, 7);
    let job = bench.engine.next_job();
    bench.engine.disconnected(&peer);
    assert!(matches!(job, Some(Job::Look { .. })));
    bench.engine.looked(&peer, &[(*b.cid(), Some(10))]);
    bench.put(&b);
    assert!(bench.say(&peer).is_empty());
    assert!(bench.engine.wanting.is_empty());
    assert_eq!(bench.engine.visits, 0);
    assert_eq!(bench.engine.receipt(&peer), Receipt::default());

    let mut closed = Bench::new(
        EngineOptions {
            enabled: false,
            ..EngineOptions::default()
        },
        &[peer],
    );
    closed.put(&b);
    closed.engine.received(&peer, &ask);
    assert!(closed.say(&peer).is_empty());
}
