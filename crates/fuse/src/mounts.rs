//! The three mounts of a node.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use basalt::Node;
use tokio::sync::Mutex;

use crate::attributes::Usual;
use crate::files::{Files, Keeping};
use crate::ipfs::Ipfs;
use crate::mount::Mount;
use crate::names::Names;
use crate::tree::Tree;
use crate::{Error, Points, Result};

/// What a node has mounted; cheap to clone.
#[derive(Clone)]
pub struct Mounts(Arc<Inner>);

struct Inner {
    node: Node,
    /// Held while mounting and unmounting: one at a time.
    mounted: Mutex<Vec<Mount>>,
    names: std::sync::Mutex<Option<Arc<AtomicBool>>>,
}

/// What is mounted where, by the name that the list of mounts has.
const NAMES: [&str; 3] = ["ipfs", "ipns", "mfs"];

impl Mounts {
    /// Nothing is mounted yet.
    pub fn new(node: Node) -> Self {
        Self(Arc::new(Inner {
            node,
            mounted: Mutex::default(),
            names: std::sync::Mutex::default(),
        }))
    }

    /// Mounts all three, in place of what this node had mounted; or none.
    ///
    /// # Errors
    /// The first folder that cannot be mounted on, and why.
    pub async fn mount(&self, points: &Points) -> Result<()> {
        let mut mounted = self.0.mounted.lock().await;
        unmount_all(&mut mounted).await;
        let trees = self.trees(points).await?;
        let folders = [&points.ipfs, &points.ipns, &points.mfs];
        let allow_other = self.flag("Mounts.FuseAllowOther");
        for ((tree, name), folder) in trees.into_iter().zip(NAMES).zip(folders) {
            match Mount::new(tree, name, Path::new(folder), allow_other).await {
                Ok(mount) => mounted.push(mount),
                Err(error) => {
                    unmount_all(&mut mounted).await;
                    return Err(error);
                }
            }
        }
        let names = mounted.get(1).map(Mount::activity);
        *self.0.names.lock().unwrap_or_else(|e| e.into_inner()) = names;
        Ok(())
    }

    /// Unmounts what is mounted. Programs that have something open there find it gone when the
    /// node is; what they wrote is durable.
    pub async fn unmount(&self) {
        let mut mounted = self.0.mounted.lock().await;
        unmount_all(&mut mounted).await;
    }

    /// As [`Mounts::unmount`], for the end of the program: what still waits for blocks, through files
    /// that are open, gets an error.
    pub async fn close(&self) {
        let mut mounted = self.0.mounted.lock().await;
        for mount in mounted.iter() {
            mount.end();
        }
        unmount_all(&mut mounted).await;
    }

    /// Whether `/ipns` is mounted: then only the mount publishes under the own name.
    pub fn has_names(&self) -> bool {
        let names = self.0.names.lock().unwrap_or_else(|e| e.into_inner());
        names
            .as_ref()
            .is_some_and(|active| active.load(Ordering::SeqCst))
    }

    fn flag(&self, key: &str) -> bool {
        let repo = self.0.node.repo();
        repo.and_then(|repo| repo.config().flag(key))
            .unwrap_or(false)
    }

    async fn trees(&self, points: &Points) -> Result<[Arc<dyn Tree>; 3]> {
        let node = &self.0.node;
        let keeping = Keeping {
            mode: self.flag("Mounts.StoreMode"),
            mtime: self.flag("Mounts.StoreMtime"),
        };
        let repo = node.require_repo().map_err(|e| failed(&points.ipns, e))?;
        let usual = Usual::changeable(repo.config().string("Import.UnixFSChunker"));
        let files = node.files().map_err(|e| failed(&points.mfs, e))?.clone();
        let key = repo.keys().own();
        let key = key.map_err(|e| failed(&points.ipns, e.into()))?;
        let id = key.public().to_peer_id().to_base58();
        let own = node.name_tree(key).await;
        let own = own.map_err(|e| failed(&points.ipns, e))?;
        let folder =
            std::path::absolute(&points.ipfs).unwrap_or_else(|_| points.ipfs.clone().into());
        let ipfs = folder.to_string_lossy().into_owned();
        let published = Files::new(own.files().clone(), node.clone(), keeping, usual).of_name(own);
        Ok([
            Arc::new(Ipfs::new(node.clone())),
            Arc::new(Names::new(node.clone(), id, published, ipfs)),
            Arc::new(Files::new(files, node.clone(), keeping, usual)),
        ])
    }
}

fn failed(point: &str, source: basalt::Error) -> Error {
    Error::Tree {
        point: point.into(),
        source,
    }
}

async fn unmount_all(mounted: &mut Vec<Mount>) {
    for mount in mounted.drain(..) {
        if let Err(error) = mount.unmount().await {
            tracing::warn!(target: "basalt::fuse", %error, "something stays mounted");
        }
    }
}
