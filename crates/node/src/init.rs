//! Making a new repo.

mod texts;

use std::path::Path;

use basalt_block::{Block, Hasher, codec};
use basalt_blockstore::Blockstore;
use basalt_blockstore_rocks::{Options, RocksStore};
use basalt_pin::{Pin, Pins};
use basalt_repo::{InitOptions, NewRepo};
use bytes::Bytes;
use std::sync::Arc;

use crate::builder::STORE_DIR;
use crate::{Node, Result};

/// The UnixFS node of an empty directory.
const EMPTY_DIRECTORY: &[u8] = b"\x0a\x02\x08\x01";

impl Node {
    /// Makes a repo in `dir` with the empty directory pinned in it, and introductory texts if
    /// they are asked for, all of it or nothing. What a
    /// user should be told meanwhile is given to `say`, piece by piece with its newlines.
    ///
    /// # Errors
    /// There is a repo already, the folder cannot be written, or the options are wrong.
    pub async fn init<F>(dir: &Path, options: InitOptions, mut say: F) -> Result<()>
    where
        F: FnMut(&str) + Send + 'static,
    {
        let dir = dir.to_owned();
        let with_texts = options.texts;
        let prepared = tokio::task::spawn_blocking(move || {
            let new = NewRepo::prepare(&dir, &options, &mut say)?;
            for note in new.notes() {
                say(&format!("{note}\n"));
            }
            Ok::<_, crate::Error>((new, say))
        });
        let (new, mut say) = prepared.await??;
        let store = Options::new(new.data_dir().join(STORE_DIR));
        let store = tokio::task::spawn_blocking(move || RocksStore::open(store)).await??;
        let store = Arc::new(store);
        let empty = Block::hash(
            0,
            codec::DAG_PB,
            Hasher::SHA2_256,
            Bytes::from_static(EMPTY_DIRECTORY),
        )
        .map_err(basalt_exchange::Error::from)?;
        let root = *empty.cid();
        store.put_many(vec![empty]).await?;
        let pins = Pins::new(store.clone(), store.clone());
        let mut roots = vec![Pin::recursive(root)];
        if with_texts {
            let texts = texts::write(Arc::new(store.clone())).await?;
            roots.push(Pin::recursive(texts));
            say(&format!(
                "to get started, enter:\n\n\tipfs cat /ipfs/{texts}/readme\n\n"
            ));
        }
        pins.put_many(&roots).await?;
        drop(pins);
        if let Some(store) = Arc::into_inner(store) {
            store.close().await;
        }
        tokio::task::spawn_blocking(move || new.commit()).await??;
        Ok(())
    }
}
