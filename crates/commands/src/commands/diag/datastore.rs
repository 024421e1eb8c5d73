use basalt::repo::RepoLock;

use crate::{Call, Error, Result};

pub(crate) mod count;
pub(crate) mod get;
pub(crate) mod put;

/// The node, unless a daemon has it.
async fn own_node<O>(call: &Call<O>) -> Result<basalt::Node> {
    if let Ok(Some(_)) = RepoLock::holder(call.ctx.repo()) {
        return Err(Error::client(
            "ipfs daemon is running. please stop it to run this command",
        ));
    }
    let node = call.ctx.node().await;
    let node = node.map_err(|e| Error::new(format!("failed to open repo: {}", e.message)))?;
    Ok(node.clone())
}

/// The record that a key of Kubo's means: a path, cleaned, without the slash in front.
fn record(key: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in key.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths() {
        for (key, want) in [
            ("/a/b", "a/b"),
            ("a", "a"),
            ("//a/./b/../c/", "a/c"),
            ("/", ""),
        ] {
            assert_eq!(record(key), want);
        }
    }
}
