//! What the command line does with the archive: files on disk, or the archive itself.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use basalt::unixfs::tar::{Archive, Extractor, Member};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Options, last_name};
use crate::commands::support::human_bytes;
use crate::{Error, Events, Out, Result, Terminal, View, go_error};

/// Pieces on their way to the disk.
const WAITING: usize = 16;
/// How often progress is shown.
const EVERY: Duration = Duration::from_millis(100);
/// The first member's header is in so many bytes, unless its name is very long.
const HEADER: usize = 4 << 10;

pub(super) async fn save(
    view: &View<Options>,
    events: Events<()>,
    term: &mut Terminal,
) -> Result<()> {
    let options = &view.options;
    let compressed = options.level()?.is_some();
    let mut incoming = Incoming {
        events,
        total: 0,
        first: Some(Bytes::new()),
    };
    // What cannot be had at all is told before anything is written.
    incoming.begin().await?;
    let output = match options.output.as_deref() {
        Some(output) if !output.is_empty() => PathBuf::from(output),
        _ => match view.meta.args.first() {
            Some(path) => default_output(path),
            None => incoming.root_name().await?,
        },
    };
    let wanted = options.progress.unwrap_or(term.err_is_terminal);
    let mut progress = Progress {
        wanted,
        total: incoming.total,
        shown: None,
    };
    let done = if options.archive || compressed {
        let output = archive_name(output, options.archive, compressed);
        to_archive(incoming, &output, &mut progress, term).await
    } else {
        to_files(incoming, &output, &mut progress, term).await
    };
    if progress.shown.is_some() {
        term.clear_progress()?;
    }
    term.out.flush()?;
    done
}

/// Where to write what the path `given` leads to.
fn default_output(given: &str) -> PathBuf {
    // A path that ends in dots is worked out first, so that they lead nowhere on disk.
    let path = basalt::ipld::Path::parse_argument(given);
    let path = path.map_or_else(
        |_| given.as_bytes().to_vec(),
        |path| path.as_bytes().to_vec(),
    );
    match last_name(&path) {
        b"" => PathBuf::from("."),
        name => PathBuf::from(OsString::from_vec(name.to_vec())),
    }
}

fn archive_name(output: PathBuf, archive: bool, compressed: bool) -> PathBuf {
    let mut name = output.into_os_string();
    let ends = |name: &OsString, end: &[u8]| name.as_bytes().ends_with(end);
    if archive && !ends(&name, b".tar") && !ends(&name, b".tar.gz") {
        name.push(".tar");
    }
    if compressed && !ends(&name, b".gz") {
        name.push(".gz");
    }
    name.into()
}

fn say(term: &mut Terminal, what: &str, output: &Path) -> Result<()> {
    term.out.write_all(what.as_bytes())?;
    term.out.write_all(output.as_os_str().as_bytes())?;
    term.out.write_all(b"\n")?;
    Ok(term.out.flush()?)
}

/// The bytes of the answer.
struct Incoming {
    events: Events<()>,
    total: u64,
    first: Option<Bytes>,
}

impl Incoming {
    async fn begin(&mut self) -> Result<()> {
        self.first = self.receive().await?;
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.events.next().await? {
                Some(Out::Bytes(bytes)) => return Ok(Some(bytes)),
                Some(Out::Length(total)) => self.total = total,
                Some(Out::Event(())) => {}
                None => return Ok(None),
            }
        }
    }

    /// The name of the archive's root: the path's last name, where the path is known to the node
    /// alone.
    async fn root_name(&mut self) -> Result<PathBuf> {
        let mut begin = self.first.take().unwrap_or_default().to_vec();
        while begin.len() < HEADER {
            match self.receive().await? {
                Some(bytes) => begin.extend_from_slice(&bytes),
                None => break,
            }
        }
        let member = Archive::new(&begin[..]).next_member();
        self.first = Some(begin.into());
        match member {
            Ok(Some(Member::Known(header)))
                if !header.path.contains(&b'/')
                    && !matches!(&header.path[..], b"" | b"." | b"..") =>
            {
                Ok(OsString::from_vec(header.path).into())
            }
            _ => Err(Error::new("where to write is not known: give --output")),
        }
    }
}

struct Progress {
    wanted: bool,
    total: u64,
    shown: Option<Instant>,
}

impl Progress {
    fn show(&mut self, done: u64, term: &mut Terminal) -> Result<()> {
        if self.wanted && self.shown.is_none_or(|at| at.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            let percent = done.saturating_mul(100) / self.total.max(1);
            let (done, total) = (human_bytes(done), human_bytes(self.total));
            term.progress(&format!("{done} / {total}  {} %", percent.min(100)))?;
        }
        Ok(())
    }
}

async fn to_archive(
    mut incoming: Incoming,
    output: &Path,
    progress: &mut Progress,
    term: &mut Terminal,
) -> Result<()> {
    let failed = |e: io::Error| Error::new(go_error("open", output, &e));
    let file = File::create(output).map_err(failed)?;
    say(term, "Saving archive to ", output)?;
    let mut file = tokio::fs::File::from_std(file);
    let failed = |e: io::Error| Error::new(go_error("write", output, &e));
    let mut done = 0;
    while let Some(piece) = incoming.next().await? {
        tokio::io::AsyncWriteExt::write_all(&mut file, &piece)
            .await
            .map_err(failed)?;
        done += piece.len() as u64;
        progress.show(done, term)?;
    }
    tokio::io::AsyncWriteExt::flush(&mut file)
        .await
        .map_err(failed)
}

async fn to_files(
    mut incoming: Incoming,
    output: &Path,
    progress: &mut Progress,
    term: &mut Terminal,
) -> Result<()> {
    say(term, "Saving file(s) to ", output)?;
    let (tx, rx) = mpsc::channel(WAITING);
    let written = Arc::new(AtomicU64::new(0));
    let (count, to) = (written.clone(), output.to_owned());
    let unpacking = tokio::task::spawn_blocking(move || {
        let extractor = Extractor::new(to).progress(move |bytes| {
            count.fetch_add(bytes, Relaxed);
        });
        extractor.extract(Pieces {
            rx,
            piece: Bytes::new(),
        })
    });
    let mut unpacked = false;
    let received = loop {
        match incoming.next().await {
            Ok(Some(piece)) if unpacked => drop(piece),
            Ok(Some(piece)) => {
                // Nobody takes more: either all is unpacked, or something is wrong.
                unpacked = tx.send(Ok(piece)).await.is_err();
                if unpacked && !unpacking.is_finished() {
                    tokio::task::yield_now().await;
                }
                progress.show(written.load(Relaxed), term)?;
            }
            Ok(None) => break Ok(()),
            Err(error) => {
                let cut = io::Error::new(io::ErrorKind::UnexpectedEof, error.message.clone());
                // The extractor may have ended already.
                let _ = tx.send(Err(cut)).await;
                break Err(error);
            }
        }
    };
    drop(tx);
    let unpacked = unpacking.await.map_err(|e| Error::new(e.to_string()))?;
    received?;
    unpacked.map_err(|e| Error::new(e.to_string()))
}

/// What comes, for a reader that blocks.
struct Pieces {
    rx: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.rx.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let len = self.piece.len().min(out.len());
        out[..len].copy_from_slice(&self.piece.split_to(len));
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_after_paths() {
        let cid = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o";
        for (path, name) in [
            (cid.to_owned(), cid),
            (format!("/ipfs/{cid}/a/b.txt//"), "b.txt"),
            (format!("ipfs://{cid}"), cid),
            (format!("/ipfs/{cid}/a/.."), cid),
            (format!("/ipfs/{cid}/../{cid}/x/."), "x"),
        ] {
            assert_eq!(default_output(&path), PathBuf::from(name), "{path}");
        }
    }

    #[test]
    fn archives_get_their_endings() {
        for (name, archive, compressed, expected) in [
            ("x", true, false, "x.tar"),
            ("x", true, true, "x.tar.gz"),
            ("x", false, true, "x.gz"),
            ("x.tar", true, true, "x.tar.gz"),
            ("x.tar.gz", true, true, "x.tar.gz"),
            ("x.tar.gz", true, false, "x.tar.gz"),
            ("x.gz", true, true, "x.gz.tar.gz"),
        ] {
            assert_eq!(
                archive_name(name.into(), archive, compressed),
                PathBuf::from(expected)
            );
        }
    }
}
