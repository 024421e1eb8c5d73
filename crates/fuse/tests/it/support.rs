use std::fs;
use std::path::PathBuf;

use basalt::Node;
use basalt::repo::InitOptions;
use basalt_fuse::{Mounts, Points};
use tempfile::TempDir;

/// A node with its three mounts.
pub(crate) struct Mounted {
    pub(crate) node: Node,
    pub(crate) mounts: Mounts,
    dir: TempDir,
}

/// Why nothing can be mounted here, if so.
pub(crate) fn missing() -> Option<String> {
    let opened = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/fuse");
    let why = opened.err()?;
    println!("NOT RUN: /dev/fuse cannot be opened: {why}");
    Some(why.to_string())
}

impl Mounted {
    pub(crate) async fn new() -> Option<Self> {
        if missing().is_some() {
            return None;
        }
        let mounted = Self::unmounted().await;
        mounted.mounts.mount(&mounted.points()).await.unwrap();
        Some(mounted)
    }

    /// A node, and folders that nothing is mounted on yet.
    pub(crate) async fn unmounted() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["ipfs", "ipns", "mfs"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let repo = dir.path().join("repo");
        Node::init(&repo, InitOptions::default(), |_: &str| {})
            .await
            .unwrap();
        let node = Node::builder().repo(&repo).open().await.unwrap();
        Self {
            mounts: Mounts::new(node.clone()),
            node,
            dir,
        }
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn points(&self) -> Points {
        let text = |name: &str| self.at(name).to_string_lossy().into_owned();
        Points {
            ipfs: text("ipfs"),
            ipns: text("ipns"),
            mfs: text("mfs"),
        }
    }

    /// Does what blocks, while the mounts answer.
    pub(crate) async fn there<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(PathBuf) -> T + Send + 'static,
    ) -> T {
        let path = self.at(path);
        tokio::task::spawn_blocking(move || work(path))
            .await
            .unwrap()
    }

    pub(crate) async fn end(self) {
        self.mounts.close().await;
        self.node.close().await;
        for name in ["ipfs", "ipns", "mfs"] {
            // Only a folder that nothing is mounted on can be removed.
            fs::remove_dir(self.at(name)).unwrap();
        }
    }
}
