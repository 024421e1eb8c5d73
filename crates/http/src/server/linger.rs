//! What is left of a request when its answer is sent.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use crate::reader::{MAX_SKIPPED, SharedReader};
use crate::writer::SharedWriter;

/// How long that may take.
const SKIP_TIME: Duration = Duration::from_secs(5);
/// How long a closing connection is read, for a system that meets unread bytes resets it and takes
/// the answer away from the client.
const LINGER: Duration = Duration::from_millis(500);

/// Reads what the handler left of the body; whether the next request can be read.
pub(super) async fn skip_body(reader: &SharedReader) -> bool {
    if reader.lock().body_done() {
        return true;
    }
    let mut left = MAX_SKIPPED;
    let skip = poll_fn(|cx| {
        loop {
            let mut reader = reader.lock();
            let before = reader.buf.len();
            if reader.skip_buffered() {
                return Poll::Ready(true);
            }
            left = left.saturating_sub(before - reader.buf.len());
            if left == 0 {
                return Poll::Ready(false);
            }
            match reader.poll_fill(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
        }
    });
    tokio::time::timeout(SKIP_TIME, skip).await.unwrap_or(false)
}

/// Closes the writing side, then reads for a moment what still comes.
pub(super) async fn close(reader: &SharedReader, writer: &SharedWriter) {
    let over = poll_fn(|cx| {
        let mut writer = writer.lock();
        writer.enter(cx);
        match writer.poll_drain(cx) {
            Poll::Ready(Ok(())) => writer.poll_shutdown(cx),
            other => other,
        }
    });
    let eof = async {
        if over.await.is_err() || reader.lock().all_read() {
            return;
        }
        poll_fn(|cx| {
            let mut reader = reader.lock();
            loop {
                reader.buf.clear();
                match reader.poll_fill(cx) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    };
    let _ = tokio::time::timeout(LINGER, eof).await;
}
