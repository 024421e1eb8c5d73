use std::sync::Arc;

use basalt_block::Cid;
use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};

use super::{BLOCK, Header, HeaderKind, Times};
use crate::{BlockSource, Entry, Error, File, FileStream, Inode, Mtime, Result, source};

/// No tree that anybody made is deeper.
const MAX_DEPTH: usize = 1024;

/// The file, directory or symlink at `cid` as a tar archive whose only root is `name`.
///
/// What has no modification time gets `now`. Names that would lead out of the root are an error,
/// behind which the stream ends, as it does behind any error.
pub fn archive(
    source: Arc<dyn BlockSource>,
    cid: Cid,
    name: impl Into<Vec<u8>>,
    now: Mtime,
    times: Times,
) -> BoxStream<'static, Result<Bytes>> {
    let packer = Packer::new(source, cid, name, now, times);
    let step = |mut packer: Packer| async {
        let piece = packer.next().await.transpose()?;
        Some((piece, packer))
    };
    stream::unfold(packer, step).boxed()
}

/// A tree on its way into an archive: [`archive`] for those who send it to somebody slow.
pub struct Packer {
    source: Arc<dyn BlockSource>,
    base: Vec<u8>,
    now: Mtime,
    times: Times,
    next: Option<(Vec<u8>, Cid)>,
    open: Vec<(Vec<u8>, BoxStream<'static, Result<Entry>>)>,
    file: Option<Content>,
    ended: bool,
}

struct Content {
    cid: Cid,
    /// `None` until it is read, and after [`Packer::rest`].
    stream: Option<FileStream>,
    size: u64,
    left: u64,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    /// Begins an archive, of what [`archive`] is given.
    pub fn new(
        source: Arc<dyn BlockSource>,
        cid: Cid,
        name: impl Into<Vec<u8>>,
        now: Mtime,
        times: Times,
    ) -> Self {
        let base = name.into();
        Self {
            source,
            next: Some((base.clone(), cid)),
            base,
            now,
            times,
            open: Vec::new(),
            file: None,
            ended: false,
        }
    }

    /// The next piece. The archive ends at the first error.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.ended {
            return Ok(None);
        }
        let piece = self.step().await;
        self.ended = !matches!(piece, Ok(Some(_)));
        Ok(Some(
            piece?.unwrap_or_else(|| Bytes::from_static(&[0; 2 * BLOCK])),
        ))
    }

    /// Forgets what was read of a file, and goes on `unsent` bytes before the end of the last piece.
    /// False, and nothing is forgotten, if those are not bytes of one file.
    pub fn rest(&mut self, unsent: u64) -> bool {
        match &mut self.file {
            Some(file) if unsent <= file.size - file.left => {
                file.left += unsent;
                file.stream = None;
                true
            }
            _ => unsent == 0,
        }
    }

    async fn step(&mut self) -> Result<Option<Bytes>> {
        if let Some(file) = &mut self.file {
            let stream = match &mut file.stream {
                Some(stream) => stream,
                None => {
                    let opened = File::open(self.source.clone(), &file.cid).await?;
                    file.stream
                        .insert(opened.range(file.size - file.left, None))
                }
            };
            if let Some(bytes) = stream.next().await.transpose()? {
                let len = bytes.len() as u64;
                file.left = file
                    .left
                    .checked_sub(len)
                    .ok_or_else(|| file.mismatch(len))?;
                return Ok(Some(bytes));
            }
            if file.left > 0 {
                return Err(file.mismatch(0));
            }
            let pad = file.size.next_multiple_of(BLOCK as u64) - file.size;
            self.file = None;
            if pad > 0 {
                return Ok(Some(Bytes::from_static(&[0; BLOCK]).slice(..pad as usize)));
            }
        }
        loop {
            if let Some((path, cid)) = self.next.take() {
                return self.member(path, cid).await.map(Some);
            }
            let Some((path, entries)) = self.open.last_mut() else {
                return Ok(None);
            };
            match entries.next().await.transpose()? {
                Some(entry) => self.next = Some((join(path, &entry.name), entry.cid)),
                None => drop(self.open.pop()),
            }
        }
    }

    async fn member(&mut self, path: Vec<u8>, cid: Cid) -> Result<Bytes> {
        let path = clean(&path);
        if !path.starts_with(&self.base) || path.starts_with(b"..") {
            return Err(Error::OutsideRoot);
        }
        let block = source::get(&*self.source, &cid).await?;
        let inode = Inode::from_block(self.source.clone(), block).await?;
        let stat = inode.stat();
        let (kind, default_mode) = match inode {
            Inode::File(file) => {
                let (size, stream) = (file.size(), file.stream());
                self.file = Some(Content {
                    cid,
                    stream: Some(stream),
                    size,
                    left: size,
                });
                (HeaderKind::File(size), 0o644)
            }
            Inode::Directory(directory) => {
                if self.open.len() >= MAX_DEPTH {
                    return Err(Error::TooDeep(Box::new(cid)));
                }
                self.open.push((path.clone(), directory.entries()));
                (HeaderKind::Directory, 0o755)
            }
            Inode::Symlink(symlink) => (HeaderKind::Symlink(symlink.target.to_vec()), 0o777),
        };
        let mode = match kind {
            HeaderKind::Symlink(_) => default_mode,
            _ => stat.mode.unwrap_or(default_mode),
        };
        let mtime = stat.mtime.unwrap_or(self.now);
        Ok(Header {
            path,
            kind,
            mode,
            mtime,
        }
        .encode(self.times)?
        .into())
    }
}

impl Content {
    fn mismatch(&self, more: u64) -> Error {
        let found = (self.size - self.left).saturating_add(more);
        Error::SizeMismatch {
            cid: Box::new(self.cid),
            expected: self.size,
            found,
        }
    }
}

/// A path and a name below it, worked out as Go's `path.Join` does.
fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    clean(&[path, name].join(&b'/'))
}

/// The shortest way to write a path.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|b| *b == b'/') {
        match name {
            b"" | b"." => {}
            b".." if names.last().is_some_and(|last| *last != b"..") => drop(names.pop()),
            b".." if rooted => {}
            name => names.push(name),
        }
    }
    let relative = names.join(&b'/');
    match (rooted, relative.is_empty()) {
        (true, _) => [b"/", &relative[..]].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => relative,
    }
}
