//! Many keep-alive connections from one thread, so that 64 clients cost little more than one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::Answer;
use crate::latency::Latencies;

/// Sends `requests` over `connections` at once, each connection one after another, and returns
/// the time of every request (with connecting, where the server had closed). An answer of another
/// status is an error.
pub(crate) fn run(
    address: SocketAddr,
    connections: usize,
    requests: Arc<[Vec<u8>]>,
    status: u16,
    patience: Duration,
) -> Result<Latencies> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..connections {
            tasks.spawn(client(
                address,
                requests.clone(),
                next.clone(),
                status,
                patience,
            ));
        }
        let mut all = Latencies::default();
        while let Some(done) = tasks.join_next().await {
            all.extend(done??);
        }
        Ok(all)
    })
}

async fn client(
    address: SocketAddr,
    requests: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
    status: u16,
    patience: Duration,
) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    let mut buffer = vec![0; 16 << 10];
    let mut stream = None;
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let began = Instant::now();
        let sent = exchange(address, stream.take(), request, status, &mut buffer);
        stream = tokio::time::timeout(patience, sent)
            .await
            .context("no answer in time")??;
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}

async fn exchange(
    address: SocketAddr,
    stream: Option<TcpStream>,
    request: &[u8],
    status: u16,
    buffer: &mut [u8],
) -> Result<Option<TcpStream>> {
    let mut stream = match stream {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            stream
        }
    };
    stream.write_all(request).await?;
    let mut answer = Answer::default();
    while !answer.is_done() {
        match stream.read(buffer).await? {
            0 => answer.end()?,
            read => answer.feed(&buffer[..read], &mut |_, _| {})?,
        }
    }
    if answer.status() != status {
        bail!("a request failed with status {}", answer.status());
    }
    if let Some(error) = answer.stream_error() {
        bail!("an answer ended with an error: {error}");
    }
    Ok((!answer.closes()).then_some(stream))
}
