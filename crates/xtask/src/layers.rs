//! Which crate may depend on which.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The arrows of the design, without the prefix `basalt-`; `node` is the package `basalt`.
const ARROWS: &[(&str, &[&str])] = &[
    ("block", &[]),
    ("chunker", &[]),
    ("ipld", &["block"]),
    ("car", &["block"]),
    ("blockstore", &["block"]),
    ("blockstore-rocks", &["blockstore"]),
    ("filestore", &["blockstore", "http"]),
    ("unixfs", &["chunker", "ipld", "blockstore"]),
    ("mfs", &["unixfs"]),
    ("pin", &["ipld", "blockstore"]),
    ("exchange", &["blockstore"]),
    ("bitswap", &["exchange"]),
    ("routing", &["block"]),
    ("delegated", &["routing", "http", "ipns"]),
    ("ipns", &["routing", "ipld", "blockstore"]),
    ("denylist", &["ipns", "http"]),
    ("dns", &["ipns", "http"]),
    ("network", &["bitswap", "routing", "ipns", "block"]),
    ("repo", &[]),
    ("http", &[]),
    ("kubo", &["block", "http"]),
    ("pinning", &["block", "http"]),
    ("update", &["http", "unixfs"]),
    ("retrieval", &["bitswap", "http"]),
    ("portmap", &["http"]),
    (
        NODE,
        &[
            "car",
            "blockstore-rocks",
            "filestore",
            "mfs",
            "pin",
            "network",
            "dns",
            "delegated",
            "denylist",
            "repo",
            "kubo",
            "pinning",
            "portmap",
            "retrieval",
        ],
    ),
    ("fuse", &[NODE]),
    ("commands", &["fuse", "update"]),
    ("rpc", &["commands", "http"]),
    (
        "gateway",
        &["unixfs", "car", "ipns", "denylist", "exchange", "http"],
    ),
    (
        "cli",
        &["commands", "http", "rpc", "gateway", "blockstore-rocks"],
    ),
];

const NODE: &str = "node";
/// Crates that may depend on anything, and on which nothing may depend.
const OUTSIDE: &[&str] = &["xtask", "bench", "interop"];
/// A crate that may depend on anything, for tests alone.
const TESTKIT: &str = "testkit";
/// The only home of RocksDB, and the crates that may name it.
const ROCKS: (&str, &[&str]) = ("blockstore-rocks", &[NODE, "cli"]);

/// A dependency of a crate of ours.
struct Arrow {
    from: String,
    to: String,
    /// For tests or benches alone.
    dev: bool,
}

/// Checks the workspace in `root`.
pub(crate) fn check(root: &Path) -> Result<()> {
    let arrows = arrows_of(root)?;
    let faults: Vec<String> = arrows.iter().filter_map(fault).collect();
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    println!("layers: {} dependencies, all allowed", arrows.len());
    Ok(())
}

/// The dependencies of every member, as cargo tells them.
fn arrows_of(root: &Path) -> Result<Vec<Arrow>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root)
        .output()
        .context("cargo metadata does not run")?;
    if !told.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&told.stderr));
    }
    let told: Value = serde_json::from_slice(&told.stdout)?;
    let mut arrows = Vec::new();
    for package in told["packages"].as_array().context("no packages")? {
        let from = short(package["name"].as_str().unwrap_or_default());
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            arrows.push(Arrow {
                from: from.clone(),
                to: short(dependency["name"].as_str().unwrap_or_default()),
                dev: dependency["kind"] == "dev",
            });
        }
    }
    Ok(arrows)
}

/// A crate's name as the table has it; those of others stay as they are.
fn short(name: &str) -> String {
    match name {
        "basalt" => NODE.to_owned(),
        name => name.strip_prefix("basalt-").unwrap_or(name).to_owned(),
    }
}

/// What is wrong with a dependency.
fn fault(arrow: &Arrow) -> Option<String> {
    let Arrow { from, to, dev } = arrow;
    if to.contains("rocksdb") {
        return (from != ROCKS.0)
            .then(|| format!("{from} -> {to}: RocksDB's only home is {}", ROCKS.0));
    }
    if OUTSIDE.contains(&to.as_str()) {
        return Some(format!("{from} -> {to}: nothing may depend on {to}"));
    }
    if OUTSIDE.contains(&from.as_str()) || from == TESTKIT {
        return None;
    }
    if ours(from).is_none() {
        return Some(format!(
            "{from} is not in the table of layers (crates/xtask/src/layers.rs)"
        ));
    }
    if to == TESTKIT {
        return (!dev).then(|| format!("{from} -> {to}: {to} is for tests alone"));
    }
    ours(to)?;
    if to == ROCKS.0 && !ROCKS.1.contains(&from.as_str()) {
        return Some(format!(
            "{from} -> {to}: only {} may name it",
            ROCKS.1.join(" and ")
        ));
    }
    // The tests of a crate may name the crate itself with other features.
    let allowed = from == to || allowed(from).contains(to.as_str());
    (!allowed).then(|| format!("{from} -> {to}: not an arrow of the design"))
}

fn ours(name: &str) -> Option<&'static [&'static str]> {
    ARROWS
        .iter()
        .find(|(crate_name, _)| *crate_name == name)
        .map(|(_, to)| *to)
}

/// What a crate may depend on: its arrows and theirs in turn. The node hides what is under it.
fn allowed(from: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let mut left: Vec<&'static str> = ours(from).unwrap_or_default().to_vec();
    while let Some(name) = left.pop() {
        if found.insert(name) && name != NODE {
            left.extend_from_slice(ours(name).unwrap_or_default());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(from: &str, to: &str, dev: bool) -> Option<String> {
        fault(&Arrow {
            from: short(from),
            to: short(to),
            dev,
        })
    }

    #[test]
    fn arrows_of_the_design_are_allowed() {
        for (from, to) in [
            ("basalt-pin", "basalt-block"),
            ("basalt", "basalt-unixfs"),
            ("basalt-rpc", "basalt"),
            ("basalt-cli", "basalt"),
            ("basalt-cli", "basalt-blockstore-rocks"),
            ("basalt-blockstore-rocks", "rocksdb"),
            ("basalt-bench", "basalt-pin"),
            ("basalt-pin", "serde"),
        ] {
            assert_eq!(told(from, to, false), None, "{from} -> {to}");
        }
        assert_eq!(told("basalt-pin", "basalt-testkit", true), None);
        assert_eq!(told("basalt-blockstore", "basalt-blockstore", true), None);
    }

    #[test]
    fn other_arrows_are_not() {
        for (from, to) in [
            ("basalt-block", "basalt-blockstore"),
            ("basalt-commands", "basalt-repo"),
            ("basalt-commands", "basalt-blockstore-rocks"),
            ("basalt-pin", "basalt-blockstore-rocks"),
            ("basalt-pin", "basalt-unixfs"),
            ("basalt-pin", "basalt-testkit"),
            ("basalt-repo", "basalt-block"),
            ("basalt", "rocksdb"),
            ("basalt-bench", "librocksdb-sys"),
            ("basalt-rpc", "basalt-xtask"),
            ("basalt-unheard-of", "basalt"),
        ] {
            assert!(told(from, to, false).is_some(), "{from} -> {to}");
        }
    }
}
