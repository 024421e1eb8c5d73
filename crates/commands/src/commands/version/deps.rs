use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View};

/// What the build pins, as cargo wrote it.
const LOCK: &str = include_str!("../../../../../Cargo.lock");
/// The package whose dependencies are told.
const PROGRAM: &str = "basalt-cli";

/// `ipfs version deps`.
pub(crate) struct Deps;

/// A package that is part of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Dependency {
    path: String,
    version: String,
    replaced_by: String,
    sum: String,
}

#[async_trait]
impl Command for Deps {
    type Options = NoOptions;
    type Event = Dependency;
    type State = ();

    const PATH: &'static str = "version/deps";
    const ABOUT: About = About::new("List the packages that this program is built of.").text(
        "Writes name and version of each, Basalt itself first, as they were pinned when it was built.",
    )
    .no_repo();

    async fn run(_: Call<NoOptions>, out: Output<Dependency>) -> Result<()> {
        for dependency in dependencies(LOCK) {
            out.emit(dependency).await?;
        }
        Ok(())
    }

    fn text(_: &View<NoOptions>, _: &mut (), row: Dependency, w: &mut dyn Write) -> Result<()> {
        Ok(writeln!(w, "{}@{}", row.path, row.version)?)
    }
}

#[derive(Default)]
struct Package {
    row: Option<Dependency>,
    /// As they are written: `name`, or `name version` where there are several.
    needs: Vec<&'static str>,
}

/// Basalt, then what it is built of: our own crates are one with it.
fn dependencies(lock: &'static str) -> Vec<Dependency> {
    let mut packages: BTreeMap<(&str, &str), Package> = BTreeMap::new();
    for text in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            line.strip_prefix(" = \"")?.strip_suffix('"')
        };
        let (Some(name), Some(version)) = (value("name"), value("version")) else {
            continue;
        };
        let row = value("checksum").map(|sum| Dependency {
            path: name.to_owned(),
            version: format!("v{version}"),
            replaced_by: String::new(),
            sum: format!("sha256:{sum}"),
        });
        let needs = text.lines().filter_map(|line| {
            let line = line.strip_prefix(" \"")?;
            line.strip_suffix("\",")
        });
        let needs = needs.collect();
        packages.insert((name, version), Package { row, needs });
    }
    let mut todo = vec![PROGRAM];
    let mut seen = BTreeSet::new();
    while let Some(need) = todo.pop() {
        let (name, version) = need.split_once(' ').unwrap_or((need, ""));
        let found = packages
            .iter()
            .filter(|((n, v), _)| *n == name && (version.is_empty() || *v == version));
        for (key, package) in found {
            if seen.insert(*key) {
                todo.extend(&package.needs);
            }
        }
    }
    let own = Dependency {
        path: "basalt".to_owned(),
        version: format!("v{}", basalt::VERSION),
        replaced_by: String::new(),
        sum: String::new(),
    };
    let used = seen.iter().filter_map(|key| packages[key].row.clone());
    std::iter::once(own).chain(used).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_told_and_nothing_else() {
        let all = dependencies(LOCK);
        assert_eq!(all[0].path, "basalt");
        let has = |name: &str| all.iter().any(|d| d.path == name);
        for name in ["tokio", "serde", "rocksdb"] {
            assert!(has(name), "{name}");
        }
        assert!(!has("criterion") && !has("basalt-pin"));
        let sorted = all[1..].is_sorted_by(|a, b| a.path <= b.path);
        assert!(sorted && all[1..].iter().all(|d| d.sum.starts_with("sha256:")));
    }
}
