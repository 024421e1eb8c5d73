use std::time::Duration;

use basalt_block::Cid;

use crate::world::{Faults, Manner, World, block};

/// Nobody waits longer than this for the next block while somebody has it who is connected.
const STALL: Duration = Duration::from_secs(10);
const END: Duration = Duration::from_secs(600);

const CALM: Faults = Faults {
    loss: 0,
    delay: 5,
    jitter: 10,
    churn: 0,
};

/// What came of a schedule.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    time: Duration,
    blocks: u64,
    data: u64,
    duplicate_data: u64,
    messages: u64,
    stall: Duration,
}

/// How many schedules are run: `BASALT_SCHEDULES`, or a few.
fn schedules(few: u64) -> u64 {
    let asked = std::env::var("BASALT_SCHEDULES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(few)
}

/// One node fetches what others have, each block at one honest node at least.
fn run(seed: u64, faults: Faults, manners: &[Manner], sizes: u64) -> Outcome {
    let mut world = World::new(seed, faults);
    let fetcher = world.add(Manner::Honest);
    let others: Vec<usize> = manners.iter().map(|m| world.add(*m)).collect();
    let honest: Vec<usize> = (0..others.len())
        .filter(|i| manners[*i] == Manner::Honest)
        .map(|i| others[i])
        .collect();
    let count = 1 + world.dice.below(300);
    let mut cids: Vec<Cid> = Vec::new();
    for i in 0..count {
        let size = 8 + world.dice.below(sizes) as usize;
        let b = block(seed << 16 | i, size);
        cids.push(*b.cid());
        let owner = honest[world.dice.below(honest.len() as u64) as usize];
        for (i, other) in others.iter().enumerate() {
            let liar = manners[i] != Manner::Honest;
            if *other == owner || liar || world.dice.chance(300) {
                world.put(*other, &b);
            }
        }
    }
    for other in &others {
        world.connect(fetcher, *other);
    }
    world.fetch(fetcher, cids.clone());
    let mut stall = Duration::ZERO;
    while world.nodes[fetcher].got.len() < cids.len() {
        assert!(
            world.step(END),
            "seed {seed}: {} of {} blocks after {:?}, {manners:?}, {faults:?}",
            world.nodes[fetcher].got.len(),
            cids.len(),
            world.now,
        );
        let waited = world.now - world.nodes[fetcher].progress;
        if waited > stall {
            if world.could_have(fetcher, &cids) {
                stall = waited;
            } else {
                world.nodes[fetcher].progress = world.now;
            }
        }
    }
    let client = &world.nodes[fetcher].client;
    let counters = client.counters();
    assert!(client.wantlist().is_empty());
    Outcome {
        time: world.now,
        blocks: counters.blocks,
        data: counters.data,
        duplicate_data: counters.duplicate_data,
        messages: counters.messages,
        stall,
    }
}

fn check_stall(seed: u64, outcome: &Outcome, manners: &[Manner]) {
    let stall = outcome.stall;
    assert!(
        stall <= STALL,
        "seed {seed}: no block for {stall:?}, {manners:?}"
    );
}

#[test]
fn a_seed_is_a_schedule() {
    let manners = [Manner::Honest, Manner::Silent, Manner::Honest];
    let faults = Faults {
        loss: 50,
        churn: 500,
        ..CALM
    };
    let once = run(7, faults, &manners, 100_000);
    assert_eq!(once, run(7, faults, &manners, 100_000));
    assert_ne!(once, run(8, faults, &manners, 100_000));
}

#[test]
fn among_honest_peers_blocks_come_once() {
    let (mut data, mut duplicate) = (0, 0);
    for seed in 0..schedules(300) {
        let manners = vec![Manner::Honest; 1 + (seed % 7) as usize];
        let outcome = run(seed, CALM, &manners, 300_000);
        check_stall(seed, &outcome, &manners);
        data += outcome.data;
        duplicate += outcome.duplicate_data;
    }
    assert!(
        duplicate * 100 < data,
        "{duplicate} of {data} bytes came in vain"
    );
}

#[test]
fn small_blocks_come_once_too() {
    let (mut data, mut duplicate) = (0, 0);
    for seed in 0..schedules(300) {
        let manners = vec![Manner::Honest; 1 + (seed % 4) as usize];
        let outcome = run(seed, CALM, &manners, 2000);
        data += outcome.data;
        duplicate += outcome.duplicate_data;
    }
    assert!(
        duplicate * 100 < 3 * data,
        "{duplicate} of {data} bytes came in vain"
    );
}

#[test]
fn delays_and_disorder_do_not_stall() {
    let faults = Faults {
        delay: 50,
        jitter: 400,
        ..CALM
    };
    let (mut data, mut duplicate) = (0, 0);
    for seed in 0..schedules(200) {
        let manners = vec![Manner::Honest; 1 + (seed % 5) as usize];
        let outcome = run(seed, faults, &manners, 100_000);
        check_stall(seed, &outcome, &manners);
        data += outcome.data;
        duplicate += outcome.duplicate_data;
    }
    assert!(
        duplicate * 100 < 3 * data,
        "{duplicate} of {data} bytes came in vain"
    );
}

#[test]
fn liars_do_not_stall() {
    use Manner::{Boaster, Denier, Forger, Honest, Silent};
    for seed in 0..schedules(300) {
        let liar = [Silent, Boaster, Forger, Denier][(seed % 4) as usize];
        let other = [Honest, Silent, Boaster, Forger][(seed / 4 % 4) as usize];
        let manners = [liar, Honest, other, liar];
        let outcome = run(seed, CALM, &manners, 100_000);
        check_stall(seed, &outcome, &manners);
    }
}

#[test]
fn lost_messages_and_broken_connections_do_not_stall() {
    for seed in 0..schedules(300) {
        let faults = Faults {
            loss: 10 + seed % 40,
            delay: 20,
            jitter: 100,
            churn: if seed % 3 == 0 { 0 } else { 200 + seed },
        };
        let manners = vec![Manner::Honest; 1 + (seed % 5) as usize];
        let outcome = run(seed, faults, &manners, 100_000);
        check_stall(seed, &outcome, &manners);
    }
}

#[test]
fn everything_at_once_comes_to_an_end() {
    use Manner::{Boaster, Denier, Forger, Honest, Silent};
    for seed in 0..schedules(300) {
        let faults = Faults {
            loss: seed % 100,
            delay: seed % 70,
            jitter: seed % 300,
            churn: 300 + seed % 1000,
        };
        let kinds = [Honest, Silent, Boaster, Forger, Denier];
        let mut manners = vec![Honest];
        for i in 0..seed % 6 {
            manners.push(kinds[((seed >> i) % 5) as usize]);
        }
        run(seed, faults, &manners, 60_000);
    }
}

/// A block moves through a chain of nodes that all want it.
#[test]
fn what_is_wanted_is_passed_on() {
    for seed in 0..schedules(50) {
        let mut world = World::new(seed, CALM);
        let nodes: Vec<usize> = (0..5).map(|_| world.add(Manner::Honest)).collect();
        for pair in nodes.windows(2) {
            world.connect(pair[0], pair[1]);
        }
        let blocks: Vec<_> = (0..20).map(|i| block(seed << 16 | i, 5000)).collect();
        let cids: Vec<Cid> = blocks.iter().map(|b| *b.cid()).collect();
        for node in &nodes[1..] {
            world.fetch(*node, cids.clone());
        }
        while world.now < Duration::from_secs(1) && world.step(Duration::from_secs(1)) {}
        for b in &blocks {
            world.put(nodes[0], b);
        }
        let last = nodes[4];
        while world.nodes[last].got.len() < 20 {
            assert!(world.step(Duration::from_secs(120)), "seed {seed}");
        }
    }
}
