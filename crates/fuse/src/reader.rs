//! Reading open files.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use basalt::unixfs::{File, FileStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::errno::{Answer, of_unixfs};

/// Files that are read ahead at a time, about 2 MiB each; others are read piece by piece.
const STREAMS: usize = 32;
static FREE: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(STREAMS)));

/// So many pieces in a row that are not the next one, and reading ahead begins anew.
const MISSES: u32 = 3;

/// Reads pieces of a file; those that follow one another come from one stream, which fetches ahead.
#[derive(Default)]
pub(crate) struct Reader(Mutex<State>);

#[derive(Default)]
struct State {
    stream: Option<Ahead>,
    misses: u32,
}

struct Ahead {
    file: File,
    at: u64,
    stream: FileStream,
    pieces: VecDeque<Bytes>,
    _turn: OwnedSemaphorePermit,
}

impl Reader {
    /// `len` bytes of a file from `offset` on, or fewer at its end.
    pub(crate) async fn read(&self, file: &File, offset: u64, len: usize) -> Answer<Bytes> {
        let left = file.size().saturating_sub(offset);
        let len = len.min(usize::try_from(left).unwrap_or(usize::MAX));
        if len == 0 {
            return Ok(Bytes::new());
        }
        // Held while blocks are fetched: pieces that follow one another are read in their order.
        let mut state = self.0.lock().await;
        let same = |ahead: &Ahead| ahead.at == offset && ahead.file.cid() == file.cid();
        if !state.stream.as_ref().is_some_and(same) {
            state.misses += 1;
            let first = state.stream.is_none();
            if (first && offset == 0) || state.misses >= MISSES {
                state.stream = None;
                state.stream = Ahead::begin(file, offset);
                state.misses = 0;
            }
        }
        match state.stream.take() {
            Some(mut ahead) if same(&ahead) => {
                let bytes = ahead.take(len).await?;
                if ahead.at < file.size() {
                    state.stream = Some(ahead);
                }
                Ok(bytes)
            }
            other => {
                state.stream = other;
                drop(state);
                let one = file.clone().read_ahead(0);
                collect(&mut one.range(offset, Some(len as u64)), len).await
            }
        }
    }
}

impl Ahead {
    fn begin(file: &File, offset: u64) -> Option<Self> {
        let turn = FREE.clone().try_acquire_owned().ok()?;
        Some(Self {
            at: offset,
            stream: file.range(offset, None),
            file: file.clone(),
            pieces: VecDeque::new(),
            _turn: turn,
        })
    }

    async fn take(&mut self, len: usize) -> Answer<Bytes> {
        let mut have: usize = self.pieces.iter().map(Bytes::len).sum();
        while have < len {
            match self.stream.next().await {
                None => break,
                Some(piece) => {
                    let piece = piece.map_err(|e| of_unixfs(&e))?;
                    have += piece.len();
                    self.pieces.push_back(piece);
                }
            }
        }
        let mut left = len.min(have);
        self.at += left as u64;
        let mut taken: Vec<Bytes> = Vec::new();
        while left > 0
            && let Some(mut piece) = self.pieces.pop_front()
        {
            let part = piece.split_to(left.min(piece.len()));
            left -= part.len();
            if !piece.is_empty() {
                self.pieces.push_front(piece);
            }
            taken.push(part);
        }
        Ok(joined(taken))
    }
}

async fn collect(stream: &mut FileStream, len: usize) -> Answer<Bytes> {
    let mut taken = Vec::new();
    let mut have = 0;
    while have < len {
        let Some(piece) = stream.next().await else {
            break;
        };
        let piece = piece.map_err(|e| of_unixfs(&e))?;
        have += piece.len();
        taken.push(piece);
    }
    Ok(joined(taken))
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        1 => pieces.remove(0),
        _ => {
            let mut all = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
            for piece in pieces {
                all.extend_from_slice(&piece);
            }
            all.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt::Node;
    use basalt::unixfs::{FileBuilder, FileOptions};

    #[tokio::test]
    async fn pieces_in_any_order_are_those_of_the_file() {
        let node = Node::builder().open().await.unwrap();
        let content: Vec<u8> = (0..1_500_000u32).map(|i| (i / 7) as u8).collect();
        let sink = Arc::new(node.blocks().store().clone());
        let mut builder = FileBuilder::new(FileOptions::default(), sink).unwrap();
        builder.write(content.clone().into()).await.unwrap();
        let cid = builder.finish().await.unwrap().cid;
        let file = File::open(node.unixfs_source(true), &cid).await.unwrap();
        let reader = Reader::default();
        let piece = 131_072;
        let mut places: Vec<usize> = (0..content.len()).step_by(piece).collect();
        // In order, with neighbours exchanged, backwards, and not on any border.
        let mut all = places.clone();
        for pair in places.chunks_exact_mut(2) {
            pair.swap(0, 1);
        }
        all.extend(&places);
        all.extend(places.iter().rev());
        all.extend([1, 700_001, 700_001 + piece, 1_499_999, 1_500_000, 9_999_999]);
        for at in all {
            let got = reader.read(&file, at as u64, piece).await.unwrap();
            let end = content.len().min(at + piece);
            assert_eq!(got, content[at.min(end)..end], "{at}");
        }
    }
}
