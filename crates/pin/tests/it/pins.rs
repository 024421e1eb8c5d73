//! Adding, removing, updating, listing and verifying pins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::{Blockstore, MemoryStore};
use basalt_pin::{Error, Kind, Mode, Pin, Pinned, Pins, Progress};
use futures::TryStreamExt;
use proptest::prelude::*;

use crate::dag::{Remote, local, node, node_v, pins_on, raw, tree};

async fn rows(pins: &Pins, kind: Kind) -> BTreeMap<Cid, Pinned> {
    let rows: Vec<_> = pins.list(kind).try_collect().await.unwrap();
    let count = rows.len();
    let rows: BTreeMap<_, _> = rows.into_iter().collect();
    assert_eq!(rows.len(), count, "a block is listed twice");
    rows
}

#[tokio::test]
async fn adding_fetches_what_is_missing_and_counts_it() {
    let store = MemoryStore::default();
    let (root, blocks) = tree("a", 7);
    let (near, far) = blocks.split_at(20);
    store.put_many(near.to_vec()).await.unwrap();
    let pins = pins_on(&store);
    let progress = Progress::default();
    let error = pins
        .add(local(&store), Pin::recursive(root), &progress)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("block was not found locally (offline): ipld: could not find {root}")
    );
    assert!(pins.get(&root).await.unwrap().is_none());

    let source = Remote::new(Arc::new(store.clone()), far);
    let progress = Progress::default();
    pins.add(source.clone(), Pin::recursive(root).named("it"), &progress)
        .await
        .unwrap();
    assert_eq!(source.fetched.load(Ordering::Relaxed), far.len());
    assert_eq!(progress.blocks() as usize, blocks.len());
    let bytes: usize = blocks.iter().map(|b| b.data().len()).sum();
    assert_eq!(progress.bytes() as usize, bytes);
    assert_eq!(pins.get(&root).await.unwrap().unwrap().name, "it");
}

#[tokio::test]
async fn the_rules_and_their_words_are_kubos() {
    let store = MemoryStore::default();
    let block = node_v(0, "hi", &[]);
    store.put_many(vec![block.clone()]).await.unwrap();
    let (v0, v1) = (*block.cid(), Cid::new_v1(codec::DAG_PB, *block.multihash()));
    let pins = pins_on(&store);
    let source = || local(&store);
    let none = Progress::default();
    pins.add(source(), Pin::recursive(v0), &none).await.unwrap();
    // Another CID of the block makes another pin.
    pins.add(source(), Pin::direct(v1).named("x"), &none)
        .await
        .unwrap();
    assert_eq!(rows(&pins, Kind::All).await.len(), 2);

    let text = |result: Result<(), Error>| result.unwrap_err().to_string();
    assert_eq!(
        text(pins.add(source(), Pin::direct(v0), &none).await),
        format!("{v0} already pinned recursively")
    );
    assert_eq!(
        text(pins.remove(&v0, false).await),
        format!("{v0} is pinned recursively")
    );
    // A recursive pin takes the place of a direct one, a new name that of an old one.
    pins.add(source(), Pin::recursive(v1), &none).await.unwrap();
    assert_eq!(rows(&pins, Kind::Direct).await.len(), 0);
    assert_eq!(
        rows(&pins, Kind::Recursive).await[&v1],
        Pinned::Recursively(String::new())
    );
    pins.add(source(), Pin::recursive(v1).named("new"), &none)
        .await
        .unwrap();
    assert_eq!(
        rows(&pins, Kind::All).await[&v1],
        Pinned::Recursively("new".into())
    );

    pins.remove(&v0, true).await.unwrap();
    assert_eq!(
        text(pins.remove(&v0, true).await),
        "not pinned or pinned indirectly"
    );
    assert_eq!(
        text(pins.remove(&v0, false).await),
        "not pinned or pinned indirectly"
    );
    pins.add(source(), Pin::direct(v0), &none).await.unwrap();
    pins.remove(&v0, true).await.unwrap();

    let update = async |from, to| {
        let none = Progress::default();
        text(pins.update(source(), from, to, true, &none).await)
    };
    assert_eq!(
        update(&v0, &v1).await,
        "'from' cid was not recursively pinned already"
    );
    pins.add(source(), Pin::recursive(v0), &none).await.unwrap();
    assert_eq!(
        update(&v0, &v1).await,
        "'to' cid was already recursively pinned"
    );
    pins.update(source(), &v0, &v0, true, &none).await.unwrap();
    assert!(pins.get(&v0).await.unwrap().is_some());

    let long = Pin::recursive(v0).named("x".repeat(256));
    assert_eq!(
        text(pins.add(source(), long, &none).await),
        "pin name is 256 bytes (max 255 bytes)"
    );
    let weak = Cid::new_v1(0x55, basalt_block::Multihash::wrap(0x12, &[0; 16]).unwrap());
    assert_eq!(
        text(pins.add(source(), Pin::recursive(weak), &none).await),
        "digest too small: sha2-256 digest got 16 bytes, minimum 20"
    );
}

#[tokio::test]
async fn identity_cids_can_be_pinned() {
    let store = MemoryStore::default();
    let pins = pins_on(&store);
    let inline = Block::hash(1, codec::RAW, Hasher::IDENTITY, "tiny".into()).unwrap();
    let root = node("root", &[*inline.cid()]);
    store.put_many(vec![root.clone()]).await.unwrap();
    for cid in [inline.cid(), root.cid()] {
        let progress = Progress::default();
        pins.add(local(&store), Pin::recursive(*cid), &progress)
            .await
            .unwrap();
    }
    let found: Vec<_> = pins.verify().try_collect().await.unwrap();
    assert!(found.len() == 2 && found.iter().all(|v| v.is_ok()));
}

#[tokio::test]
async fn indirect_pins_are_found_and_listed() {
    let store = MemoryStore::default();
    let (a, a_blocks) = tree("a", 5);
    let (b, b_blocks) = tree("b", 5);
    let stray = raw("stray");
    store.put_many(a_blocks.clone()).await.unwrap();
    store.put_many(b_blocks.clone()).await.unwrap();
    let pins = pins_on(&store);
    let none = Progress::default();
    for root in [a, b] {
        pins.add(local(&store), Pin::recursive(root), &none)
            .await
            .unwrap();
    }
    let leaf = *b_blocks[0].cid();
    let through = Some(Pinned::Through(b));
    let asked = [leaf, a, *stray.cid()];
    let found = pins.check(Kind::All, &asked).await.unwrap();
    assert_eq!(
        found,
        [through.clone(), Some(Pinned::Recursively("".into())), None]
    );
    assert_eq!(pins.check(Kind::Direct, &[leaf]).await.unwrap(), [None]);
    assert_eq!(pins.check(Kind::Indirect, &[a]).await.unwrap(), [None]);
    // Directly and indirectly at once: which one is said depends on what is asked.
    pins.add(local(&store), Pin::direct(leaf), &none)
        .await
        .unwrap();
    let direct = Some(Pinned::Directly("".into()));
    assert_eq!(pins.check(Kind::All, &[leaf]).await.unwrap(), [direct]);
    assert_eq!(
        pins.check(Kind::Indirect, &[leaf]).await.unwrap(),
        [through]
    );

    let all = rows(&pins, Kind::All).await;
    assert_eq!(all.len(), a_blocks.len() + b_blocks.len());
    let indirect = rows(&pins, Kind::Indirect).await;
    assert_eq!(indirect.len(), all.len() - 3);
    assert!(!indirect.contains_key(&leaf));
    assert_eq!(indirect[a_blocks[0].cid()], Pinned::Through(a));
}

#[tokio::test]
async fn what_is_broken_is_named() {
    let store = MemoryStore::default();
    let (a, a_blocks) = tree("a", 3);
    let (b, mut b_blocks) = tree("b", 3);
    // Both hold a's first branch.
    let branch = a_blocks
        .iter()
        .rfind(|b| b.data().ends_with(b"a/0"))
        .unwrap()
        .clone();
    let c = node("c", &[*branch.cid(), b]);
    b_blocks.push(c.clone());
    store.put_many(a_blocks.clone()).await.unwrap();
    store.put_many(b_blocks).await.unwrap();
    let pins = pins_on(&store);
    for root in [a, b, *c.cid()] {
        let none = Progress::default();
        pins.add(local(&store), Pin::recursive(root), &none)
            .await
            .unwrap();
    }
    let found: Vec<_> = pins.verify().try_collect().await.unwrap();
    assert!(found.len() == 3 && found.iter().all(|v| v.is_ok()));

    store.delete_many(&[*branch.multihash()]).await.unwrap();
    let found: Vec<_> = pins.verify().try_collect().await.unwrap();
    let bad: BTreeSet<Cid> = found
        .iter()
        .filter(|v| !v.is_ok())
        .map(|v| v.root)
        .collect();
    assert_eq!(bad, [a, *c.cid()].into_iter().collect());
    for verified in found.iter().filter(|v| !v.is_ok()) {
        assert_eq!(verified.bad.len(), 1);
        let (cid, error) = &verified.bad[0];
        assert_eq!(cid, branch.cid());
        let text = "block was not found locally (offline): ipld: could not find";
        assert_eq!(error.to_string(), format!("{text} {cid}"));
    }
    let listed: Result<Vec<_>, _> = pins.list(Kind::Indirect).try_collect().await;
    assert!(matches!(listed, Err(Error::Missing(cid)) if cid == *branch.cid()));
    // The search ends with what it looks for, were it only a name.
    let check = pins.check(Kind::All, &[*branch.cid()]).await.unwrap();
    assert!(matches!(check[0], Some(Pinned::Through(_))));
    assert!(pins.check(Kind::All, &[*raw("stray").cid()]).await.is_err());
}

#[tokio::test]
async fn an_update_goes_only_through_what_changed() {
    let store = MemoryStore::default();
    let (old, blocks) = tree("a", 20);
    store.put_many(blocks.clone()).await.unwrap();
    let pins = pins_on(&store);
    let none = Progress::default();
    let name = || Pin::recursive(old).named("tree");
    pins.add(local(&store), name(), &none).await.unwrap();

    // One leaf of one branch is another.
    let mids: Vec<Block> = blocks.iter().filter(|b| !b.is_leaf()).cloned().collect();
    let mut links: Vec<Cid> = blocks[..21].iter().map(|b| *b.cid()).collect();
    let leaf = raw("changed");
    links[5] = *leaf.cid();
    let mid = node("a/0", &links);
    let mut tops: Vec<Cid> = mids[..20].iter().map(|b| *b.cid()).collect();
    tops[0] = *mid.cid();
    let root = node("a", &tops);
    let new = *root.cid();
    let far = [leaf, mid, root];
    let source = Remote::new(Arc::new(store.clone()), &far);

    let error = pins
        .update(local(&store), &old, &new, true, &none)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Missing(cid) if cid == new));
    let progress = Progress::default();
    pins.update(source, &old, &new, true, &progress)
        .await
        .unwrap();
    assert_eq!(progress.blocks(), 3);
    assert!(pins.get(&old).await.unwrap().is_none());
    let pin = pins.get(&new).await.unwrap().unwrap();
    assert_eq!(pin, Pin::recursive(new).named("tree"));
    let found: Vec<_> = pins.verify().try_collect().await.unwrap();
    assert!(found[0].is_ok());

    pins.update(local(&store), &new, &old, false, &none)
        .await
        .unwrap();
    assert_eq!(rows(&pins, Kind::Recursive).await.len(), 2);
}

#[tokio::test]
async fn an_update_between_unlike_trees_is_complete() {
    let store = MemoryStore::default();
    let (old, old_blocks) = tree("a", 6);
    let (new, new_blocks) = tree("b", 9);
    store.put_many(old_blocks).await.unwrap();
    let pins = pins_on(&store);
    let none = Progress::default();
    pins.add(local(&store), Pin::recursive(old), &none)
        .await
        .unwrap();
    let source = Remote::new(Arc::new(store.clone()), &new_blocks);
    pins.update(source, &old, &new, true, &none).await.unwrap();
    let found: Vec<_> = pins.verify().try_collect().await.unwrap();
    assert!(found[0].is_ok() && found[0].root == new);
}

#[derive(Debug, Clone)]
enum Op {
    Put(Vec<(u8, bool, String)>),
    Remove(u8, bool),
    Replace(u8, u8, bool),
}

fn op() -> impl Strategy<Value = Op> {
    let pin = (0..12u8, any::<bool>(), "[a-z]{0,3}");
    prop_oneof![
        prop::collection::vec(pin, 1..4).prop_map(Op::Put),
        (0..12u8, any::<bool>()).prop_map(|(n, r)| Op::Remove(n, r)),
        (0..12u8, 0..12u8, any::<bool>()).prop_map(|(a, b, u)| Op::Replace(a, b, u)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_table_is_a_map(ops in prop::collection::vec(op(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            // Two CIDs of each block.
            let cids: Vec<Cid> = (0..6)
                .flat_map(|n| {
                    let block = node_v(0, &format!("{n}"), &[]);
                    [*block.cid(), Cid::new_v1(codec::DAG_PB, *block.multihash())]
                })
                .collect();
            let store = MemoryStore::default();
            for n in 0..6 {
                store.put_many(vec![node(&format!("{n}"), &[])]).await.unwrap();
            }
            let pins = pins_on(&store);
            let mut model: BTreeMap<Cid, (Mode, String)> = BTreeMap::new();
            for op in ops {
                match op {
                    Op::Put(batch) => {
                        let batch: Vec<Pin> = batch
                            .into_iter()
                            .map(|(n, recursive, name)| {
                                let cid = cids[usize::from(n)];
                                let pin = if recursive { Pin::recursive(cid) } else { Pin::direct(cid) };
                                pin.named(name)
                            })
                            .collect();
                        let mut after = model.clone();
                        let allowed = batch.iter().all(|pin| {
                            let old = after.insert(pin.cid, (pin.mode, pin.name.clone()));
                            pin.mode == Mode::Recursive
                                || old.is_none_or(|(mode, _)| mode == Mode::Direct)
                        });
                        prop_assert_eq!(pins.put_many(&batch).await.is_ok(), allowed);
                        if allowed {
                            model = after;
                        }
                    }
                    Op::Remove(n, recursive) => {
                        let cid = cids[usize::from(n)];
                        let result = pins.remove(&cid, recursive).await;
                        match model.get(&cid) {
                            None => prop_assert!(matches!(result, Err(Error::NotPinned))),
                            Some((Mode::Recursive, _)) if !recursive => {
                                prop_assert!(matches!(result, Err(Error::PinnedRecursively(_))));
                            }
                            Some(_) => {
                                prop_assert!(result.is_ok());
                                model.remove(&cid);
                            }
                        }
                    }
                    Op::Replace(a, b, unpin) => {
                        let (from, to) = (cids[usize::from(a)], cids[usize::from(b)]);
                        let none = Progress::default();
                        let result = pins.update(local(&store), &from, &to, unpin, &none).await;
                        let is_recursive = |cid| matches!(model.get(cid), Some((Mode::Recursive, _)));
                        let allowed = is_recursive(&from) && (from == to || !is_recursive(&to));
                        prop_assert_eq!(result.is_ok(), allowed);
                        if allowed && from != to {
                            let old = model[&from].clone();
                            model.insert(to, old);
                            if unpin {
                                model.remove(&from);
                            }
                        }
                    }
                }
                let listed = |mode| pins.pins(mode).try_collect::<Vec<_>>();
                let mut all = listed(Mode::Recursive).await.unwrap();
                all.extend(listed(Mode::Direct).await.unwrap());
                let count = all.len();
                let all: BTreeMap<_, _> = all.into_iter().map(|p| (p.cid, (p.mode, p.name))).collect();
                prop_assert_eq!(count, model.len());
                prop_assert_eq!(&all, &model);
            }
            Ok(())
        })?;
    }
}

/// As many roots as there are ways to be whole or not.
#[tokio::test]
async fn roots_are_pinned_if_all_of_them_is_here_and_told_apart() {
    let store = MemoryStore::default();
    let pins = pins_on(&store);
    let (leaf, gone) = (raw("leaf"), raw("gone"));
    let sound = node("sound", &[*leaf.cid()]);
    let broken = node("broken", &[*sound.cid(), *gone.cid(), *leaf.cid()]);
    let above = node("above", &[*sound.cid(), *broken.cid()]);
    let beside = node("beside", &[*broken.cid(), *sound.cid()]);
    let bad = Block::hash(1, codec::DAG_PB, Hasher::SHA2_256, "\u{7f}".into()).unwrap();
    let blocks = [&leaf, &sound, &broken, &above, &beside, &bad];
    store
        .put_many(blocks.map(Clone::clone).to_vec())
        .await
        .unwrap();

    let whole = Arc::default();
    let roots = [&sound, &above, &leaf, &gone, &beside, &bad, &broken, &sound].map(|b| *b.cid());
    let errors = pins.add_local(local(&store), &roots, &whole).await.unwrap();
    let missing = format!(
        "block was not found locally (offline): ipld: could not find {}",
        gone.cid()
    );
    let told: Vec<Option<String>> = errors
        .iter()
        .map(|e| e.as_ref().map(ToString::to_string))
        .collect();
    assert_eq!(
        told[..5],
        [
            None,
            Some(missing.clone()),
            None,
            Some(missing.clone()),
            Some(missing.clone()),
        ]
    );
    assert!(
        matches!(errors[5], Some(Error::Undecodable { .. })),
        "{errors:?}"
    );
    assert_eq!(told[6..], [Some(missing), None]);
    let pinned: BTreeSet<Cid> = rows(&pins, Kind::Recursive).await.into_keys().collect();
    assert_eq!(pinned, BTreeSet::from([*sound.cid(), *leaf.cid()]));

    // When nothing is missing any more, all of it is pinned.
    store.put_many(vec![gone]).await.unwrap();
    let roots = [&above, &beside].map(|b| *b.cid());
    let errors = pins.add_local(local(&store), &roots, &whole).await.unwrap();
    assert!(errors.iter().all(Option::is_none), "{errors:?}");
    assert!(whole.has_visited(sound.cid()));
    let errors = pins.add_local(local(&store), &[], &whole).await.unwrap();
    assert!(errors.is_empty());
}

proptest! {
    /// Which roots are whole is what a walk over each of them alone says.
    #[test]
    fn a_root_is_pinned_if_and_only_if_it_is_whole(
        links in proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..4), 1..16),
        here in proptest::collection::vec(proptest::bool::weighted(0.9), 16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut blocks: Vec<Block> = Vec::new();
            let mut sound: Vec<bool> = Vec::new();
            for (at, links) in links.iter().enumerate() {
                let below: Vec<usize> = if at == 0 {
                    Vec::new()
                } else {
                    links.iter().map(|link| link.index(at)).collect()
                };
                let cids: Vec<Cid> = below.iter().map(|b| *blocks[*b].cid()).collect();
                blocks.push(node(&at.to_string(), &cids));
                sound.push(here[at] && below.iter().all(|b| sound[*b]));
            }
            let store = MemoryStore::default();
            let stored = blocks.iter().zip(&here).filter(|(_, here)| **here);
            store.put_many(stored.map(|(b, _)| b.clone()).collect()).await.unwrap();
            let pins = pins_on(&store);
            let whole = Arc::default();
            // In two goes, so that the second uses what the first found.
            let roots: Vec<Cid> = blocks.iter().rev().map(|b| *b.cid()).collect();
            let mut pinned = Vec::new();
            for part in roots.chunks(8) {
                let errors = pins.add_local(local(&store), part, &whole).await.unwrap();
                pinned.extend(errors.iter().map(Option::is_none));
            }
            pinned.reverse();
            prop_assert_eq!(pinned, sound);
            Ok(())
        })?;
    }
}
