//! The server: answers of this node's routing for clients that have none of their own.

mod answers;
mod asked;
mod metrics;
mod names;
mod search;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt_block::Cid;
use basalt_http::metrics::Exposition;
use basalt_http::{Headers, Request, Responder, mux, query};
use basalt_ipns::{Name, Record};
use basalt_routing::PeerInfo;
use bytes::Bytes;
use libp2p_identity::PeerId;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use crate::announcement::{Announcement, Given};
use crate::{Filters, Listing, PeerRecord};
use answers::Answers;
#[cfg(feature = "fuzzing")]
pub use asked::fuzzing;
use asked::{Asked, Route, key_of, peer_of, route, wants_lines};
use metrics::Metrics;
use search::Search;

/// What the paths of requests begin with.
pub const PREFIX: &str = "/routing/v1/";

/// How long routing may take for one answer.
const TIME: Duration = Duration::from_secs(30);
/// Requests that are answered at a time; each may be a lookup in the DHT.
const AT_A_TIME: usize = 512;
/// Records of an answer that is sent whole, and of one that is sent line by line.
const RECORDS: (usize, usize) = (20, 10_000);
/// Bytes of an announcement.
const ANNOUNCEMENT: usize = 1 << 20;

/// What the server asks.
#[async_trait]
pub trait Router: Send + Sync + 'static {
    /// Gives who has a block, as they are found, until all are or nobody listens.
    async fn providers(&self, cid: &Cid, out: mpsc::Sender<PeerInfo>);

    /// Where a peer is, if that is known.
    async fn peer(&self, peer: PeerId) -> Option<PeerInfo>;

    /// The best record of a name.
    ///
    /// # Errors
    /// Why it is not known whether there is one.
    async fn record(&self, name: &Name) -> Result<Option<Bytes>, String>;

    /// Keeps a valid record of a name, durably, and gives it to others.
    ///
    /// # Errors
    /// It is not kept.
    async fn put_record(&self, name: &Name, record: &Record) -> Result<(), String>;

    /// The peers of the internet's DHT that are nearest to a multihash.
    ///
    /// # Errors
    /// There is no DHT, or nobody to ask.
    async fn closest_peers(&self, multihash: &[u8]) -> Result<Vec<PeerInfo>, String>;
}

/// Answers requests under [`PREFIX`]; cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    router: Arc<dyn Router>,
    places: Semaphore,
    metrics: Metrics,
}

impl Server {
    /// A server that knows what `router` does.
    pub fn new(router: Arc<dyn Router>) -> Self {
        Self(Arc::new(Inner {
            router,
            places: Semaphore::new(AT_A_TIME),
            metrics: Metrics::default(),
        }))
    }

    /// Writes what the server has done so far.
    pub fn write_metrics(&self, out: &mut Exposition) {
        self.0.metrics.write(out);
    }

    /// Answers a request; every answer has the fields `common`.
    ///
    /// # Errors
    /// When the answer could not be sent whole.
    pub async fn answer(
        &self,
        mut request: Request,
        common: &Headers,
        mut responder: Responder,
    ) -> basalt_http::Result<()> {
        let path = query::unescape_path(request.path().as_bytes()).unwrap_or_default();
        let path = String::from_utf8_lossy(&path).into_owned();
        let asked = match route(&request.method, &path) {
            Route::Asked(asked) => asked,
            Route::WrongMethod if request.method == "HEAD" => {
                responder.head(405, common)?;
                return responder.finish(None);
            }
            Route::WrongMethod => return responder.full(405, common, ""),
            Route::Nothing => {
                return mux::plain(responder, 404, common.clone(), "404 page not found");
            }
        };
        let answers = Answers::new(common.clone(), responder);
        let Ok(_place) = self.0.places.try_acquire() else {
            return answers.crowded();
        };
        let counted = self.0.metrics.begin(&asked, answers.tally());
        let sent = self.serve(asked, &mut request, answers).await;
        counted.end();
        sent
    }

    async fn serve(
        &self,
        asked: Asked,
        request: &mut Request,
        answers: Answers,
    ) -> basalt_http::Result<()> {
        let accepts: Vec<Vec<u8>> = request.headers.all("Accept").map(<[u8]>::to_vec).collect();
        let lines = || wants_lines(&accepts);
        let filters = || {
            let pairs = query::parse(request.query());
            let value = |name: &str| {
                let first = pairs.iter().find(|(have, _)| have == name);
                first.map_or("", |(_, value)| value)
            };
            Filters::new(value("filter-addrs"), value("filter-protocols"))
        };
        match asked {
            Asked::Providers(cid) => {
                let cid = match basalt_block::parse_cid(&cid) {
                    Ok((cid, _)) => cid,
                    Err(why) => return answers.wrong(format!("unable to parse CID: {why}")),
                };
                match lines() {
                    Ok(lines) => self.providers(cid, &filters(), lines, answers).await,
                    Err(why) => answers.wrong(why),
                }
            }
            Asked::Peer(text) => {
                let peer = match peer_of(&text) {
                    Ok(peer) => peer,
                    Err(why) => return answers.wrong(why),
                };
                match lines() {
                    Ok(lines) => self.peer(peer, &filters(), lines, answers).await,
                    Err(why) => answers.wrong(why),
                }
            }
            Asked::Closest(text) => {
                let key = match key_of(&text) {
                    Ok(key) => key,
                    Err(why) => return answers.wrong(why),
                };
                match lines() {
                    Ok(lines) => self.closest(&key, lines, answers).await,
                    Err(why) => answers.wrong(why),
                }
            }
            Asked::Name(cid) => self.name(&cid, request, answers).await,
            Asked::PutName(cid) => self.put_name(&cid, request, answers).await,
            Asked::Announce => Self::announced(request, answers).await,
        }
    }

    async fn providers(
        &self,
        cid: Cid,
        filters: &Filters,
        lines: bool,
        answers: Answers,
    ) -> basalt_http::Result<()> {
        let (out, found) = mpsc::channel(16);
        let search = self.0.router.providers(&cid, out);
        let mut search = Search::new(search, found, Instant::now() + TIME);
        let mut next = async || {
            while let Some(peer) = search.next().await {
                if let Some(record) = filters.apply(peer.into()) {
                    return Some(record);
                }
            }
            None
        };
        if !lines {
            let mut records = Vec::new();
            while records.len() < RECORDS.0
                && let Some(record) = next().await
            {
                records.push(record);
            }
            return answers.whole(Listing::Providers, &records);
        }
        let mut answer = answers.lines(Listing::Providers);
        for _ in 0..RECORDS.1 {
            let Some(record) = next().await else {
                break;
            };
            answer.record(&record).await?;
        }
        answer.end()
    }

    async fn peer(
        &self,
        peer: Option<PeerId>,
        filters: &Filters,
        lines: bool,
        answers: Answers,
    ) -> basalt_http::Result<()> {
        let found = match peer {
            Some(peer) => timeout_at(Instant::now() + TIME, self.0.router.peer(peer)).await,
            // Nobody has such a peer ID.
            None => Ok(None),
        };
        let Ok(found) = found else {
            return answers.too_late();
        };
        let found = found.and_then(|peer| filters.apply(peer.into()));
        let records: Vec<PeerRecord> = found.into_iter().collect();
        answers.listed(Listing::Peers, &records, lines).await
    }

    async fn closest(
        &self,
        multihash: &[u8],
        lines: bool,
        answers: Answers,
    ) -> basalt_http::Result<()> {
        let search = self.0.router.closest_peers(multihash);
        match timeout_at(Instant::now() + TIME, search).await {
            Ok(Ok(found)) => {
                let records: Vec<PeerRecord> = found.into_iter().map(Into::into).collect();
                answers.listed(Listing::Closest, &records, lines).await
            }
            Ok(Err(why)) => answers.failed(&why),
            Err(_) => answers.too_late(),
        }
    }

    /// Announcements are read, and refused: as in Kubo, there is nowhere to keep them.
    async fn announced(request: &mut Request, answers: Answers) -> basalt_http::Result<()> {
        let given = match request.body.all(ANNOUNCEMENT).await {
            Ok(body) => Announcement::read(&body).map_err(|e| e.to_string()),
            Err(error @ basalt_http::Error::TooLarge { .. }) => Err(error.to_string()),
            Err(error) => return Err(error),
        };
        match given.map(|given| given.into_iter().next()) {
            Ok(None) => answers.no_results(),
            Ok(Some(Given::Announcement(_))) => {
                answers.failed(&basalt_routing::Error::NotSupported.to_string())
            }
            Ok(Some(Given::Forged)) => answers.refused(403, "signature verification failed"),
            Ok(Some(Given::Other)) => answers.wrong("provider record 0 is not bitswap".to_owned()),
            Err(why) => answers.wrong(format!("invalid request: {why}")),
        }
    }
}
