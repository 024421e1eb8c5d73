//! One server: its connections, and how it behaves.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use basalt_block::Cid;
use basalt_http::{Answer, Client, Error, Headers, Kept, Trust};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::ask::{self, RAW, Said};
use crate::report::{Failure, Totals};
use crate::{Options, Server, ServerReport};

/// Requests to one server at a time, and connections that are kept to it.
pub(crate) const AT_ONCE: usize = 8;
/// How long a connection is kept that nothing is asked over.
const KEPT: Duration = Duration::from_secs(30);
/// How long an answer may take, with its body.
const TIME: Duration = Duration::from_secs(30);
/// How long the answer to a probe may take.
const PROBE_TIME: Duration = Duration::from_secs(10);
/// Bytes of the body of a probe.
const PROBE_BODY: usize = 4 << 10;
/// A server that failed so often in a row is left alone.
const FAILURES: u32 = 3;
/// For how long at first; doubled each time.
const DOWN: Duration = Duration::from_secs(30);
const LONGEST_DOWN: Duration = Duration::from_secs(30 * 60);

/// What all servers share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// How many requests may be made at this time.
    pub(crate) workers: Semaphore,
    totals: Mutex<Totals>,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            workers: Semaphore::new(options.workers.max(1)),
            options,
            totals: Mutex::default(),
        }
    }

    pub(crate) fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server that blocks are asked of.
pub(crate) struct Site {
    server: Server,
    client: Client,
    room: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<(Instant, Kept)>,
    /// Failures in a row.
    failures: u32,
    /// How often it was left alone for failing.
    downs: u32,
    /// Until when it is left alone.
    rests: Option<Instant>,
    under_way: u64,
    asked: u64,
    blocks: u64,
    bytes: u64,
    lacked: u64,
    failed: u64,
    failure: Option<Failure>,
}

impl Site {
    pub(crate) fn new(server: Server, options: &Options) -> Self {
        let mut client = Client::new(server.target())
            .header("User-Agent", &options.agent)
            .header("Accept", RAW);
        if let Some(name) = server.name() {
            client = client.named(name);
        }
        if options.trusting
            && let Ok(trust) = Trust::anybody()
        {
            client = client.trust(trust);
        }
        Self {
            server,
            client,
            room: Semaphore::new(AT_ONCE),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// How long it is left alone.
    pub(crate) fn resting(&self) -> Option<Duration> {
        let until = self.state().rests?;
        let left = until.saturating_duration_since(Instant::now());
        Some(left).filter(|left| !left.is_zero())
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.state().failures
    }

    /// Closes connections that nothing was asked over for long.
    pub(crate) fn tidy(&self) {
        self.state()
            .idle
            .retain(|(since, _)| since.elapsed() < KEPT);
    }

    /// Finds out whether it is a gateway, and whether `HEAD` works.
    pub(crate) async fn probe(&self, shared: &Shared) -> Result<bool, String> {
        if let Some(rest) = self.resting() {
            return Err(format!("left alone for {} s", rest.as_secs() + 1));
        }
        let mut reason = String::new();
        for head in [true, false] {
            let path = ask::probe_path();
            let asked = self.request(shared, head, &path, PROBE_BODY, &|| {});
            match timeout(PROBE_TIME, asked).await {
                Ok(Ok(answer)) if ask::is_gateway(&answer) => return Ok(head),
                Ok(Ok(answer)) => {
                    reason = format!("not a gateway: status {}", answer.status);
                    if answer.status == 429 {
                        break;
                    }
                }
                Ok(Err(error)) => {
                    reason = error.to_string();
                    // Nobody is there, for whatever request.
                    if matches!(error, Error::Connect { .. }) {
                        break;
                    }
                }
                Err(_) => {
                    reason = "no answer in time".to_owned();
                    break;
                }
            }
        }
        Err(reason)
    }

    /// Asks for a block, or with `head` whether it is there. `heard` is called when bytes come.
    pub(crate) async fn ask(
        &self,
        shared: &Shared,
        head: bool,
        cid: &Cid,
        heard: &(dyn Fn() + Sync),
    ) -> Said {
        // Neither semaphore is ever closed.
        let _room = self.room.acquire().await;
        if let Some(rest) = self.resting() {
            return Said::Busy(rest);
        }
        let _worker = shared.workers.acquire().await;
        let _count = Counted::new(self, shared);
        let largest = shared.options.largest;
        let path = ask::path(cid);
        let asked = self.request(shared, head, &path, largest, heard);
        let said = match timeout(TIME, asked).await {
            Ok(Ok(answer)) => ask::read(cid, head, &answer),
            Ok(Err(error)) => Said::Failed(error.to_string()),
            Err(_) => Said::Failed("no answer in time".to_owned()),
        };
        self.note(cid, &said);
        said
    }

    fn note(&self, cid: &Cid, said: &Said) {
        let mut state = self.state();
        let now = Instant::now();
        match said {
            Said::Block(block) => {
                state.blocks += 1;
                state.bytes += block.data().len() as u64;
            }
            Said::Lacks => state.lacked += 1,
            Said::Has => {}
            Said::Busy(rest) => state.rests = Some(now + *rest),
            Said::Failed(reason) => {
                state.failed += 1;
                state.failure = Some(Failure {
                    cid: cid.to_string(),
                    reason: reason.clone(),
                });
            }
        }
        match said {
            Said::Block(_) | Said::Has | Said::Lacks => (state.failures, state.downs) = (0, 0),
            Said::Busy(_) | Said::Failed(_) => state.failures += 1,
        }
        if state.failures >= FAILURES {
            let down = DOWN
                .saturating_mul(1 << state.downs.min(8))
                .min(LONGEST_DOWN);
            let until = now + down;
            state.rests = Some(state.rests.map_or(until, |rests| rests.max(until)));
            state.downs += 1;
            state.failures = 0;
            state.idle.clear();
        }
    }

    /// Sends a request: over a connection that is there, or if that is no more, over a new one.
    async fn request(
        &self,
        shared: &Shared,
        head: bool,
        path: &str,
        limit: usize,
        heard: &(dyn Fn() + Sync),
    ) -> Result<Answer, Error> {
        let method = if head { "HEAD" } else { "GET" };
        let started = Instant::now();
        let mut answer = Err(Error::Closed);
        if let Some(mut kept) = self.take() {
            answer = kept.ask(method, path, &Headers::new(), limit, heard).await;
            self.give_back(kept);
        }
        if let Err(Error::Closed | Error::UnexpectedEof | Error::Io(_)) = answer {
            answer = match self.client.keep().await {
                Ok(mut kept) => {
                    let answer = kept.ask(method, path, &Headers::new(), limit, heard).await;
                    self.give_back(kept);
                    answer
                }
                Err(error) => Err(error),
            };
        }
        let mut totals = shared.totals();
        totals.times.time(started.elapsed());
        totals.sent += (path.len() + self.server.host().len() + shared.options.agent.len()) as u64;
        match &answer {
            Ok(answer) => {
                let host = self.server.host();
                let named = shared.options.hosts.names(host);
                let host = if named { host } else { "other" };
                totals.answered(method, answer.status, host, answer.body.len());
            }
            Err(_) => totals.unanswered += 1,
        }
        answer
    }

    fn take(&self) -> Option<Kept> {
        let mut state = self.state();
        state.idle.retain(|(since, _)| since.elapsed() < KEPT);
        state.idle.pop().map(|(_, kept)| kept)
    }

    fn give_back(&self, kept: Kept) {
        let mut state = self.state();
        if kept.is_open() && state.idle.len() < AT_ONCE {
            state.idle.push((Instant::now(), kept));
        }
    }

    pub(crate) fn report(&self, peers: Vec<String>) -> ServerReport {
        let resting = self.resting();
        let state = self.state();
        ServerReport {
            url: self.server.to_string(),
            peers,
            asked: state.asked,
            under_way: state.under_way,
            blocks: state.blocks,
            bytes: state.bytes,
            lacked: state.lacked,
            failed: state.failed,
            failure: state.failure.clone(),
            resting,
        }
    }
}

/// Counts a request as under way as long as it is.
struct Counted<'a>(&'a Site, &'a Shared);

impl<'a> Counted<'a> {
    fn new(site: &'a Site, shared: &'a Shared) -> Self {
        let mut state = site.state();
        state.under_way += 1;
        state.asked += 1;
        drop(state);
        shared.totals().under_way += 1;
        Self(site, shared)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
        self.1.totals().under_way -= 1;
    }
}
