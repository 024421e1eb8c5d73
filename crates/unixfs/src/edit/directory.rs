//! Directories that change.

mod basic;
mod sharded;

use std::{fmt, sync::Arc};

use basalt_block::{Cid, codec};
use futures::{StreamExt, stream, stream::BoxStream};

use self::{basic::Basic, sharded::Sharded};
use crate::{
    BlockSink, BlockSource, CidFormat, DirectoryNode, DirectoryOptions, Entry, Error, Kind, Mtime,
    Result, Stat, reader::decode, source,
};

/// A directory opened for change: in one block or many, as its entries demand.
///
/// Of a HAMT, the shards on the way to changed names are in memory until the next flush, and a
/// bounded number of them after it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use basalt_blockstore::MemoryStore;
/// use basalt_unixfs::{DirectoryEdit, DirectoryOptions, Entry};
/// use std::sync::Arc;
///
/// let store = Arc::new(MemoryStore::default());
/// let mut directory = DirectoryEdit::new(Arc::new(store.clone()), DirectoryOptions::default())?;
/// let empty = directory.flush(&store).await?;
/// assert_eq!(empty.cid.to_string(), "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn");
///
/// directory.put(Entry { name: "a".into(), cid: empty.cid, dag_size: empty.dag_size }).await?;
/// let changed = directory.flush(&store).await?;
///
/// let mut again =
///     DirectoryEdit::open(Arc::new(store.clone()), &changed.cid, DirectoryOptions::default())
///         .await?;
/// again.remove(b"a").await?;
/// assert_eq!(again.flush(&store).await?, empty);
/// # Ok::<(), basalt_unixfs::Error>(())
/// # }).unwrap();
/// ```
pub struct DirectoryEdit {
    source: Arc<dyn BlockSource>,
    options: DirectoryOptions,
    form: Form,
}

enum Form {
    Basic(Box<Basic>),
    Sharded(Box<Sharded>),
}

impl fmt::Debug for DirectoryEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryEdit")
            .field("sharded", &self.is_sharded())
            .finish_non_exhaustive()
    }
}

impl DirectoryEdit {
    /// An empty directory. From `source` comes again what was flushed.
    pub fn new(source: Arc<dyn BlockSource>, options: DirectoryOptions) -> Result<Self> {
        Self::with_stat(source, options, Stat::default())
    }

    /// An empty directory with mode and modification time.
    pub fn with_stat(
        source: Arc<dyn BlockSource>,
        mut options: DirectoryOptions,
        stat: Stat,
    ) -> Result<Self> {
        options.check()?;
        let form = Form::Basic(Box::new(Basic::new(stat, options.cids, options.estimation)));
        Ok(Self {
            source,
            options,
            form,
        })
    }

    /// A stored directory. It keeps how its CID is made, mode and modification time, and a HAMT
    /// its fanout; the rest of `options` counts from now on.
    pub async fn open(
        source: Arc<dyn BlockSource>,
        cid: &Cid,
        mut options: DirectoryOptions,
    ) -> Result<Self> {
        options.check()?;
        if cid.codec() != codec::DAG_PB {
            return Err(Error::NotDirectory);
        }
        let block = source::get(&*source, cid).await?;
        let (node, data) = decode(&block)?;
        let form = match data.kind {
            Kind::Directory => Form::Basic(Box::new(Basic::open(
                &block,
                node,
                &data,
                options.estimation,
            )?)),
            Kind::HamtShard => Form::Sharded(Box::new(Sharded::open(
                &block,
                data.stat(),
                options.estimation,
            )?)),
            _ => return Err(Error::NotDirectory),
        };
        Ok(Self {
            source,
            options,
            form,
        })
    }

    /// Whether it is a HAMT.
    pub fn is_sharded(&self) -> bool {
        matches!(self.form, Form::Sharded(_))
    }

    /// How the CID of the root is made.
    pub fn cids(&self) -> CidFormat {
        match &self.form {
            Form::Basic(basic) => basic.cids(),
            Form::Sharded(sharded) => sharded.cids(),
        }
    }

    /// Makes the CID of the root in another way. Of a HAMT, the shards that there are keep theirs.
    pub fn set_cids(&mut self, cids: CidFormat) {
        match &mut self.form {
            Form::Basic(basic) => basic.set_cids(cids),
            Form::Sharded(sharded) => sharded.set_cids(cids),
        }
    }

    /// The settings that decide about its form. Its CIDs are told by [`DirectoryEdit::cids`].
    pub fn options(&self) -> &DirectoryOptions {
        &self.options
    }

    /// Mode and modification time, as far as they are kept.
    pub fn stat(&self) -> Stat {
        match &self.form {
            Form::Basic(basic) => basic.stat(),
            Form::Sharded(sharded) => sharded.stat(),
        }
    }

    /// Sets the twelve permission bits; none, or zero, forgets them.
    pub fn set_mode(&mut self, mode: Option<u32>) -> Result<()> {
        self.set_stat(Stat {
            mode,
            ..self.stat()
        })
    }

    /// Sets or forgets the modification time.
    pub fn set_mtime(&mut self, mtime: Option<Mtime>) -> Result<()> {
        self.set_stat(Stat {
            mtime,
            ..self.stat()
        })
    }

    fn set_stat(&mut self, stat: Stat) -> Result<()> {
        match &mut self.form {
            Form::Basic(basic) => basic.set_stat(stat, self.options.estimation)?,
            Form::Sharded(sharded) => sharded.set_stat(stat),
        }
        Ok(())
    }

    /// The entry of this name. Of a HAMT, only the shards on the way to it are fetched.
    pub async fn get(&self, name: &[u8]) -> Result<Option<Entry>> {
        match &self.form {
            Form::Basic(basic) => Ok(basic.get(name)),
            Form::Sharded(sharded) => sharded.get(&*self.source, name).await,
        }
    }

    /// Puts an entry, in place of one of the same name, which it gives back.
    pub async fn put(&mut self, entry: Entry) -> Result<Option<Entry>> {
        if entry.name.is_empty() {
            return Err(Error::EmptyName);
        }
        if i64::try_from(entry.dag_size).is_err() {
            let reason = format!("value of Tsize is too large: {}", entry.dag_size);
            return Err(Error::malformed(&entry.cid, reason));
        }
        match &mut self.form {
            Form::Basic(basic) => {
                if !basic.outgrown_by(&entry, &self.options) {
                    return basic.put(entry, &self.options);
                }
                let mut sharded = Sharded::from_basic(basic, &self.options)?;
                let old = sharded.put(entry)?;
                self.form = Form::Sharded(Box::new(sharded));
                Ok(old)
            }
            Form::Sharded(sharded) => {
                let source = &self.source;
                sharded.load(&**source, &entry.name).await?;
                let old = sharded.get(&**source, &entry.name).await?;
                if sharded
                    .shrinks(source, &self.options, old.as_ref(), Some(&entry))
                    .await?
                    && let Some(mut basic) = sharded.to_basic(source, &self.options, 0).await?
                {
                    let old = basic.put(entry, &self.options)?;
                    self.form = Form::Basic(Box::new(basic));
                    return Ok(old);
                }
                sharded.put(entry)
            }
        }
    }

    /// Removes the entry of this name, and gives it back.
    pub async fn remove(&mut self, name: &[u8]) -> Result<Option<Entry>> {
        let sharded = match &mut self.form {
            Form::Basic(basic) => return Ok(basic.remove(name, self.options.estimation)),
            Form::Sharded(sharded) => sharded,
        };
        let source = &self.source;
        let Some(old) = sharded.get(&**source, name).await? else {
            return Ok(None);
        };
        if sharded
            .shrinks(source, &self.options, Some(&old), None)
            .await?
            && let Some(mut basic) = sharded.to_basic(source, &self.options, 1).await?
        {
            let old = basic.remove(name, self.options.estimation);
            self.form = Form::Basic(Box::new(basic));
            return Ok(old);
        }
        sharded.load(&**source, name).await?;
        sharded.remove(name)
    }

    /// The entries as they are now, whatever is changed while they are read: by name, or of a HAMT
    /// by the hashes of the names. Of a HAMT, shards are fetched as they are needed, a few ahead.
    pub fn entries(&self) -> BoxStream<'static, Result<Entry>> {
        match &self.form {
            Form::Basic(basic) => stream::iter(basic.entries()).map(Ok).boxed(),
            Form::Sharded(sharded) => sharded.entries(self.source.clone()),
        }
    }

    /// Writes what was changed since the last time, and tells where the directory is.
    pub async fn flush(&mut self, sink: &dyn BlockSink) -> Result<DirectoryNode> {
        match &mut self.form {
            Form::Basic(basic) => basic.flush(sink).await,
            Form::Sharded(sharded) => sharded.flush(sink).await,
        }
    }
}
