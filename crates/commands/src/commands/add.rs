use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use async_trait::async_trait;
use basalt::{FileImport, Import, KeptBy, unixfs};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

mod options;
mod show;
mod to_files;

use crate::commands::support::{CidText, Name, fast_provide};
use crate::files::{FileEntry, FileMode, Files, NodeKind};
use crate::{About, Arg, Call, Command, Error, Events, Output, Result, Terminal, View};
use options::Options;
use to_files::ToFiles;

/// `ipfs add`.
pub(crate) struct Add;

/// An entry that was added, or how much of a file has come in.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AddEvent {
    name: Name,
    #[serde(skip_serializing_if = "String::is_empty")]
    hash: String,
    #[serde(skip_serializing_if = "is_zero")]
    bytes: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    size: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    mode: String,
    #[serde(skip_serializing_if = "is_zero_i64")]
    mtime: i64,
    #[serde(skip_serializing_if = "is_zero_u32")]
    mtime_nsecs: u32,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}
fn is_zero_i64(n: &i64) -> bool {
    *n == 0
}
fn is_zero_u32(n: &u32) -> bool {
    *n == 0
}

#[async_trait]
impl Command for Add {
    type Options = Options;
    type Event = AddEvent;
    type State = ();

    const PATH: &'static str = "add";
    const ABOUT: About = About::new("Add files and directories.")
        .text(
            "Stores files, and directories with -r, and writes their CIDs. What is added is pinned,
unless --pin=false is given.

Examples:

  > ipfs add photo.jpg
  > ipfs add -r site/
  > tar c site | ipfs add --stdin-name site.tar -Q
  > ipfs add --only-hash --cid-version 1 photo.jpg

The CIDs depend on how files are cut and hashed: see --chunker, --hash, --raw-leaves,
--cid-version, --trickle and the settings under Import.",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::file("path", "Files and directories to add.")
        .variadic()
        .stdin()
        .recursive()];

    async fn run(mut call: Call<Options>, out: Output<AddEvent>) -> Result<()> {
        let node = call.ctx.node().await?.clone();
        let cids = CidText::new(&call.meta.globals)?;
        let plan = options::plan(&call, &node)?;
        let files = call.take_files()?;
        let import = node.import(plan.import.clone())?;
        let given = call.options.to_files.as_deref();
        let to_files = given.map(|path| ToFiles::new(&node, path)).transpose()?;
        Adding {
            plan,
            cids,
            files,
            import,
            out,
            tree: None,
            trees: 0,
            to_files,
            unlinked: None,
        }
        .run()
        .await
    }

    /// Only the RPC asks for it: Kubo has no text for these events and prints Go's own.
    fn text(_: &View<Options>, _: &mut (), event: AddEvent, w: &mut dyn Write) -> Result<()> {
        let AddEvent {
            name,
            hash,
            bytes,
            size,
            mode,
            mtime,
            mtime_nsecs,
        } = event;
        w.write_all(b"&{")?;
        w.write_all(&name.0)?;
        write!(
            w,
            " {hash} %!s(int64={bytes}) {size} {mode} %!s(int64={mtime}) %!s(int={mtime_nsecs})}}"
        )?;
        Ok(())
    }

    async fn show(
        view: &View<Options>,
        events: Events<AddEvent>,
        term: &mut Terminal,
    ) -> Result<()> {
        show::show(view, events, term).await
    }
}

/// A command line's worth of files on their way in.
struct Adding {
    plan: options::Plan,
    cids: CidText,
    files: Box<dyn Files>,
    import: Import,
    out: Output<AddEvent>,
    tree: Option<Top>,
    trees: usize,
    to_files: Option<ToFiles>,
    /// Why an entry could not be linked into the mutable tree: nothing is added after it.
    unlinked: Option<Error>,
}

/// The entry of the command line that is being added.
#[derive(Clone)]
struct Top {
    name: Bytes,
    is_directory: bool,
    mode: Option<FileMode>,
    mtime: Option<crate::files::Mtime>,
}

impl Adding {
    async fn run(mut self) -> Result<()> {
        while let Some(entry) = self.files.next().await? {
            self.entry(entry).await?;
            if self.unlinked.is_some() {
                break;
            }
        }
        if self.tree.is_none() && self.trees == 0 && !self.plan.wrap {
            return Err(Error::new("expected a file argument"));
        }
        self.end_tree().await?;
        let (roots, node) = (self.import.roots().to_vec(), self.import.node().clone());
        self.import.finish().await?;
        let kept = KeptBy {
            pin: self.plan.import.pin,
            files: self.to_files.is_some(),
        };
        if let Some(to_files) = self.to_files {
            to_files.finish().await?;
        }
        if !self.plan.import.only_hash {
            fast_provide(&node, &roots, kept, self.plan.fast_provide).await?;
        }
        self.unlinked.map_or(Ok(()), Err)
    }

    /// Whether the entry belongs to the tree that is being added.
    fn continues(&self, entry: &FileEntry) -> bool {
        let Some(top) = &self.tree else { return false };
        self.plan.wrap
            || (top.is_directory
                && first_part(&entry.path) == top.name
                && entry.path.contains(&b'/'))
    }

    async fn entry(&mut self, entry: FileEntry) -> Result<()> {
        if !self.continues(&entry) {
            if self.tree.is_some() {
                self.end_tree().await?;
            }
            if self.unlinked.is_some() {
                return Ok(());
            }
            self.begin_tree(&entry)?;
        }
        let path = self.path_in_tree(&entry.path);
        let stat = self.plan.stat(entry.mode, entry.mtime);
        match &entry.kind {
            NodeKind::Directory if path.is_empty() => Ok(()),
            NodeKind::Directory => Ok(self.import.directory(&path, stat)?),
            NodeKind::Symlink(target) => {
                let link = unixfs::Stat { mode: None, ..stat };
                let added = self.import.symlink(&path, target, link).await?;
                self.tell(&added).await
            }
            NodeKind::File => {
                let place = entry.abspath.as_deref();
                let place = place.map(|path| path.as_os_str().as_bytes());
                self.file(path, stat, place).await
            }
        }
    }

    fn begin_tree(&mut self, entry: &FileEntry) -> Result<()> {
        let nested = entry.path.contains(&b'/');
        let is_directory = self.plan.wrap || nested || entry.kind == NodeKind::Directory;
        let name = if self.plan.wrap {
            Bytes::new()
        } else {
            first_part(&entry.path)
        };
        // Attributes of a directory that was not sent itself are not known.
        let own = !self.plan.wrap && !nested;
        let (mode, mtime) = if own {
            (entry.mode, entry.mtime)
        } else {
            (None, None)
        };
        if is_directory {
            self.import.begin_tree(self.plan.stat(mode, mtime))?;
        }
        // Events tell the attributes of what was sent, and a wrapper was not.
        let sent = !self.plan.wrap;
        self.tree = Some(Top {
            name,
            is_directory,
            mode: entry.mode.filter(|_| sent),
            mtime: entry.mtime.filter(|_| sent),
        });
        Ok(())
    }

    /// The path below the root of the tree; empty for the root itself.
    fn path_in_tree(&self, path: &Bytes) -> Bytes {
        let within = self.tree.as_ref().is_some_and(|top| top.is_directory);
        match path.iter().position(|b| *b == b'/') {
            _ if self.plan.wrap => path.clone(),
            Some(slash) if within => path.slice(slash + 1..),
            _ => Bytes::new(),
        }
    }

    async fn file(&mut self, path: Bytes, stat: unixfs::Stat, place: Option<&[u8]>) -> Result<()> {
        let name = self.shown(&path);
        let mut file = self.import.file_at(stat, place)?;
        let (mut done, mut told) = (0u64, 0u64);
        let progress = |bytes| AddEvent {
            name: name.clone(),
            bytes,
            ..AddEvent::default()
        };
        while let Some(chunk) = self.files.chunk().await? {
            done += chunk.len() as u64;
            file.write(chunk).await?;
            while let Some(step) = self.plan.progress
                && done - told >= step
            {
                told += step;
                self.out.emit(progress(told)).await?;
            }
        }
        if self.plan.progress.is_some() {
            self.out.emit(progress(done)).await?;
        }
        let added = finish(file, &path, self.plan.wrap).await?;
        self.tell(&added).await
    }

    async fn end_tree(&mut self) -> Result<()> {
        if self.tree.is_none() && !(self.plan.wrap && self.trees == 0) {
            return Ok(());
        }
        self.trees += 1;
        let tree = self.import.end_tree().await?;
        for added in &tree.directories {
            self.emit(added).await?;
        }
        let top = self.tree.take();
        if let Some(to_files) = &mut self.to_files {
            let name = top.as_ref().map(|t| t.name.as_ref()).unwrap_or_default();
            self.unlinked = to_files.link(name, &tree.root.cid).await.err();
        }
        Ok(())
    }

    async fn tell(&self, added: &unixfs::Added) -> Result<()> {
        if self.plan.silent {
            Ok(())
        } else {
            self.emit(added).await
        }
    }

    async fn emit(&self, added: &unixfs::Added) -> Result<()> {
        let top = self.tree.as_ref();
        let mode = top.and_then(|t| t.mode).filter(|m| m.0 != 0);
        let mtime = top.and_then(|t| t.mtime);
        let event = AddEvent {
            name: self.shown_of(added),
            hash: self.cids.write(&added.cid),
            size: added.dag_size.to_string(),
            mode: mode.map(|m| format!("0{:o}", m.0)).unwrap_or_default(),
            mtime: mtime.map_or(0, |m| m.secs),
            mtime_nsecs: mtime.map_or(0, |m| m.nanos),
            ..AddEvent::default()
        };
        self.out.emit(event).await
    }

    fn shown_of(&self, added: &unixfs::Added) -> Name {
        let top = self.tree.as_ref();
        let unnamed = top.is_none_or(|t| !t.is_directory && t.name.is_empty());
        if unnamed && !self.plan.wrap {
            return Name(added.path.clone());
        }
        match top {
            Some(top) if !top.is_directory => Name(top.name.to_vec()),
            _ => self.shown(&added.path),
        }
    }

    /// The name that a user sees for a path in the tree.
    fn shown(&self, path: &[u8]) -> Name {
        let top = self
            .tree
            .as_ref()
            .map(|t| t.name.as_ref())
            .unwrap_or_default();
        Name(match (top, path) {
            (top, b"") => top.to_vec(),
            (b"", path) => path.to_vec(),
            (top, path) => [top, path].join(&b'/'),
        })
    }
}

async fn finish(file: FileImport<'_>, path: &[u8], wrap: bool) -> Result<unixfs::Added> {
    Ok(if path.is_empty() && wrap {
        file.finish_unnamed().await?
    } else {
        file.finish(path).await?
    })
}

fn first_part(path: &Bytes) -> Bytes {
    let end = path.iter().position(|b| *b == b'/').unwrap_or(path.len());
    path.slice(..end)
}
