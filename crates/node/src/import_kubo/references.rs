//! References of the filestore: blocks whose bytes are in files and behind URLs.

use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use basalt_block::{Block, Cid, MAX_BLOCK_SIZE, codec};
use basalt_blockstore::Blockstore;
use basalt_blockstore_rocks::RocksStore;
use basalt_filestore::{Filestore, Options, Reference, is_url};
use basalt_kubo::{Error as KuboError, KuboRepo};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Events, KuboImported, damaged};
use crate::Result;

/// References that are written together.
const BATCH: usize = 500;

type Found = basalt_kubo::Result<basalt_kubo::Reference>;

/// Brings the references over and looks whether each leads to its block; URLs are not fetched for
/// that. A file that lies where none may be referred to from the new repo is read, and its block kept.
pub(super) async fn bring(
    source: &Arc<KuboRepo>,
    store: &Arc<RocksStore>,
    target: &Path,
    events: &Events,
    done: &mut KuboImported,
) -> Result<()> {
    let parent = |dir: &Path| dir.parent().unwrap_or(dir).to_owned();
    let theirs = parent(source.path());
    let options = Options {
        root: parent(target),
        files: true,
        urls: true,
    };
    let filestore = Filestore::open(store.clone(), store.clone(), options).await?;
    let (tx, mut rx) = mpsc::channel::<Found>(BATCH);
    let source = source.clone();
    let reader = tokio::task::spawn_blocking(move || -> Result<()> {
        let mut all = source.references()?;
        // Sending fails when the import has failed.
        while let Some(found) = all.next()
            && tx.blocking_send(found).is_ok()
        {}
        Ok(())
    });
    let mut batch = Vec::new();
    while let Some(found) = rx.recv().await {
        match found {
            Ok(found) if found.size > MAX_BLOCK_SIZE as u64 => {
                let reason = format!("a block of {} bytes is not referred to", found.size);
                damaged(events, done, name(&found), reason).await;
            }
            Ok(found) => batch.push(found),
            Err(KuboError::BadReference(what, reason)) => {
                damaged(events, done, what, reason).await;
            }
            Err(error) => return Err(error.into()),
        }
        if batch.len() >= BATCH {
            let batch = std::mem::take(&mut batch);
            some(&filestore, store, &theirs, batch, events, done).await?;
        }
    }
    reader.await??;
    some(&filestore, store, &theirs, batch, events, done).await
}

async fn some(
    filestore: &Filestore,
    store: &Arc<RocksStore>,
    theirs: &Path,
    batch: Vec<basalt_kubo::Reference>,
    events: &Events,
    done: &mut KuboImported,
) -> Result<()> {
    let mut references = Vec::with_capacity(batch.len());
    let mut to_read = Vec::new();
    for found in batch {
        let place = place(theirs, &found.path);
        match filestore.path_of(&place) {
            Ok(path) => {
                let reference = Reference {
                    path,
                    offset: found.offset,
                    size: found.size,
                };
                references.push((found, reference));
            }
            Err(_) => to_read.push(found),
        }
    }
    let rows = references
        .iter()
        .map(|(found, row)| (found.hash, row.clone()));
    filestore.refer(rows.collect()).await?;
    done.references += references.len() as u64;
    for (found, reference) in references {
        if reference.is_url() {
            continue;
        }
        if let Some(broken) = filestore.check(&found.hash).await?.broken {
            damaged(events, done, name(&found), broken.to_string()).await;
        }
    }
    for found in to_read {
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(&place(theirs, &found.path)));
        let what = name(&found);
        match tokio::task::spawn_blocking(move || read(&path, &found)).await? {
            Ok(block) => {
                done.blocks += 1;
                done.bytes += block.data().len() as u64;
                store.put_many(vec![block]).await?;
            }
            Err(reason) => damaged(events, done, what, reason).await,
        }
    }
    Ok(())
}

/// The URL, or the whole path of the file.
fn place(root: &Path, path: &[u8]) -> Bytes {
    if is_url(path) {
        return Bytes::copy_from_slice(path);
    }
    let file = root.join(std::ffi::OsStr::from_bytes(path));
    Bytes::copy_from_slice(file.as_os_str().as_bytes())
}

fn name(found: &basalt_kubo::Reference) -> String {
    let cid = Cid::new_v1(codec::RAW, found.hash);
    let path = String::from_utf8_lossy(&found.path);
    format!("the reference of {cid} to {path}")
}

fn read(path: &Path, found: &basalt_kubo::Reference) -> Result<Block, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut data = vec![0; found.size as usize];
    file.read_exact_at(&mut data, found.offset)
        .map_err(|e| e.to_string())?;
    Block::verified(Cid::new_v1(codec::RAW, found.hash), data.into()).map_err(|e| e.to_string())
}
