use basalt_block::{Hasher, codec};

use super::*;
use crate::message::{Entry, Message, Presence, WantType};

const NOW: Duration = Duration::ZERO;

fn block(text: &str) -> Block {
    let data = bytes::Bytes::copy_from_slice(text.as_bytes());
    Block::hash(1, codec::RAW, Hasher::SHA2_256, data).unwrap()
}

fn blocks(n: usize) -> Vec<Block> {
    (0..n).map(|i| block(&format!("block {i}"))).collect()
}

fn cids(blocks: &[Block]) -> Vec<Cid> {
    blocks.iter().map(|b| *b.cid()).collect()
}

fn with_peers(n: usize) -> (Client, Vec<PeerId>) {
    let mut client = Client::new(ClientOptions::default());
    let peers: Vec<PeerId> = (0..n).map(|_| PeerId::random()).collect();
    let local = PeerTraits {
        local: true,
        ..PeerTraits::default()
    };
    for peer in &peers {
        client.connected(NOW, *peer, local);
    }
    (client, peers)
}

fn say(client: &mut Client, now: Duration, peer: &PeerId) -> Vec<Entry> {
    let mut message = Message::default();
    client.compose(now, peer, &mut message);
    message.wants
}

fn asked(entries: &[Entry], kind: WantType) -> usize {
    let live = entries.iter().filter(|e| !e.cancel && e.want == kind);
    live.count()
}

fn outputs(client: &mut Client) -> Vec<Output> {
    std::iter::from_fn(|| client.next_output()).collect()
}

fn delivered(client: &mut Client) -> Vec<Cid> {
    let outputs = outputs(client).into_iter();
    outputs
        .filter_map(|o| match o {
            Output::Deliver(_, block) => Some(*block.cid()),
            _ => None,
        })
        .collect()
}

fn dont_have(cid: Cid) -> Presence {
    Presence { cid, have: false }
}

fn have(cid: Cid) -> Presence {
    Presence { cid, have: true }
}

fn after(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn one_peer_is_asked_for_the_block_at_once() {
    let (mut client, peers) = with_peers(1);
    let b = block("a");
    let session = client.open_session();
    let request = client.fetch(NOW, session, vec![*b.cid()]);
    let entries = say(&mut client, NOW, &peers[0]);
    assert_eq!(asked(&entries, WantType::Block), 1);
    assert!(entries[0].send_dont_have);
    assert!(!client.has_message(&peers[0]));
    assert_eq!(client.wantlist(), [*b.cid()]);
    let wanted = client.received(after(1), &peers[0], &[b.clone(), b.clone()], &[]);
    assert_eq!(wanted, [true, false]);
    assert_eq!(outputs(&mut client), [Output::Deliver(request, b)]);
    assert!(!client.has_message(&peers[0]), "who sent it knows");
    let counters = client.counters();
    assert_eq!((counters.blocks, counters.duplicate_blocks), (2, 1));
    assert_eq!((counters.data, counters.duplicate_data), (2, 1));
    assert!(client.wantlist().is_empty());
}

#[test]
fn many_peers_are_asked_about_it_and_one_for_it() {
    let (mut client, peers) = with_peers(5);
    let b = block("a");
    client.fetch(NOW, SessionId(0), vec![*b.cid()]);
    let said: Vec<Vec<Entry>> = peers.iter().map(|p| say(&mut client, NOW, p)).collect();
    let count = |kind| said.iter().map(|e| asked(e, kind)).sum::<usize>();
    assert_eq!((count(WantType::Block), count(WantType::Have)), (1, 4));
    let first = said.iter().position(|e| asked(e, WantType::Block) == 1);
    let first = first.unwrap();
    let others: Vec<PeerId> = (0..5).filter(|i| *i != first).map(|i| peers[i]).collect();

    // It has not got it; another has.
    client.received(after(1), &others[0], &[], &[have(*b.cid())]);
    assert!(
        !client.has_message(&others[0]),
        "the first may still send it"
    );
    client.received(after(2), &peers[first], &[], &[dont_have(*b.cid())]);
    let entries = say(&mut client, after(2), &others[0]);
    assert_eq!(asked(&entries, WantType::Block), 1);
    client.received(after(3), &others[0], std::slice::from_ref(&b), &[]);
    assert_eq!(delivered(&mut client), [*b.cid()]);
    // It is withdrawn from the others, whose lists have it still.
    for peer in [peers[first], others[1], others[2], others[3]] {
        let entries = say(&mut client, after(3), &peer);
        assert_eq!(entries, [Entry::cancel(*b.cid())]);
    }
    assert!(!client.has_message(&others[0]));
}

#[test]
fn a_session_is_split_and_each_block_is_asked_for_once() {
    let (mut client, peers) = with_peers(3);
    let all = blocks(2000);
    let session = client.open_session();
    client.fetch(NOW, session, cids(&all));
    let mut now = NOW;
    let mut got = 0;
    let mut share = [0; 3];
    for _ in 0..2000 {
        now += after(1);
        for (i, peer) in peers.iter().enumerate() {
            let entries = say(&mut client, now, peer);
            let mut answer = (Vec::new(), Vec::new());
            for entry in entries.iter().filter(|e| !e.cancel) {
                let b = all.iter().find(|b| b.cid() == &entry.cid).unwrap();
                match entry.want {
                    WantType::Block => answer.0.push(b.clone()),
                    WantType::Have => answer.1.push(have(entry.cid)),
                }
            }
            share[i] += answer.0.len();
            client.received(now, peer, &answer.0, &answer.1);
        }
        let come = outputs(&mut client);
        for output in come {
            if let Output::Deliver(request, b) = output {
                got += 1;
                client.taken(now, request, 1, b.data().len());
            }
        }
        if got == 2000 {
            break;
        }
    }
    assert_eq!(got, 2000);
    let counters = client.counters();
    assert_eq!(counters.duplicate_blocks, 0);
    assert!(share.iter().all(|s| *s > 300), "{share:?}");
    assert!(client.sessions[&session].keys.is_empty());
    assert!(client.wants.is_empty() && client.retries.is_empty());
    assert!(client.peers.values().all(|p| p.fetching + p.probing == 0));
}

#[test]
fn what_a_lost_peer_was_asked_is_asked_of_another() {
    let (mut client, peers) = with_peers(2);
    let all = blocks(8);
    let session = client.open_session();
    client.fetch(NOW, session, cids(&all));
    for peer in &peers {
        say(&mut client, NOW, peer);
    }
    let all_of_them = cids(&all).into_iter().map(have).collect::<Vec<_>>();
    client.received(after(1), &peers[1], &[], &all_of_them);
    client.disconnected(after(2), &peers[0]);
    assert!(client.has_message(&peers[1]) || client.peers[&peers[1]].fetching == 8);
    let entries = say(&mut client, after(2), &peers[1]);
    let fetching = client.peers[&peers[1]].fetching;
    assert_eq!(fetching, 8, "{entries:?}");
    client.disconnected(after(3), &peers[1]);
    let searched = outputs(&mut client);
    assert!(matches!(
        searched[..],
        [Output::Search(..), Output::Waiting { .. }]
    ));
    client.connected(after(4), peers[1], PeerTraits::default());
    let entries = say(&mut client, after(4), &peers[1]);
    assert_eq!(asked(&entries, WantType::Block), 8, "it is of the session");
}

#[test]
fn a_silent_peer_is_passed_over() {
    let (mut client, peers) = with_peers(2);
    let b = block("a");
    client.fetch(NOW, SessionId(0), vec![*b.cid()]);
    let first = say(&mut client, NOW, &peers[0]);
    let second = say(&mut client, NOW, &peers[1]);
    let (silent, other) = if asked(&first, WantType::Block) == 1 {
        (peers[0], peers[1])
    } else {
        assert_eq!(asked(&second, WantType::Block), 1);
        (peers[1], peers[0])
    };
    client.received(after(10), &other, &[], &[have(*b.cid())]);
    let mut now = after(10);
    while !client.has_message(&other) {
        now = client.next_tick().unwrap();
        client.tick(now);
        assert!(now < after(5000));
    }
    let entries = say(&mut client, now, &other);
    assert_eq!(asked(&entries, WantType::Block), 1);
    // It may come late all the same.
    client.received(now, &silent, std::slice::from_ref(&b), &[]);
    assert_eq!(delivered(&mut client), [*b.cid()]);
    assert_eq!(say(&mut client, now, &other), [Entry::cancel(*b.cid())]);
}

#[test]
fn a_single_silent_peer_is_asked_again_within_ten_seconds() {
    let (mut client, peers) = with_peers(1);
    let b = block("a");
    client.fetch(NOW, SessionId(0), vec![*b.cid()]);
    let (mut asked_at, mut now) = (Vec::new(), NOW);
    while now < Duration::from_secs(60) {
        if asked(&say(&mut client, now, &peers[0]), WantType::Block) > 0 {
            asked_at.push(now);
        }
        now = client.next_tick().unwrap();
        client.tick(now);
    }
    for pair in asked_at.windows(2) {
        assert!(pair[1] - pair[0] <= Duration::from_secs(10), "{asked_at:?}");
    }
}

#[test]
fn a_slow_peer_that_goes_on_is_not_given_up() {
    let (mut client, peers) = with_peers(1);
    let all = blocks(16);
    let session = client.open_session();
    client.fetch(NOW, session, cids(&all));
    assert_eq!(say(&mut client, NOW, &peers[0]).len(), 16);
    let mut now = NOW;
    for (i, b) in all.iter().enumerate() {
        for _ in 0..12 {
            // A block takes three seconds, in which some bytes come.
            now += after(250);
            client.heard(now, &peers[0]);
            client.tick(now);
        }
        assert!(say(&mut client, now, &peers[0]).is_empty(), "block {i}");
        client.received(now, &peers[0], std::slice::from_ref(b), &[]);
    }
    assert_eq!(client.counters().duplicate_blocks, 0);
}

#[test]
fn who_waits_is_told_why_and_withdraws_what_it_leaves() {
    let (mut client, peers) = with_peers(1);
    let b = block("a");
    let request = client.fetch(NOW, SessionId(0), vec![*b.cid()]);
    say(&mut client, NOW, &peers[0]);
    client.received(after(5), &peers[0], &[], &[dont_have(*b.cid())]);
    let mut waiting = Vec::new();
    let mut searches = 0;
    let mut checks = 0;
    let mut now = NOW;
    while now < Duration::from_secs(4) {
        now = client.next_tick().unwrap();
        client.tick(now);
        for output in outputs(&mut client) {
            match output {
                Output::Waiting {
                    cid, asked, sought, ..
                } => {
                    assert_eq!(sought.searches, 1);
                    waiting.push((cid, asked));
                }
                Output::Search(..) => searches += 1,
                Output::Check(_) => checks += 1,
                Output::Deliver(..) => panic!("nothing came"),
            }
        }
    }
    // When a search begins, and when it has taken a while.
    let told = (*b.cid(), vec![peers[0]]);
    assert_eq!(waiting, [told.clone(), told]);
    assert_eq!(searches, 1);
    assert!(checks >= 1);
    say(&mut client, now, &peers[0]);
    client.cancel(request);
    assert_eq!(say(&mut client, now, &peers[0]), [Entry::cancel(*b.cid())]);
    client.tick(now + after(250));
    assert_eq!(client.next_tick(), None, "nothing is waited for");
    assert!(client.sessions.is_empty());
}

#[test]
fn a_block_that_comes_by_other_ways_is_delivered_under_each_name() {
    let (mut client, _) = with_peers(0);
    let b = block("a");
    let as_node = Cid::new_v1(codec::DAG_PB, *b.multihash());
    client.fetch(NOW, SessionId(0), vec![*b.cid()]);
    client.fetch(NOW, SessionId(1), vec![as_node]);
    assert_eq!(client.waited_for(&[*b.cid()]), [*b.cid()]);
    client.supply(NOW, &b);
    assert_eq!(delivered(&mut client), [*b.cid(), as_node]);
    assert!(client.waited_for(&[*b.cid()]).is_empty());
}

#[test]
fn memory_waits_for_the_one_who_takes() {
    let (mut client, peers) = with_peers(1);
    let all = blocks(3000);
    let session = client.open_session();
    let request = client.fetch(NOW, session, cids(&all));
    assert_eq!(client.wantlist().len(), 3000);
    let mut come = 0;
    for _ in 0..200 {
        let entries = say(&mut client, NOW, &peers[0]);
        let sent: Vec<Block> = entries
            .iter()
            .map(|e| all.iter().find(|b| b.cid() == &e.cid).unwrap().clone())
            .collect();
        client.received(NOW, &peers[0], &sent, &[]);
        come += delivered(&mut client).len();
    }
    assert!((16..=512).contains(&come), "{come}");
    client.taken(NOW, request, 100, 900);
    assert!(client.has_message(&peers[0]));
}

#[test]
fn strangers_are_spared_broadcasts_until_they_gave_something() {
    let mut client = Client::new(ClientOptions::default());
    let (stranger, friend) = (PeerId::random(), PeerId::random());
    let peered = PeerTraits {
        peered: true,
        ..PeerTraits::default()
    };
    client.connected(NOW, stranger, PeerTraits::default());
    client.connected(NOW, friend, peered);
    let (a, b) = (block("a"), block("b"));
    let session = client.open_session();
    client.fetch(NOW, session, vec![*a.cid()]);
    assert!(!client.has_message(&stranger));
    assert!(client.has_message(&friend));
    // As a provider it is asked.
    client.received(after(1), &friend, &[], &[]);
    say(&mut client, after(1), &friend);
    client.received(after(2), &friend, &[], &[dont_have(*a.cid())]);
    client.found(after(3), session, Provider::Connected(stranger));
    let entries = say(&mut client, after(3), &stranger);
    assert_eq!(asked(&entries, WantType::Block), 1);
    client.received(after(4), &stranger, &[a], &[]);
    client.fetch(after(5), SessionId(7), vec![*b.cid()]);
    assert!(client.has_message(&stranger));

    // One that is kept from now on is trusted at once, and no longer than that.
    let other = PeerId::random();
    client.connected(after(6), other, PeerTraits::default());
    assert!(!client.has_message(&other));
    client.peered(after(7), &other, true);
    client.fetch(after(7), SessionId(8), vec![*block("c").cid()]);
    assert!(client.has_message(&other));
    say(&mut client, after(7), &other);
    client.peered(after(8), &other, false);
    client.fetch(after(8), SessionId(9), vec![*block("d").cid()]);
    assert!(!client.has_message(&other));

    let nobody = ClientOptions {
        broadcast: Broadcast {
            max_peers: Some(0),
            ..Broadcast::default()
        },
        ..ClientOptions::default()
    };
    let mut client = Client::new(nobody);
    client.connected(NOW, friend, peered);
    client.fetch(NOW, SessionId(0), vec![*b.cid()]);
    assert!(!client.has_message(&friend));
}

#[test]
fn peers_of_old_versions_are_asked_for_blocks_only() {
    let (mut client, peers) = with_peers(2);
    for peer in &peers {
        client.presence(peer, false);
    }
    client.fetch(NOW, SessionId(0), vec![*block("a").cid()]);
    for peer in &peers {
        assert_eq!(asked(&say(&mut client, NOW, peer), WantType::Block), 1);
    }
}

#[test]
fn a_deaf_peer_does_not_make_the_outbox_grow() {
    let (mut client, peers) = with_peers(1);
    for i in 0..40 {
        let some: Vec<Block> = (0..500).map(|j| block(&format!("{i} {j}"))).collect();
        let request = client.fetch(NOW, SessionId(0), cids(&some));
        if i % 2 == 0 {
            let mut message = Message::default();
            client.compose(NOW, &peers[0], &mut message);
        }
        client.cancel(request);
        let outbox = &client.peers[&peers[0]].outbox;
        assert!(outbox.cancels.len() + outbox.blocks.len() <= 9000);
    }
    assert!(client.peers[&peers[0]].asked.is_empty());
}
