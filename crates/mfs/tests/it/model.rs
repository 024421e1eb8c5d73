//! Random calls on the tree and on a plain one in memory, with restarts between.

use std::collections::BTreeMap;

use basalt_blockstore::MemoryStore;
use basalt_mfs::{Kind, Mfs, MkdirOptions};
use futures::TryStreamExt;
use proptest::prelude::*;

use crate::support::{open, raw, settings};

#[derive(Debug, Clone)]
enum Call {
    Mkdir(String, bool),
    Put(String, u8),
    Copy(String, String),
    Move(String, String),
    Remove(String, bool, bool),
    Stat(String),
    Flush(String),
    Chmod(String, u32),
    Restart,
}

fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b"), Just("c"), Just("dd"), Just("e")];
    prop::collection::vec(name, 1..4).prop_map(|names| format!("/{}", names.join("/")))
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => (path(), any::<bool>()).prop_map(|(p, all)| Call::Mkdir(p, all)),
        4 => (path(), 0u8..4).prop_map(|(p, n)| Call::Put(p, n)),
        2 => (path(), path()).prop_map(|(a, b)| Call::Copy(a, b)),
        3 => (path(), path()).prop_map(|(a, b)| Call::Move(a, b)),
        3 => (path(), any::<bool>(), any::<bool>()).prop_map(|(p, r, f)| Call::Remove(p, r, f)),
        1 => path().prop_map(Call::Stat),
        2 => path().prop_map(Call::Flush),
        1 => (path(), 0u32..0o1000).prop_map(|(p, m)| Call::Chmod(p, m)),
        1 => Just(Call::Restart),
    ]
}

/// The plain tree: a directory is `None`, a file what is in it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Plain(BTreeMap<String, Option<u8>>);

fn above(path: &str) -> &str {
    &path[..path.rfind('/').unwrap_or(0)]
}

fn last(path: &str) -> &str {
    &path[path.rfind('/').map_or(0, |at| at + 1)..]
}

impl Plain {
    fn listed(&self) -> Vec<(String, bool)> {
        let entries = self.0.iter();
        entries
            .map(|(path, v)| (path.clone(), v.is_none()))
            .collect()
    }

    fn is_dir(&self, path: &str) -> bool {
        path.is_empty() || self.0.get(path) == Some(&None)
    }

    fn below(&self, path: &str) -> Vec<(String, Option<u8>)> {
        let prefix = format!("{path}/");
        let below = self.0.iter().filter(|(at, _)| at.starts_with(&prefix));
        below
            .map(|(at, v)| (at[path.len()..].to_owned(), *v))
            .collect()
    }

    fn take(&mut self, path: &str) {
        let prefix = format!("{path}/");
        self.0
            .retain(|at, _| at != path && !at.starts_with(&prefix));
    }

    fn plant(&mut self, from: &Self, source: &str, to: &str) {
        let found = from.0[source];
        self.0.insert(to.to_owned(), found);
        for (rest, v) in from.below(source) {
            self.0.insert(format!("{to}{rest}"), v);
        }
    }

    /// Does what a call does; whether it is allowed to.
    fn apply(&mut self, call: &Call) -> bool {
        match call {
            Call::Mkdir(path, parents) => {
                let mut at = path.as_str();
                let mut missing = Vec::new();
                while !self.is_dir(at) {
                    if self.0.contains_key(at) {
                        return false;
                    }
                    missing.push(at.to_owned());
                    at = above(at);
                }
                if !parents && missing.len() != 1 {
                    return false;
                }
                self.0.extend(missing.into_iter().map(|at| (at, None)));
                true
            }
            Call::Put(path, n) => {
                let free = self.is_dir(above(path)) && !self.0.contains_key(path);
                if free {
                    self.0.insert(path.clone(), Some(*n));
                }
                free
            }
            Call::Copy(from, to) => {
                let free =
                    self.0.contains_key(from) && self.is_dir(above(to)) && !self.0.contains_key(to);
                if free {
                    let before = self.clone();
                    self.plant(&before, from, to);
                }
                free
            }
            Call::Move(from, to) => {
                if !self.is_dir(above(to)) || !self.0.contains_key(from) {
                    return false;
                }
                let mut to = to.clone();
                if self.is_dir(&to) {
                    to = format!("{to}/{}", last(from));
                }
                let itself = to == *from || to.starts_with(&format!("{from}/"));
                if self.is_dir(from) && (itself || to == format!("{from}/{}", last(from))) {
                    return false;
                }
                // What lies in a directory of the same name is not replaced.
                let taken = self.0.contains_key(&to);
                if taken && (self.is_dir(&to) || to.as_str() != to_given(call)) {
                    return false;
                }
                let before = self.clone();
                self.take(from);
                self.take(&to);
                self.plant(&before, from, &to);
                true
            }
            Call::Remove(path, recursive, force) => {
                if !self.0.contains_key(path) {
                    let mut at = above(path);
                    while !at.is_empty() && !self.0.contains_key(at) {
                        at = above(at);
                    }
                    // Below a file nothing is forgiven.
                    return *force && self.is_dir(at);
                }
                if self.is_dir(path) && !recursive && !force {
                    return false;
                }
                self.take(path);
                true
            }
            Call::Stat(path) | Call::Flush(path) => self.0.contains_key(path),
            Call::Chmod(path, _) => {
                // It makes another file of it; names and kinds stay.
                self.0.contains_key(path)
            }
            Call::Restart => true,
        }
    }
}

fn to_given(call: &Call) -> &str {
    match call {
        Call::Move(_, to) => to,
        _ => "",
    }
}

async fn apply(files: &Mfs, call: &Call) -> bool {
    match call {
        Call::Mkdir(path, parents) => {
            let options = MkdirOptions {
                parents: *parents,
                cids: None,
            };
            files.mkdir(path, options).await.is_ok()
        }
        Call::Put(path, n) => files.put(path, raw(&n.to_string())).await.is_ok(),
        Call::Copy(from, to) => match files.node(from).await {
            Ok(node) => files.put(to, node.block).await.is_ok(),
            Err(_) => false,
        },
        Call::Move(from, to) => files.rename(from, to).await.is_ok(),
        Call::Remove(path, recursive, force) => {
            files.remove(path, *recursive, *force).await.is_ok()
        }
        Call::Stat(path) => files.node(path).await.is_ok(),
        Call::Flush(path) => files.flush(path).await.is_ok(),
        Call::Chmod(path, mode) => files.chmod(path, *mode).await.is_ok(),
        Call::Restart => {
            files.close().await.unwrap();
            true
        }
    }
}

/// Names and kinds of everything in the tree.
async fn everything(files: &Mfs) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut left = vec![String::new()];
    while let Some(at) = left.pop() {
        let (_, listed) = files.list(&format!("{at}/"), true).await.unwrap();
        let listed: Vec<_> = listed.try_collect().await.unwrap();
        for entry in listed {
            let name = String::from_utf8(entry.name.to_vec()).unwrap();
            let path = format!("{at}/{name}");
            let is_dir = matches!(entry.kind, Some((Kind::Directory, _)));
            if is_dir {
                left.push(path.clone());
            }
            found.push((path, is_dir));
        }
    }
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_tree_is_a_tree(
        calls in prop::collection::vec(call(), 1..60),
        max_links in prop_oneof![Just(0usize), Just(2)],
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = MemoryStore::default();
            let mut files = open(&store, settings(max_links));
            let mut plain = Plain::default();
            for call in &calls {
                let mut after = plain.clone();
                let allowed = after.apply(call);
                let did = apply(&files, call).await;
                prop_assert_eq!(allowed, did, "{:?} on {:?}", call, plain);
                if allowed {
                    plain = after;
                }
                if matches!(call, Call::Restart) {
                    files = open(&store, settings(max_links));
                }
                // Looking at everything writes everything; so it is left to its own ways between.
                if matches!(call, Call::Restart) {
                    prop_assert_eq!(everything(&files).await, plain.listed(), "after {:?}", call);
                }
            }
            prop_assert_eq!(everything(&files).await, plain.listed(), "at the end");
            files.flush("/").await.unwrap();
            let again = open(&store, settings(max_links));
            prop_assert_eq!(everything(&again).await, plain.listed(), "after the end");
            Ok(())
        })?;
    }
}
