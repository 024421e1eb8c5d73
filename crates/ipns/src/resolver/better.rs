//! Answers that get better: of a name, whose records come one after the other, and of all the names on
//! the way.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use basalt_block::{Base, Cid, Version, cid_text, codec, parse_cid};
use basalt_ipld::Path;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, join as both};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Resolution, Resolver, is_domain, join};
use crate::dns_link::look_up;
use crate::search::WAITING;
use crate::{Error, Find, Name, Record, Result, Search, Stored};

/// What a name means, and for how long that may be kept.
type Meaning = (Path, Duration);

impl Resolver {
    /// Follows at most `depth` names, as [`Resolver::resolve`], and gives each answer that is better than
    /// the one before as soon as it is found: a name may mean something newer by then. The last counts.
    ///
    /// # Errors
    /// Why a name means nothing.
    pub async fn resolve_better(
        &self,
        path: &Path,
        depth: u32,
        find: &Find,
        out: mpsc::Sender<Resolution>,
    ) -> Result<()> {
        if let Some(gate) = self.gate.as_ref().filter(|_| path.is_mutable()) {
            gate(path).map_err(Error::Refused)?;
        }
        self.follow(path.clone(), depth, Duration::ZERO, find, out)
            .await
    }

    fn follow<'a>(
        &'a self,
        path: Path,
        depth: u32,
        ttl: Duration,
        find: &'a Find,
        out: mpsc::Sender<Resolution>,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            if depth == 0 || !path.is_mutable() {
                let mutable = path.is_mutable();
                // Who asked may have enough.
                let _ = out.send(Resolution { path, mutable, ttl }).await;
                return Ok(());
            }
            let (next, mut steps) = mpsc::channel(WAITING);
            let stepping = self.steps(&path, find, next);
            tokio::pin!(stepping);
            let (mut ended, mut more, mut failed) = (None, true, None);
            let mut below: Option<BoxFuture<'a, Result<()>>> = None;
            while ended.is_none() || more || below.is_some() {
                let going_on = async {
                    match below.as_mut() {
                        Some(below) => below.await,
                        None => pending().await,
                    }
                };
                tokio::select! {
                    end = &mut stepping, if ended.is_none() => ended = Some(end),
                    step = steps.recv(), if more => match step {
                        // What the older answer leads to matters no more.
                        Some((path, kept)) => {
                            let ttl = shorter(ttl, kept);
                            failed = None;
                            below = Some(self.follow(path, depth - 1, ttl, find, out.clone()));
                        }
                        None => more = false,
                    },
                    end = going_on => {
                        // Something newer may still lead somewhere.
                        failed = end.err();
                        below = None;
                    }
                }
            }
            match failed {
                Some(error) => Err(error),
                None => ended.unwrap_or(Ok(())),
            }
        }
        .boxed()
    }

    /// Where one name leads, better and better.
    async fn steps(&self, path: &Path, find: &Find, out: mpsc::Sender<Meaning>) -> Result<()> {
        let root = path.root().into_owned();
        let given = self.given.as_ref().as_ref();
        let given = given.map_err(|e| Error::StaticNames(e.clone()))?;
        if let Some(base) = given.get(&root) {
            let _ = out.send((join(base.clone(), path)?, Duration::ZERO)).await;
            return Ok(());
        }
        let Ok(name) = root.parse::<Name>() else {
            let (base, kept) = self.meaning(&root).await?;
            let _ = out.send((join(base, path)?, self.cache.cap(kept))).await;
            return Ok(());
        };
        let (found, mut records) = mpsc::channel::<(Record, Duration)>(WAITING);
        let give = async move {
            let mut last = None;
            while let Some((record, kept)) = records.recv().await {
                let next = join(record.value()?, path)?;
                // A record that was only renewed means the same.
                if last.as_ref() != Some(&next) {
                    last = Some(next.clone());
                    let _ = out.send((next, kept)).await;
                }
            }
            Ok::<_, Error>(last.is_some())
        };
        let (searched, given) = both(self.records(&name, find, found), give).await;
        searched?;
        match given? {
            true => Ok(()),
            false => Err(Error::NoRecord),
        }
    }

    /// The best record of a name, as far as can be found out in the time that is given.
    ///
    /// # Errors
    /// [`Error::NoRecord`], or the store fails.
    pub async fn record(&self, name: &Name, find: &Find) -> Result<Record> {
        let (out, mut records) = mpsc::channel(WAITING);
        let last = async {
            let mut last = None;
            while let Some((record, _)) = records.recv().await {
                last = Some(record);
            }
            last
        };
        let (searched, last) = both(self.records(name, find, out), last).await;
        searched?;
        last.ok_or(Error::NoRecord)
    }

    /// Gives records of a name, each better than the one before, and for how long each may be kept.
    async fn records(
        &self,
        name: &Name,
        find: &Find,
        out: mpsc::Sender<(Record, Duration)>,
    ) -> Result<()> {
        let network = self.network.get().filter(|_| find.online);
        if find.cached
            && let Some(cached) = self.cache.get(name)
        {
            if let (true, Some(network)) = (cached.ages, network) {
                self.refresh(*name, network.clone());
            }
            let kept = self.cache.cap(cached.record.kept_for()).min(cached.left);
            let _ = out.send((cached.record, kept)).await;
            return Ok(());
        }
        if let Some(known) = self.store.get(name).await? {
            self.give(known, &out).await;
        }
        let Some(network) = network else {
            return Ok(());
        };
        self.search(&**network, name, find, Some(&out)).await?;
        if let Some(best) = self.store.get(name).await? {
            self.cache.put(*name, best);
        }
        Ok(())
    }

    /// Looks for a newer record behind what is answered from the cache; one at a time.
    fn refresh(&self, name: Name, network: Arc<dyn Search>) {
        if !self.cache.claim(&name) {
            return;
        }
        let resolver = self.clone();
        tokio::spawn(async move {
            let find = Find::default();
            let searched = resolver.search(&*network, &name, &find, None);
            let refreshed = match searched.await {
                Ok(()) => resolver.store.get(&name).await,
                Err(error) => Err(error),
            };
            match refreshed {
                Ok(Some(record)) => resolver.cache.put(name, record),
                Ok(None) => resolver.cache.release(&name),
                Err(error) => {
                    tracing::warn!(target: "basalt::ipns", %name, %error, "a name was not refreshed");
                    resolver.cache.release(&name);
                }
            }
        });
    }

    async fn give(&self, record: Record, out: &mpsc::Sender<(Record, Duration)>) {
        let kept = self.cache.cap(record.kept_for());
        // Who asked may have enough.
        let _ = out.send((record, kept)).await;
    }

    /// Keeps what other nodes know, and gives what is better than all before.
    async fn search(
        &self,
        network: &dyn Search,
        name: &Name,
        find: &Find,
        better: Option<&mpsc::Sender<(Record, Duration)>>,
    ) -> Result<()> {
        let (out, mut found) = mpsc::channel::<Bytes>(WAITING);
        let keep = async move {
            while let Some(bytes) = found.recv().await {
                match self.store.put(name, bytes.clone()).await {
                    Err(failed @ Error::Store(_)) => return Err(failed),
                    Err(error) => {
                        tracing::debug!(target: "basalt::ipns", %name, %error, "what was found is no record");
                    }
                    Ok(Stored::Best) => {
                        if let Some(better) = better {
                            self.give(Record::decode(bytes)?, better).await;
                        }
                    }
                    Ok(Stored::Worse) => {}
                }
            }
            Ok::<_, Error>(())
        };
        let search = both(network.search(name, find.records, out), keep);
        let ended = match find.time {
            Some(time) => timeout(time, search).await.ok(),
            None => Some(search.await),
        };
        // What was found until then counts.
        let Some((searched, kept)) = ended else {
            return Ok(());
        };
        if let Err(error) = searched {
            tracing::debug!(target: "basalt::ipns", %name, %error, "nobody could be asked");
        }
        kept
    }

    /// What a root that is no key means.
    async fn meaning(&self, root: &str) -> Result<Meaning> {
        if is_domain(root) {
            return match &self.dns {
                Some(dns) => look_up(&**dns, root).await,
                None => Err(Error::DnsLink {
                    domain: format!("{root}."),
                    why: "this resolver does not ask the DNS".to_owned(),
                }),
            };
        }
        match parse_cid(root) {
            Ok((cid, _)) if cid.version() == Version::V1 && cid.codec() != codec::LIBP2P_KEY => {
                let key = Cid::new_v1(codec::LIBP2P_KEY, *cid.hash());
                Err(Error::NotAKey(cid_text(&key, Base::Base32Lower)))
            }
            _ => Err(Error::NotAName(root.to_owned())),
        }
    }
}

/// The shorter of two times, where none is as good as unknown.
fn shorter(one: Duration, other: Duration) -> Duration {
    match one.min(other) {
        Duration::ZERO => one.max(other),
        shorter => shorter,
    }
}
