//! The task that owns the swarm.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt_routing::Dual;
use futures::StreamExt;
use libp2p::core::ConnectedPoint;
use libp2p::core::transport::{ListenerId, PortUse};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{Config, ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, autonat, identify, mdns};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::address::{
    is_link_local, is_relayed, is_secure, remote_of, unsupported, without_name, without_peer,
};
use crate::announce::Rules;
use crate::behaviour::{Behaviour, BehaviourEvent, Shared};
use crate::figures::Counts;
use crate::filter::Filters;
use crate::handle::Ask;
use crate::names::Hosts;
use crate::peers::{Direction, Open};
use crate::punch::Punching;
use crate::reach::Found;
use crate::relays::Used;
use crate::traffic::Traffic;
use crate::{
    Connection, Error, Forwarding, Handle, Options, Pubsub, Reachability, Result, Unsupported,
    book, dial, forward, pubsub, transport, tunnel,
};

/// Pieces of work that may wait for the swarm's task.
const ASKS: usize = 64;
/// How long listeners may take to say where they listen.
const LISTEN: Duration = Duration::from_secs(5);
/// A listener of every interface has told all of them when it was quiet for so long.
const QUIET: Duration = Duration::from_millis(50);
/// How long closing connections may take when the node stops.
const CLOSE: Duration = Duration::from_millis(300);
/// Connections are closed by who wants them closed, not by being idle.
const IDLE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Streams of one connection that may be agreeing on a protocol; what is more is lost. A Kubo that is
/// asked for many small blocks opens hundreds at a time.
const NEGOTIATING: usize = 512;
/// Addresses at which others have reached the node, at most.
const FOUND: usize = 16;
/// Peers of the local network that are dialled at a time.
const DISCOVERED: usize = 64;

type Answer = oneshot::Sender<Result<()>>;

/// A dial under way that somebody waits for.
struct Dial {
    peer: PeerId,
    answers: Vec<Answer>,
}

/// The swarm, and what its task knows.
pub(crate) struct Service {
    pub(crate) swarm: Swarm<Behaviour>,
    pub(crate) announced: Vec<Multiaddr>,
    pub(crate) dht: Option<Arc<Dual>>,
    pub(crate) reach: Found,
    pub(crate) relays: Used,
    pub(crate) punching: Punching,
    pub(crate) counts: Counts,
    /// Addresses at which others have reached the node.
    found: BTreeSet<Multiaddr>,
    /// Ports that a router forwards to it.
    forwarded: Vec<Forwarding>,
    asks: mpsc::WeakSender<Ask>,
    filters: Filters,
    traffic: Traffic,
    rules: Rules,
    speaks_bitswap: bool,
    open: HashMap<ConnectionId, Open>,
    latency: HashMap<PeerId, Duration>,
    dialling: HashMap<ConnectionId, Dial>,
    /// Who waits for a peer to say who it is.
    identifying: HashMap<PeerId, Vec<Answer>>,
    identified: HashSet<PeerId>,
    closing: HashMap<ConnectionId, Vec<Answer>>,
    /// Where messages of PubSub go that came.
    pub(crate) pubsub_work: Option<mpsc::Sender<pubsub::Work>>,
    /// Who hears of peers that read a topic.
    pub(crate) pubsub_hub: Option<Arc<pubsub::Hub>>,
    /// The number of the last message that this node has published.
    pub(crate) last_number: u64,
}

/// Makes the swarm of a node, listens, and drives it in a task of its own until [`Handle::stop`].
///
/// # Errors
/// The key cannot be used, or no listener works of those that were asked for.
pub async fn start(options: Options) -> Result<Handle> {
    let peer = options.key.public().to_peer_id();
    let config = Config::with_tokio_executor()
        .with_idle_connection_timeout(IDLE)
        .with_max_negotiating_inbound_streams(NEGOTIATING)
        .with_smart_dial();
    let (filters, traffic) = (Filters::default(), Traffic::default());
    for range in &options.filters {
        filters.add(*range);
    }
    if let Some(limits) = &options.limits {
        traffic.set_limits(limits);
    }
    let fingerprint = options
        .network_key
        .map(|key| key.fingerprint().to_string().into());
    let (transport, relayed) = transport::build(&options, &traffic)?;
    let shared = Shared {
        filters: &filters,
        traffic: &traffic,
        relayed,
    };
    let swarm = Swarm::new(transport, Behaviour::new(&options, shared)?, peer, config);
    let (asks, asked) = mpsc::channel(ASKS);
    let mut service = Service {
        asks: asks.downgrade(),
        reach: Found::new(options.reachability),
        relays: Used::new(
            options
                .relay_client
                .clone()
                .filter(|_| options.transports.relay),
        ),
        punching: Punching::new(options.hole_punching && options.transports.relay),
        counts: Counts::default(),
        found: BTreeSet::new(),
        forwarded: Vec::new(),
        swarm,
        announced: Vec::new(),
        dht: None,
        filters: filters.clone(),
        traffic: traffic.clone(),
        speaks_bitswap: options.bitswap.is_some(),
        rules: Rules::new(
            &options.announce,
            &options.append_announce,
            &options.no_announce,
        ),
        open: HashMap::new(),
        latency: HashMap::new(),
        dialling: HashMap::new(),
        identifying: HashMap::new(),
        identified: HashSet::new(),
        closing: HashMap::new(),
        pubsub_work: None,
        pubsub_hub: None,
        last_number: 0,
    };
    let pubsub = options
        .pubsub
        .as_ref()
        .map(|pubsub| Pubsub::start(pubsub, peer, &asks));
    let served = service.swarm.behaviour().streams.services();
    let tunnels = tunnel::Registry::new(served.clone());
    service.pubsub_work = pubsub.as_ref().map(Pubsub::work);
    service.pubsub_hub = pubsub.as_ref().map(Pubsub::hub);
    let missing = service.listen(&options).await?;
    service.consider_relays();
    let reachability = service.reach.watch();
    let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
    let end = ended.clone().drop_guard();
    let stopped = stop.clone();
    tokio::spawn(async move {
        service.run(asked, stopped).await;
        drop(end);
    });
    Ok(Handle {
        asks,
        peer,
        dns: options.dns.unwrap_or_else(|| Arc::new(Hosts)),
        unsupported: missing.into(),
        pubsub,
        reachability,
        network_key: fingerprint,
        tunnels,
        limits: Arc::new(options.limits),
        filters,
        traffic,
        stop,
        ended,
    })
}

impl Service {
    async fn run(mut self, mut asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                ask = asks.recv() => match ask {
                    Some(ask) => ask(&mut self),
                    None => break,
                },
                () = stop.cancelled() => break,
            }
        }
        drop(asks);
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let _ = timeout(CLOSE, async {
            while !self.open.is_empty() {
                let event = self.swarm.select_next_some().await;
                self.on_event(event);
            }
        })
        .await;
    }

    /// Listens everywhere, and gives what this node has no listener for.
    async fn listen(&mut self, options: &Options) -> Result<Vec<Unsupported>> {
        let (mut waiting, mut failed) = (HashSet::<ListenerId>::new(), Vec::new());
        let (mut missing, mut working) = (Vec::new(), 0);
        for address in &options.listen {
            if let Some(unsupported) = unsupported(address, options) {
                missing.push(unsupported);
                continue;
            }
            if options.certificate.is_none() && is_secure(address) {
                failed.push(format!(
                    "cannot listen on wss address {address} without a tls.Config"
                ));
                continue;
            }
            match self.swarm.listen_on(without_name(address)) {
                Ok(id) => {
                    waiting.insert(id);
                }
                Err(error) => failed.push(dial::listening(address, &error)),
            }
        }
        let until = tokio::time::Instant::now() + LISTEN;
        loop {
            let wait = if waiting.is_empty() { QUIET } else { LISTEN };
            let until = until.min(tokio::time::Instant::now() + wait);
            if working == 0 && waiting.is_empty() {
                break;
            }
            let event = tokio::select! {
                event = self.swarm.select_next_some() => event,
                () = tokio::time::sleep_until(until) => break,
            };
            match &event {
                SwarmEvent::NewListenAddr { listener_id, .. } => {
                    working += usize::from(waiting.remove(listener_id));
                }
                SwarmEvent::ListenerClosed {
                    listener_id,
                    reason,
                    ..
                } => {
                    waiting.remove(listener_id);
                    if let Err(error) = reason {
                        failed.push(error.to_string());
                    }
                }
                _ => {}
            }
            self.on_event(event);
        }
        for reason in &failed {
            tracing::error!(target: "basalt::network", "listen: {reason}");
        }
        if working == 0 && !failed.is_empty() {
            return Err(Error::Listen(failed));
        }
        self.announce();
        Ok(missing)
    }

    pub(crate) fn connect(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, answer: Answer) {
        if peer == *self.swarm.local_peer_id() {
            let _ = answer.send(Err(Error::DialSelf));
            return;
        }
        let addresses = self.placed(addresses);
        let book = &mut self.swarm.behaviour_mut().book;
        let before = book.addresses(&peer);
        book.add(peer, &addresses, Some(book::GIVEN));
        let known = book.addresses(&peer);
        if self.swarm.is_connected(&peer) {
            self.when_identified(peer, answer);
            return;
        }
        // Many may want the same peer at once; one dial does for all, unless somebody knows more.
        let under_way = self.dialling.values_mut().find(|dial| dial.peer == peer);
        if let Some(dial) = under_way.filter(|_| before == known) {
            dial.answers.push(answer);
            return;
        }
        if !known.is_empty() && known.iter().all(|address| self.filters.denies(address)) {
            let failures = known.into_iter().map(dial::filtered).collect();
            let _ = answer.send(Err(Error::NoGoodAddresses { peer, failures }));
            return;
        }
        let options = DialOpts::peer_id(peer)
            .condition(PeerCondition::Always)
            .build();
        self.dial_for(peer, options, answer);
    }

    /// Dials, and answers when the peer has said who it is, or cannot be reached.
    pub(crate) fn dial_for(&mut self, peer: PeerId, options: DialOpts, answer: Answer) {
        let id = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => {
                let answers = vec![answer];
                self.dialling.insert(id, Dial { peer, answers });
            }
            Err(error) => {
                let _ = answer.send(Err(dial::failed(peer, &error)));
            }
        }
    }

    /// Pieces of work for the swarm's task, as long as somebody wants it.
    pub(crate) fn weak_asks(&self) -> mpsc::WeakSender<Ask> {
        self.asks.clone()
    }

    fn when_identified(&mut self, peer: PeerId, answer: Answer) {
        if self.identified.contains(&peer) {
            let _ = answer.send(Ok(()));
        } else {
            self.identifying.entry(peer).or_default().push(answer);
        }
    }

    fn identity_settled(&mut self, peer: &PeerId) {
        for answer in self.identifying.remove(peer).into_iter().flatten() {
            let _ = answer.send(Ok(()));
        }
    }

    pub(crate) fn disconnect(&mut self, peer: PeerId, address: Option<&Multiaddr>, answer: Answer) {
        let found: Vec<ConnectionId> = self
            .open
            .values()
            .filter(|open| open.peer == peer && address.is_none_or(|a| *a == open.address))
            .map(|open| open.id)
            .collect();
        let Some(last) = found.last() else {
            let _ = answer.send(Err(match address {
                Some(_) => Error::NoSuchConnection,
                None => Error::NotConnected,
            }));
            return;
        };
        for id in &found {
            self.swarm.close_connection(*id);
        }
        self.closing.entry(*last).or_default().push(answer);
    }

    pub(crate) fn note_latency(&mut self, peer: PeerId, time: Duration) {
        if self.swarm.is_connected(&peer) {
            self.latency.insert(peer, time);
        }
    }

    pub(crate) fn connections(&self) -> Vec<Connection> {
        let open = self.open.values();
        open.map(|open| Connection {
            peer: open.peer,
            address: open.address.clone(),
            direction: open.direction,
            latency: self.latency.get(&open.peer).copied(),
            streams: self.traffic.streams(&open.peer, &open.address),
        })
        .collect()
    }

    pub(crate) fn connection(&self, id: ConnectionId) -> Option<&Open> {
        self.open.get(&id)
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = &Open> {
        self.open.values()
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Where the other ends of the connections to a peer are.
    pub(crate) fn addresses_of_connections(&self, peer: &PeerId) -> Vec<Multiaddr> {
        let open = self.open.values().filter(|open| open.peer == *peer);
        open.map(|open| open.address.clone()).collect()
    }

    pub(crate) fn listen_addresses(&self) -> Vec<Multiaddr> {
        let all = self.swarm.listeners();
        let all = all.filter(|a| !is_link_local(a) && !is_relayed(a));
        let mut all: Vec<_> = all.cloned().collect();
        all.sort_unstable_by_key(ToString::to_string);
        all.dedup();
        all
    }

    pub(crate) fn protocols(&self) -> Vec<String> {
        let mut all = vec![
            identify::PROTOCOL_NAME.to_string(),
            identify::PUSH_PROTOCOL_NAME.to_string(),
        ];
        let served = self.swarm.behaviour().streams.services().protocols();
        all.extend(served.iter().map(ToString::to_string));
        if self.speaks_bitswap {
            all.extend(crate::bitswap::protocols());
        }
        all.extend(self.relay_protocols());
        all.extend(self.nat_protocols());
        all.sort_unstable();
        all
    }

    /// What dialling back adds to the protocols that the node speaks.
    fn nat_protocols(&self) -> Vec<String> {
        let behaviour = self.swarm.behaviour();
        let spoken = [
            ("/libp2p/autonat/1.0.0", true),
            ("/libp2p/autonat/2/dial-back", behaviour.probe.is_enabled()),
            (
                "/libp2p/autonat/2/dial-request",
                behaviour.probed.is_enabled(),
            ),
        ];
        let spoken = spoken.into_iter().filter(|(_, spoken)| *spoken);
        spoken.map(|(name, _)| name.to_owned()).collect()
    }

    /// Takes note of the ports that a router forwards.
    pub(crate) fn forwarded(&mut self, forwarded: Vec<Forwarding>) {
        self.forwarded = forwarded;
        self.announce();
    }

    /// Finds out again what is announced, and tells peers if that has changed.
    fn announce(&mut self) {
        let relayed = self.relayed_addresses();
        let listening = self.listen_addresses();
        let forwarded = forward::addresses(&listening, &self.forwarded);
        let found = listening.into_iter().chain(forwarded);
        let found = found.chain(relayed).chain(self.found.iter().cloned());
        let now = self.rules.apply(found);
        if now == self.announced {
            return;
        }
        for gone in self.announced.iter().filter(|a| !now.contains(a)) {
            self.swarm.remove_external_address(gone);
        }
        let before = std::mem::replace(&mut self.announced, now.clone());
        for new in now.into_iter().filter(|a| !before.contains(a)) {
            self.try_out(&new);
            self.swarm.add_external_address(new);
        }
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        self.swarm.behaviour_mut().identify.push(peers);
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => self.on_connected(peer_id, connection_id, &endpoint),
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                num_established,
                ..
            } => {
                if let Some(open) = self.open.remove(&connection_id) {
                    let life = open.since.elapsed();
                    self.counts.closed(open.direction, &open.address, life);
                }
                if num_established == 0 {
                    self.dht_disconnected(&peer_id);
                    self.identified.remove(&peer_id);
                    self.latency.remove(&peer_id);
                    self.identity_settled(&peer_id);
                }
                for answer in self.closing.remove(&connection_id).into_iter().flatten() {
                    let _ = answer.send(Ok(()));
                }
            }
            SwarmEvent::OutgoingConnectionError {
                connection_id,
                peer_id,
                error,
            } => self.on_dial_failed(connection_id, peer_id, &error),
            SwarmEvent::NewListenAddr { .. } | SwarmEvent::ExpiredListenAddr { .. } => {
                self.announce();
            }
            SwarmEvent::ListenerClosed { listener_id, .. } => {
                self.relay_lost(listener_id);
                self.announce();
            }
            SwarmEvent::ExternalAddrConfirmed { address }
                if !self.announced.contains(&address) && self.found.len() < FOUND =>
            {
                self.found.insert(without_peer(&address));
                self.announce();
            }
            SwarmEvent::ExternalAddrExpired { address }
                if self.found.remove(&without_peer(&address)) =>
            {
                self.announce();
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(target: "basalt::network", %error, "a listener has an error");
            }
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Book(never)
            | BehaviourEvent::Bitswap(never)
            | BehaviourEvent::Filter(never)
            | BehaviourEvent::Limits(never)
            | BehaviourEvent::Trim(never)
            | BehaviourEvent::Streams(never)
            | BehaviourEvent::Peering(never)
            | BehaviourEvent::Bootstrap(never) => match never {},
            BehaviourEvent::Pubsub(event) => self.on_pubsub(event),
            BehaviourEvent::Identify(identify::Event::Received {
                connection_id,
                peer_id,
                info,
            }) => {
                self.seen_at(connection_id, &info.observed_addr);
                let identity = Arc::new(crate::identify::identity(info));
                self.swarm
                    .behaviour_mut()
                    .book
                    .identified(peer_id, identity);
                self.identified.insert(peer_id);
                self.dht_identified(peer_id);
                self.consider_relays();
                self.identity_settled(&peer_id);
            }
            BehaviourEvent::Identify(identify::Event::Error { peer_id, .. }) => {
                self.identity_settled(&peer_id);
            }
            BehaviourEvent::Identify(_) | BehaviourEvent::Relay(_) | BehaviourEvent::Relayed(_) => {
            }
            BehaviourEvent::Probed(event) => self.dialled_back(&event.client),
            BehaviourEvent::Autonat(autonat::v1::Event::InboundProbe(
                autonat::v1::InboundProbeEvent::Response { peer, .. },
            )) => self.dialled_back(&peer),
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => self.discovered(found),
            BehaviourEvent::Mdns(mdns::Event::Expired(_)) => {}
            BehaviourEvent::Autonat(autonat::v1::Event::StatusChanged { new, .. }) => {
                self.reach.set(match new {
                    autonat::v1::NatStatus::Public(_) => Reachability::Public,
                    autonat::v1::NatStatus::Private => Reachability::Private,
                    autonat::v1::NatStatus::Unknown => Reachability::Unknown,
                });
                self.consider_relays();
            }
            BehaviourEvent::Autonat(_) => {}
            BehaviourEvent::Probe(event) => {
                let reached = event.result.is_ok();
                self.reach.tested(event.tested_addr, reached);
            }
        }
    }

    /// Connects to peers in the local network.
    fn discovered(&mut self, found: Vec<(PeerId, Multiaddr)>) {
        for (peer, address) in found.into_iter().take(DISCOVERED) {
            let book = &mut self.swarm.behaviour_mut().book;
            book.add(peer, &[address], Some(book::GIVEN));
            let options = DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build();
            // Who is connected already is not dialled.
            let _ = self.swarm.dial(options);
        }
    }

    /// Does something after a while, unless the node has stopped.
    pub(crate) fn later(&self, wait: Duration, work: impl FnOnce(&mut Self) + Send + 'static) {
        let asks = self.asks.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            if let Some(asks) = asks.upgrade() {
                let ask: Ask = Box::new(work);
                let _ = asks.send(ask).await;
            }
        });
    }

    fn on_connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let (direction, from_listener) = match endpoint {
            ConnectedPoint::Dialer { port_use, .. } => {
                (Direction::Outbound, *port_use == PortUse::Reuse)
            }
            ConnectedPoint::Listener { .. } => (Direction::Inbound, true),
        };
        let open = Open {
            id,
            peer,
            address: remote_of(endpoint),
            direction,
            from_listener,
            since: Instant::now(),
        };
        self.counts.opened(direction, &open.address);
        self.open.insert(id, open);
        let dial = self.dialling.remove(&id).into_iter();
        for answer in dial.flat_map(|dial| dial.answers) {
            self.when_identified(peer, answer);
        }
        if direction == Direction::Inbound && endpoint.is_relayed() {
            self.punch(peer, id);
        }
    }

    fn on_dial_failed(&mut self, id: ConnectionId, peer: Option<PeerId>, error: &DialError) {
        let peer = peer.unwrap_or(*self.swarm.local_peer_id());
        let failed = dial::failed(peer, error);
        self.counts.failed(&failed);
        let dial = self.dialling.remove(&id).into_iter();
        for answer in dial.flat_map(|dial| dial.answers) {
            let _ = answer.send(Err(failed.clone()));
        }
    }
}
