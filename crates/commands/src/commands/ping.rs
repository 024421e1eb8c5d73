use std::io::Write;
use std::time::Duration;

use async_trait::async_trait;
use basalt::network::{Multiaddr, PeerId, parse_address, peer_of, without_peer};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use crate::commands::support::{online_command, parse_peer};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `ping`.
    pub(crate) struct Options {
        /// How many pings are sent
        count: i32 = ["count", "n"] default "10",
    }
}

/// `ipfs ping`.
pub(crate) struct Ping;

/// A ping that came back, or words.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Event {
    success: bool,
    time: i64,
    text: String,
}

impl Event {
    fn said(success: bool, text: String) -> Self {
        Self {
            success,
            text,
            time: 0,
        }
    }
}

/// Between two pings.
const EVERY: Duration = Duration::from_secs(1);

#[async_trait]
impl Command for Ping {
    type Options = Options;
    type Event = Event;
    type State = ();

    const PATH: &'static str = "ping";
    const ABOUT: About = About::new("Measure how long a message to a peer and its answer take.")
        .text("Connects to the peer if need be, and sends a ping each second.");
    const ARGS: &'static [Arg] = &[
        Arg::required("peer ID", "The peer, or its address with it.")
            .variadic()
            .stdin(),
    ];

    async fn run(call: Call<Options>, out: Output<Event>) -> Result<()> {
        let network = online_command(&call).await?;
        let text = call.meta.args.first().map_or("", String::as_str);
        let (place, peer) = parse(text)
            .map_err(|e| Error::new(format!("failed to parse peer address '{text}': {e}")))?;
        if peer == network.local_peer() {
            return Err(Error::new("error: can't ping self"));
        }
        let failed = |e: basalt::network::Error| Error::from(basalt::Error::from(e));
        if let Some(place) = place {
            let noted = network.remember(peer, vec![place]).await;
            noted.map_err(failed)?;
        }
        let count = call.options.count;
        if count <= 0 {
            return Err(Error::new(format!(
                "ping count must be greater than 0, was {count}"
            )));
        }
        if network.addresses_of(peer).await.map_err(failed)?.is_empty() {
            let looking = format!("Looking up peer {peer}");
            out.emit(Event::said(true, looking)).await?;
            let found = call.ctx.node().await?.find_addresses(peer).await;
            let found = found.map_err(|e| Error::new(format!("peer lookup failed: {e}")))?;
            network.remember(peer, found).await.map_err(failed)?;
        }
        out.emit(Event::said(true, format!("PING {peer}."))).await?;
        let (mut came, mut total) = (0u32, Duration::ZERO);
        let mut pings = match network.pings(peer).await {
            Ok(pings) => Some(pings),
            Err(error) => {
                out.emit(Event::said(false, format!("Ping error: {error}")))
                    .await?;
                None
            }
        };
        let mut next = Instant::now();
        for _ in 0..count {
            let Some(stream) = &mut pings else { break };
            match stream.ping().await {
                Ok(time) => {
                    came += 1;
                    total += time;
                    let noted = network.note_latency(peer, time).await;
                    noted.map_err(failed)?;
                    out.emit(Event {
                        success: true,
                        time: i64::try_from(time.as_nanos()).unwrap_or(i64::MAX),
                        text: String::new(),
                    })
                    .await?;
                }
                Err(error) => {
                    out.emit(Event::said(false, format!("Ping error: {error}")))
                        .await?;
                    pings = None;
                }
            }
            next += EVERY;
            sleep_until(next).await;
        }
        if came == 0 {
            return Err(Error::new("ping failed"));
        }
        let average = (total / came).as_secs_f64() * 1000.0;
        let average = format!("Average latency: {average:.2}ms");
        out.emit(Event::said(true, average)).await
    }

    fn text(_: &View<Options>, _: &mut (), event: Event, w: &mut dyn Write) -> Result<()> {
        if !event.text.is_empty() {
            writeln!(w, "{}", event.text)?;
        } else if event.success {
            let time = Duration::from_nanos(event.time.unsigned_abs());
            writeln!(
                w,
                "Pong received: time={:.2} ms",
                time.as_secs_f64() * 1000.0
            )?;
        } else {
            writeln!(w, "Pong failed")?;
        }
        Ok(())
    }
}

/// A peer ID, or an address that ends with one.
fn parse(text: &str) -> Result<(Option<Multiaddr>, PeerId), String> {
    if !text.starts_with('/') {
        let peer = parse_peer(text).map_err(|e| e.message)?;
        return Ok((None, peer));
    }
    let address = parse_address(text).map_err(|e| e.to_string())?;
    let peer = peer_of(&address).ok_or("invalid p2p multiaddr")?;
    let place = without_peer(&address);
    Ok((Some(place).filter(|place| !place.is_empty()), peer))
}
