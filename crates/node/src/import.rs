//! Bringing files in: what `ipfs add` does.

mod by_reference;

use std::sync::Arc;

use basalt_block::Cid;
use basalt_blockstore::Lease;
use basalt_pin::Pin;
use basalt_unixfs::{
    Added, BlockSink, DirectoryOptions, FileBuilder, FileOptions, OnlyHash, Stat, Tree,
    TreeBuilder, TreeOptions,
};
use bytes::Bytes;

use crate::{Error, Node, Result};
use by_reference::{Cached, Leaves, References};

/// How files and trees are brought in.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// How a file becomes a DAG.
    pub file: FileOptions,
    /// How entries become a directory.
    pub directory: DirectoryOptions,
    /// Whether directories that stay empty are kept.
    pub empty_directories: bool,
    /// Whether nothing is stored: to know what the CIDs would be.
    pub only_hash: bool,
    /// Whether the bytes of files are not copied, but read from where they are: see
    /// [`Import::file_at`].
    pub nocopy: bool,
    /// Whether blocks are not stored that can be had from files which were added so.
    pub fscache: bool,
    /// Whether each root is pinned.
    pub pin: bool,
    /// The name of the pins; may be empty.
    pub pin_name: String,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            file: FileOptions::default(),
            directory: DirectoryOptions::default(),
            empty_directories: true,
            only_hash: false,
            nocopy: false,
            fscache: false,
            pin: true,
            pin_name: String::new(),
        }
    }
}

/// An import under way: trees one after the other, then [`Import::finish`].
///
/// What it writes is kept from garbage collection until it is finished or dropped. Nothing of it is
/// promised before [`Import::finish`] has returned; dropped before, it leaves blocks that the next
/// collection removes.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use basalt::{ImportOptions, Node, unixfs::Stat};
///
/// let node = Node::builder().open().await?;
/// let mut import = node.import(ImportOptions::default())?;
/// let mut file = import.file(Stat::default())?;
/// file.write("hello world\n".into()).await?;
/// let added = file.finish(b"hello.txt").await?;
/// let tree = import.end_tree().await?;
/// import.finish().await?;
/// assert_eq!(added.cid.to_string(), "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o");
/// assert_eq!(tree.directories.len(), 1);
/// # Ok::<(), basalt::Error>(())
/// # }).unwrap();
/// ```
pub struct Import {
    node: Node,
    options: ImportOptions,
    sink: Arc<dyn BlockSink>,
    references: Option<Arc<References>>,
    tree: Option<TreeBuilder>,
    roots: Vec<Cid>,
    _lease: Lease,
}

/// A file of an import.
pub struct FileImport<'a> {
    builder: FileBuilder,
    import: &'a mut Import,
}

impl Node {
    /// Begins to bring files in.
    ///
    /// # Errors
    /// The options contradict each other or name what is not known, or the setting that `nocopy` needs
    /// is off.
    pub fn import(&self, options: ImportOptions) -> Result<Import> {
        let filestore = self.filestore().ok();
        let sink: Arc<dyn BlockSink> = match filestore {
            _ if options.only_hash => Arc::new(OnlyHash),
            Some(store) if options.fscache => Arc::new(Cached(store.clone())),
            _ => Arc::new(self.blocks().store().clone()),
        };
        let references = match filestore {
            _ if !options.nocopy => None,
            Some(store) => Some(Arc::new(References::new(store.clone()))),
            None => return Err(Error::NothingToReferWith),
        };
        let lease = self.blocks().lease();
        let mut import = Import {
            node: self.clone(),
            options,
            sink,
            references,
            tree: None,
            roots: Vec::new(),
            _lease: lease,
        };
        // Wrong options are refused before anything is read.
        import.begin_tree(Stat::default())?;
        import.tree = None;
        Ok(import)
    }
}

impl Import {
    /// Begins a tree whose root directory has this stat. A file or entry without it begins one too.
    pub fn begin_tree(&mut self, root: Stat) -> Result<()> {
        let options = TreeOptions {
            directory: self.options.directory.clone(),
            stat: root,
            empty_directories: self.options.empty_directories,
        };
        self.tree = Some(TreeBuilder::new(options, self.sink.clone())?);
        Ok(())
    }

    fn tree(&mut self) -> Result<&mut TreeBuilder> {
        if self.tree.is_none() {
            self.begin_tree(Stat::default())?;
        }
        match &mut self.tree {
            Some(tree) => Ok(tree),
            None => unreachable!("a tree was just begun"),
        }
    }

    /// Adds a directory to the tree; an empty path is its root.
    pub fn directory(&mut self, path: &[u8], stat: Stat) -> Result<()> {
        Ok(self.tree()?.directory(path, stat)?)
    }

    /// Adds a symbolic link to the tree; an empty path makes it the whole tree.
    pub async fn symlink(&mut self, path: &[u8], target: &[u8], stat: Stat) -> Result<Added> {
        Ok(self.tree()?.symlink(path, target, stat).await?)
    }

    /// Begins a file.
    ///
    /// # Errors
    /// With [`ImportOptions::nocopy`], that it is not known where the file is.
    pub fn file(&mut self, stat: Stat) -> Result<FileImport<'_>> {
        self.file_at(stat, None)
    }

    /// Begins a file that is known to lie at a URL or absolute path. That is where its bytes will be
    /// read from with [`ImportOptions::nocopy`].
    pub fn file_at(&mut self, stat: Stat, place: Option<&[u8]>) -> Result<FileImport<'_>> {
        let options = FileOptions {
            stat,
            ..self.options.file.clone()
        };
        let sink = self.tree()?.sink();
        let mut builder = FileBuilder::new(options, sink)?;
        if let Some(references) = &self.references {
            let place = place.filter(|place| !place.is_empty());
            let place = place.ok_or(Error::NowhereToReferTo)?.to_vec();
            if !self.options.only_hash {
                let references = references.clone();
                builder = builder.leaves_to(Arc::new(Leaves { references, place }));
            }
        }
        Ok(FileImport {
            builder,
            import: self,
        })
    }

    /// Ends the present tree: makes its directories, the root last.
    pub async fn end_tree(&mut self) -> Result<Tree> {
        self.tree()?;
        let tree = match self.tree.take() {
            Some(tree) => tree.finish().await?,
            None => unreachable!("a tree was just begun"),
        };
        if let Some(references) = &self.references {
            references.flush().await?;
        }
        self.roots.push(tree.root.cid);
        Ok(tree)
    }

    /// The roots of the trees that have ended.
    pub fn roots(&self) -> &[Cid] {
        &self.roots
    }

    /// The node that it is for.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Makes everything durable and pins the roots, all of them in one commit.
    pub async fn finish(self) -> Result<()> {
        if self.options.only_hash {
            return Ok(());
        }
        if !self.options.pin {
            return Ok(self.node.blocks().store().sync().await?);
        }
        let name = &self.options.pin_name;
        let pins: Vec<Pin> = self
            .roots
            .iter()
            .map(|cid| Pin::recursive(*cid).named(name.clone()))
            .collect();
        // The commit of the pins makes the blocks durable before them.
        Ok(self.node.pins().put_many(&pins).await?)
    }
}

impl FileImport<'_> {
    /// Adds bytes. Waits while the store is slower.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        Ok(self.builder.write(bytes).await?)
    }

    /// Ends the file and puts it into the tree under `path`; an empty path makes it the whole tree.
    pub async fn finish(self, path: &[u8]) -> Result<Added> {
        let file = self.builder.finish().await?;
        Ok(self.import.tree()?.file(path, &file)?)
    }

    /// Ends the file and puts it into the tree under the text of its own CID.
    pub async fn finish_unnamed(self) -> Result<Added> {
        let file = self.builder.finish().await?;
        let name = file.cid.to_string();
        Ok(self.import.tree()?.file(name.as_bytes(), &file)?)
    }
}
