//! Pings: 32 bytes that the other side sends back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt};
use libp2p::{Stream, StreamProtocol};
use tokio::time::timeout;

use crate::streams::Services;
use crate::{Error, Result};

pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/ipfs/ping/1.0.0");
const SIZE: usize = 32;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a peer may be silent that has opened a stream to ping on.
const SILENT: Duration = Duration::from_secs(60);
/// Streams of pings that are served at a time.
const AT_A_TIME: usize = 512;

/// Answers pings.
pub(crate) fn serve(services: &Services) {
    let echo = Arc::new(|_, stream| async move { echo(stream).await }.boxed());
    services.add(PROTOCOL, AT_A_TIME, echo);
}

async fn echo(mut stream: Stream) {
    let mut bytes = [0; SIZE];
    loop {
        match timeout(SILENT, stream.read_exact(&mut bytes)).await {
            Ok(Ok(())) => {}
            _ => break,
        }
        let answer = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        match timeout(SILENT, answer).await {
            Ok(Ok(())) => {}
            _ => break,
        }
    }
    let _ = timeout(SILENT, stream.close()).await;
}

/// A stream to ping on.
pub struct Pings {
    stream: Stream,
}

impl Pings {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream }
    }

    /// Sends one and waits for it to come back: how long that took.
    ///
    /// # Errors
    /// It did not come back, or changed.
    pub async fn ping(&mut self) -> Result<Duration> {
        let bytes: [u8; SIZE] = rand::random();
        let began = Instant::now();
        let mut came = [0; SIZE];
        let round = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await?;
            self.stream.read_exact(&mut came).await
        };
        match timeout(ANSWER, round).await {
            Ok(Ok(())) if came == bytes => Ok(began.elapsed()),
            Ok(Ok(())) => Err(Error::Stream("ping packet was incorrect".to_owned())),
            Ok(Err(error)) => Err(Error::Stream(error.to_string())),
            Err(_) => Err(Error::Stream("context deadline exceeded".to_owned())),
        }
    }
}
