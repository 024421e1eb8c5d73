//! What a running command sends, and what its front door receives.

use std::any::Any;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Error, Result};

/// One piece of a command's output.
pub enum Frame {
    /// One of a stream of events.
    Event(Box<dyn Any + Send>),
    /// The only event there is.
    Single(Box<dyn Any + Send>),
    /// Bytes as they are.
    Bytes(Bytes),
    /// How many bytes will follow, for progress.
    Length(u64),
    /// The media type of the bytes that follow.
    ContentType(&'static str),
}

type Sent = Result<Option<Frame>>;

/// Where a command writes. Bounded: a slow reader slows the command down.
pub struct Output<E> {
    tx: mpsc::Sender<Sent>,
    event: PhantomData<fn(E)>,
}

impl<E> Clone for Output<E> {
    fn clone(&self) -> Self {
        Self {
            tx: self.tx.clone(),
            event: PhantomData,
        }
    }
}

impl<E: Send + 'static> Output<E> {
    async fn send(&self, frame: Frame) -> Result<()> {
        self.tx
            .send(Ok(Some(frame)))
            .await
            .map_err(|_| Error::new("canceled"))
    }

    /// Sends one of a stream of events.
    pub async fn emit(&self, event: E) -> Result<()> {
        self.send(Frame::Event(Box::new(event))).await
    }

    /// Sends the only event there is.
    pub async fn once(&self, event: E) -> Result<()> {
        self.send(Frame::Single(Box::new(event))).await
    }

    /// Sends bytes.
    pub async fn bytes(&self, bytes: Bytes) -> Result<()> {
        self.send(Frame::Bytes(bytes)).await
    }

    /// Announces how many bytes will follow.
    pub async fn length(&self, length: u64) -> Result<()> {
        self.send(Frame::Length(length)).await
    }

    /// Announces the media type of the bytes that follow.
    pub async fn content_type(&self, media_type: &'static str) -> Result<()> {
        self.send(Frame::ContentType(media_type)).await
    }

    /// Resolves when nobody reads the output any more.
    pub async fn closed(&self) {
        self.tx.closed().await;
    }
}

/// A running command, read frame by frame. It runs while it is read; dropping it ends it.
pub struct Reply {
    rx: mpsc::Receiver<Sent>,
    running: Running,
}

enum Running {
    /// A command of this process, which makes its way when a frame is asked for.
    Here(BoxFuture<'static, Result<()>>),
    /// A task that sends the frames and the end.
    There(JoinHandle<()>),
    /// All that is left is the end.
    Ending(Result<()>),
    Ended,
}

/// Frames that may wait for a reader.
const WAITING: usize = 32;

impl Reply {
    /// Runs a command whose output is read from the reply.
    pub(crate) fn start<E, F, Fut>(run: F) -> Self
    where
        E: Send + 'static,
        F: FnOnce(Output<E>) -> Fut,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let (tx, rx) = mpsc::channel(WAITING);
        let running = AssertUnwindSafe(run(Output {
            tx,
            event: PhantomData,
        }))
        .catch_unwind();
        // A command that panics has a bug; its request fails, and nothing else does.
        let running =
            running.map(|end| end.unwrap_or_else(|_| Err(Error::new("an error occurred"))));
        Self {
            rx,
            running: Running::Here(running.boxed()),
        }
    }

    /// A reply that another process computes: `task` sends the frames and their end to `rx`.
    pub fn remote(rx: mpsc::Receiver<Result<Option<Frame>>>, task: JoinHandle<()>) -> Self {
        Self {
            rx,
            running: Running::There(task),
        }
    }

    /// The next frame; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Frame>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Sent> {
        if let Poll::Ready(Some(sent)) = self.rx.poll_recv(cx) {
            return Poll::Ready(self.note_end(sent));
        }
        if let Running::Here(running) = &mut self.running
            && let Poll::Ready(end) = running.as_mut().poll(cx)
        {
            self.running = Running::Ending(end);
        }
        // It may have sent something. Asked once only: a channel that is not empty answers
        // `Pending` all the same when the task has used up its share of the thread.
        match self.rx.poll_recv(cx) {
            Poll::Ready(Some(sent)) => Poll::Ready(self.note_end(sent)),
            // A command may let go of its output before it ends.
            Poll::Ready(None) if !matches!(self.running, Running::Here(_)) => {
                Poll::Ready(self.end())
            }
            _ => Poll::Pending,
        }
    }

    fn note_end(&mut self, sent: Sent) -> Sent {
        if !matches!(sent, Ok(Some(_))) {
            self.running = Running::Ended;
        }
        sent
    }

    fn end(&mut self) -> Sent {
        match std::mem::replace(&mut self.running, Running::Ended) {
            Running::Ending(end) => end.map(|()| None),
            // The task is gone without a word.
            Running::There(_) => Err(Error::new("an error occurred")),
            Running::Here(_) | Running::Ended => Ok(None),
        }
    }

    /// A frame that is there already, without waiting.
    pub fn try_next(&mut self) -> Option<Result<Option<Frame>>> {
        let sent = self.rx.try_recv().ok()?;
        Some(self.note_end(sent))
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Running::There(task) = &self.running {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More frames than fit the channel and than one turn of a task may take.
    #[tokio::test]
    async fn a_long_reply_is_read_to_its_end() {
        let mut reply = Reply::start(|out: Output<u32>| async move {
            for n in 0..10_000 {
                out.emit(n).await?;
            }
            Err(Error::new("the end"))
        });
        let mut seen = 0;
        let end = loop {
            match reply.next().await {
                Ok(Some(_)) => seen += 1,
                end => break end,
            }
        };
        assert_eq!(
            (seen, end.err().map(|e| e.message)),
            (10_000, Some("the end".to_owned()))
        );
        assert!(matches!(reply.next().await, Ok(None)));
    }

    #[tokio::test]
    async fn a_command_that_panics_fails_its_request() {
        let mut reply = Reply::start(|_: Output<()>| async { panic!("a bug") });
        assert!(reply.next().await.is_err());
    }
}
