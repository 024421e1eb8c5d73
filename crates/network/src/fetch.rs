//! The fetch protocol: a peer is asked what it has under a key.
//! <https://github.com/libp2p/specs/tree/master/fetch>

use std::sync::Arc;
use std::time::Duration;

use basalt_routing::{FetchAnswer, fetch_question, read_fetch_question};
use bytes::Bytes;
use futures::AsyncWriteExt;
use futures::future::BoxFuture;
use libp2p::{PeerId, Stream, StreamProtocol};
use tokio::time::timeout;

use crate::dht::frame::{read_frame, write_frame};
use crate::{Error, Handle, Result};

const PROTOCOL: StreamProtocol = StreamProtocol::new("/libp2p/fetch/0.0.1");
/// Bytes of an answer, at most; as Kubo.
const MOST: usize = 1 << 20;
/// Bytes of a question, at most: a name is short.
const QUESTION: usize = 4 << 10;
/// Questions that are answered at a time.
const AT_A_TIME: usize = 64;
/// How long a question and its answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Gives what is under a key.
pub type Lookup = Arc<dyn Fn(Bytes) -> BoxFuture<'static, Option<Bytes>> + Send + Sync>;

impl Handle {
    /// Asks a peer for what it has under a key; `None` if it has nothing there.
    ///
    /// # Errors
    /// The peer cannot be reached, does not speak the protocol, or says nothing that can be read.
    pub async fn fetch(&self, peer: PeerId, key: &[u8]) -> Result<Option<Bytes>> {
        let asking = async {
            let (mut stream, _) = self.open(peer, vec![PROTOCOL]).await?;
            let asked = async {
                write_frame(&mut stream, &fetch_question(key)).await?;
                stream.close().await?;
                read_frame(&mut stream, MOST).await
            };
            let answer = asked.await.map_err(|e| Error::Stream(e.to_string()))?;
            let answer = answer.ok_or_else(|| Error::Stream("no answer".to_owned()))?;
            match FetchAnswer::decode(&answer) {
                Ok(FetchAnswer::Found(value)) => Ok(Some(value)),
                Ok(FetchAnswer::NotFound) => Ok(None),
                Ok(FetchAnswer::Failed) => Err(Error::Stream("the peer has failed".to_owned())),
                Err(error) => Err(Error::Stream(error.to_string())),
            }
        };
        match timeout(PATIENCE, asking).await {
            Ok(answered) => answered,
            Err(_) => Err(Error::Stream("no answer in time".to_owned())),
        }
    }

    /// Answers peers from now on.
    ///
    /// # Errors
    /// The network has been stopped.
    pub async fn serve_fetch(&self, lookup: Lookup) -> Result<()> {
        self.call(move |service| {
            let serve = move |peer, stream| -> BoxFuture<'static, ()> {
                Box::pin(serve(lookup.clone(), peer, stream))
            };
            let services = service.swarm.behaviour().streams.services();
            services.add(PROTOCOL, AT_A_TIME, Arc::new(serve));
        })
        .await
    }
}

async fn serve(lookup: Lookup, peer: PeerId, mut stream: Stream) {
    let served = async {
        let Some(question) = read_frame(&mut stream, QUESTION).await? else {
            return Ok(());
        };
        let key = read_fetch_question(&question).map_err(std::io::Error::other)?;
        let answer = match lookup(key).await {
            Some(value) => FetchAnswer::Found(value),
            None => FetchAnswer::NotFound,
        };
        write_frame(&mut stream, &answer.encode()).await?;
        stream.close().await
    };
    let ended: std::io::Result<()> = match timeout(PATIENCE, served).await {
        Ok(ended) => ended,
        Err(late) => Err(late.into()),
    };
    if let Err(error) = ended {
        tracing::debug!(target: "basalt::network", %peer, %error, "a fetch was not answered");
    }
}
