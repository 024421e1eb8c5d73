use bytes::Bytes;
use tokio::sync::mpsc;

use super::whole_file;
use crate::files::{Files, NodeKind};
use crate::{Error, Result};

/// Files that wait to be stored, and their bytes.
const WAITING: usize = 64;
/// The most that one batch holds, in bytes.
const BATCH_BYTES: usize = 4 << 20;

/// Small files, read ahead while earlier ones are being stored.
pub(crate) struct Incoming {
    rx: mpsc::Receiver<Result<Bytes>>,
    task: tokio::task::JoinHandle<()>,
}

/// Reads files whole, each of at most `most` bytes.
pub(crate) fn incoming(mut files: Box<dyn Files>, most: usize, over: &'static str) -> Incoming {
    let (tx, rx) = mpsc::channel(WAITING);
    let task = tokio::spawn(async move {
        loop {
            let sent = match files.next().await {
                Ok(None) => return,
                Ok(Some(entry)) if entry.kind != NodeKind::File => {
                    Err(Error::new("expected a file"))
                }
                Ok(Some(_)) => whole_file(&mut *files, most, over).await,
                Err(error) => Err(error),
            };
            let failed = sent.is_err();
            if tx.send(sent).await.is_err() || failed {
                return;
            }
        }
    });
    Incoming { rx, task }
}

impl Incoming {
    /// What has come by now, at least one file; nothing at the end. One sync makes a batch
    /// durable: a client that waits for each answer has it at once, one that does not gets many.
    pub(crate) async fn batch(&mut self) -> Result<Vec<Bytes>> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let Some(first) = self.rx.recv().await else {
            return Ok(batch);
        };
        let mut next = Some(first);
        while let Some(file) = next {
            match file {
                Ok(file) => {
                    bytes += file.len();
                    batch.push(file);
                }
                Err(error) if batch.is_empty() => return Err(error),
                // What came before is stored first; the error comes again.
                Err(error) => {
                    let (tx, rx) = mpsc::channel(1);
                    let _ = tx.try_send(Err(error));
                    self.rx = rx;
                    break;
                }
            }
            if bytes >= BATCH_BYTES {
                break;
            }
            next = self.rx.try_recv().ok();
        }
        Ok(batch)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.task.abort();
    }
}
