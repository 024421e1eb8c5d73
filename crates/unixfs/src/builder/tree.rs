use std::{collections::HashMap, sync::Arc};

use basalt_block::Cid;

use super::{DirectoryBuilder, DirectoryOptions, FileNode, symlink_block};
use crate::{BatchedSink, BlockSink, Error, Result, Stat, murmur3, sink::Outbox};

/// How a tree is built.
#[derive(Debug, Clone)]
pub struct TreeOptions {
    /// How directories are built, the root included.
    pub directory: DirectoryOptions,
    /// What the root keeps beside its entries. Directories that come into being because something
    /// lies in them keep nothing.
    pub stat: Stat,
    /// Whether directories without entries are kept.
    pub empty_directories: bool,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self {
            directory: DirectoryOptions::default(),
            stat: Stat::default(),
            empty_directories: true,
        }
    }
}

/// What was added to a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The path below the root, which itself has the empty path.
    pub path: Vec<u8>,
    /// The root of what was added.
    pub cid: Cid,
    /// The bytes of all its blocks: `Tsize`.
    pub dag_size: u64,
}

/// A tree that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The root.
    pub root: Added,
    /// All directories in the order in which Kubo reports them: each behind those in it, the root
    /// last. Empty for a tree that is one file.
    pub directories: Vec<Added>,
}

/// Builds a tree from files, symlinks and directories in any order.
///
/// What lies in a directory is kept until the end: about 90 bytes an entry.
pub struct TreeBuilder {
    options: TreeOptions,
    sink: Arc<BatchedSink>,
    directories: Vec<Open>,
    /// The file or symlink that is the whole tree.
    single: Option<Added>,
}

struct Open {
    name: Vec<u8>,
    parent: usize,
    children: HashMap<Vec<u8>, usize>,
    entries: DirectoryBuilder,
    has_entries: bool,
}

impl TreeBuilder {
    /// An empty tree, whose blocks go to `sink`.
    pub fn new(options: TreeOptions, sink: Arc<dyn BlockSink>) -> Result<Self> {
        let root = Open {
            name: Vec::new(),
            parent: 0,
            children: HashMap::new(),
            entries: DirectoryBuilder::new(options.directory.clone(), options.stat)?,
            has_entries: false,
        };
        let sink = Arc::new(BatchedSink::new(sink));
        Ok(Self {
            options,
            sink,
            directories: vec![root],
            single: None,
        })
    }

    /// The sink for the blocks of the tree's files. It puts those of small files together, and is
    /// flushed when the tree is finished.
    pub fn sink(&self) -> Arc<dyn BlockSink> {
        self.sink.clone()
    }

    /// Adds a directory and those above it. One that is there stays as it is.
    pub fn directory(&mut self, path: &[u8], stat: Stat) -> Result<()> {
        let (above, name) = split(path)?;
        if !name.is_empty() {
            let parent = self.open(&above)?;
            self.child(parent, name, stat)?;
        }
        Ok(())
    }

    /// Adds a file, or whatever else has been built. With the empty path it is the whole tree.
    pub fn file(&mut self, path: &[u8], file: &FileNode) -> Result<Added> {
        self.add(path, file.cid, file.dag_size)
    }

    /// Adds a symlink, of whose stat the modification time is kept.
    pub async fn symlink(&mut self, path: &[u8], target: &[u8], stat: Stat) -> Result<Added> {
        let block = symlink_block(target, stat, self.options.directory.cids)?;
        let (cid, size) = (*block.cid(), block.data().len() as u64);
        self.sink.put(vec![block]).await?;
        self.add(path, cid, size)
    }

    fn add(&mut self, path: &[u8], cid: Cid, dag_size: u64) -> Result<Added> {
        let (above, name) = split(path)?;
        if name.is_empty() {
            let path = basalt_block::cid_string(&cid).into_bytes();
            let added = Added {
                path,
                cid,
                dag_size,
            };
            self.single = Some(added.clone());
            return Ok(added);
        }
        let parent = self.open(&above)?;
        let parent = &mut self.directories[parent];
        if parent.children.contains_key(name) {
            return Err(Error::Exists);
        }
        parent.entries.add(name, &cid, dag_size)?;
        parent.has_entries = true;
        let path = [above.as_slice(), &[name]].concat().join(&b'/');
        Ok(Added {
            path,
            cid,
            dag_size,
        })
    }

    fn open(&mut self, path: &[&[u8]]) -> Result<usize> {
        path.iter()
            .try_fold(0, |at, name| self.child(at, name, Stat::default()))
    }

    fn child(&mut self, parent: usize, name: &[u8], stat: Stat) -> Result<usize> {
        if let Some(child) = self.directories[parent].children.get(name) {
            return Ok(*child);
        }
        let child = self.directories.len();
        self.directories[parent]
            .children
            .insert(name.to_vec(), child);
        self.directories[parent].has_entries = true;
        self.directories.push(Open {
            name: name.to_vec(),
            parent,
            children: HashMap::new(),
            entries: DirectoryBuilder::new(self.options.directory.clone(), stat)?,
            has_entries: false,
        });
        Ok(child)
    }

    /// Builds the directories; all blocks have gone to the sink.
    pub async fn finish(mut self) -> Result<Tree> {
        if let Some(root) = self.single {
            self.sink.flush().await?;
            return Ok(Tree {
                root,
                directories: Vec::new(),
            });
        }
        let mut out = Outbox::default();
        let mut built: Vec<Option<Built>> = Vec::new();
        built.resize_with(self.directories.len(), || None);
        // Whatever lies in a directory was opened after it.
        while let Some(open) = self.directories.pop() {
            let at = self.directories.len();
            let is_root = at == 0;
            if !is_root && !open.has_entries && !self.options.empty_directories {
                continue;
            }
            let node = open.entries.finish_into(&mut out, &*self.sink).await?;
            if !is_root {
                let parent = &mut self.directories[open.parent];
                parent.entries.add(&open.name, &node.cid, node.dag_size)?;
            }
            let mut children: Vec<usize> = open
                .children
                .into_values()
                .filter(|child| built[*child].is_some())
                .collect();
            children.sort_by_cached_key(|child| {
                let name = built[*child]
                    .as_ref()
                    .map(|b| b.name.clone())
                    .unwrap_or_default();
                let hash = if node.sharded {
                    murmur3::hash64(&name)
                } else {
                    0
                };
                // The last is taken first.
                std::cmp::Reverse((hash, name))
            });
            let (cid, dag_size) = (node.cid, node.dag_size);
            built[at] = Some(Built {
                name: open.name,
                cid,
                dag_size,
                children,
            });
        }
        out.send(&*self.sink).await?;
        self.sink.flush().await?;
        let directories = in_order(built);
        let root = directories.last().cloned().ok_or(Error::Cancelled)?;
        Ok(Tree { root, directories })
    }
}

struct Built {
    name: Vec<u8>,
    cid: Cid,
    dag_size: u64,
    /// Those not reported yet, the next one last.
    children: Vec<usize>,
}

fn in_order(mut built: Vec<Option<Built>>) -> Vec<Added> {
    let mut order = Vec::new();
    let mut path: Vec<(usize, Vec<u8>)> = vec![(0, Vec::new())];
    while let Some((at, here)) = path.last() {
        let Some(directory) = built[*at].as_mut() else {
            break;
        };
        if let Some(child) = directory.children.pop() {
            let name = built[child]
                .as_ref()
                .map(|b| b.name.as_slice())
                .unwrap_or_default();
            let below = match here.as_slice() {
                b"" => name.to_vec(),
                here => [here, name].join(&b'/'),
            };
            path.push((child, below));
        } else {
            let (cid, dag_size) = (directory.cid, directory.dag_size);
            let here = path.pop().map(|(_, here)| here).unwrap_or_default();
            order.push(Added {
                path: here,
                cid,
                dag_size,
            });
        }
    }
    order
}

/// The names above and the last one of a path, dots and needless slashes worked out.
fn split(path: &[u8]) -> Result<(Vec<&[u8]>, &[u8])> {
    let mut names = Vec::new();
    for name in path.split(|b| *b == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop().ok_or(Error::OutsideRoot)?),
            name => names.push(name),
        }
    }
    let last = names.pop().unwrap_or_default();
    Ok((names, last))
}
