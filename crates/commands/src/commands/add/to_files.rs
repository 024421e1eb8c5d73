//! `add --to-files`: what was added, linked into the mutable file tree.

use basalt::mfs::{self, Kind, Mfs, path};
use basalt::repo::go_quote;
use basalt::{Cid, Node};

use crate::commands::files::check_path;
use crate::{Error, Result};

/// Where in the tree entries go.
pub(super) struct ToFiles {
    node: Node,
    files: Mfs,
    given: String,
    /// Whether an entry has a place already: a path that is not a directory's takes one.
    linked: bool,
}

impl ToFiles {
    /// Links go to `given`; empty is the root.
    pub(super) fn new(node: &Node, given: &str) -> Result<Self> {
        Ok(Self {
            files: node.files()?.clone(),
            node: node.clone(),
            given: given.to_owned(),
            linked: false,
        })
    }

    /// Links an entry of the command line. Until [`ToFiles::finish`] it is in memory only.
    pub(super) async fn link(&mut self, name: &[u8], root: &Cid) -> Result<()> {
        let linked = self.put(name, root).await;
        linked.map_err(|why| Error::new(format!("to-files: {why}")))
    }

    /// Makes the links durable.
    pub(super) async fn finish(self) -> Result<()> {
        Ok(self.files.commit().await?)
    }

    async fn put(&mut self, name: &[u8], root: &Cid) -> Result<(), String> {
        if name.is_empty() {
            return Err("cannot add unnamed files to MFS".to_owned());
        }
        let given = if self.given.is_empty() {
            "/"
        } else {
            &self.given
        };
        let mut dest = check_path(given).map_err(|e| e.message)?;
        let into = dest.ends_with('/');
        if into {
            let quoted = go_quote(&dest);
            let found = self.files.node(&dest).await;
            let found = found
                .map_err(|e| format!("MFS destination directory {quoted} does not exist: {e}"))?;
            if found.kind != Kind::Directory {
                return Err(format!("MFS destination {quoted} is not a directory"));
            }
            dest.push_str(path::base(&String::from_utf8_lossy(name)));
        }
        if self.linked && !into {
            let quoted = go_quote(&dest);
            return Err(format!(
                "MFS destination is a file: only one entry can be copied to {quoted}"
            ));
        }
        let above = path::parent(&dest);
        if let Err(why) = self.files.node(&above).await {
            let (dest, above) = (go_quote(&dest), go_quote(&above));
            return Err(format!(
                "MFS destination parent {dest} {above} does not exist: {why}"
            ));
        }
        let block = self.node.blocks().offline().get(root).await;
        let block = block.map_err(|e| e.to_string())?;
        let put = self.files.put(&dest, block).await;
        put.map_err(|e: mfs::Error| {
            let quoted = go_quote(&dest);
            format!("cannot put node in path {quoted}: {e}")
        })?;
        self.linked = true;
        Ok(())
    }
}
