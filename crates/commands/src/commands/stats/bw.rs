use std::io::Write;

use async_trait::async_trait;
use basalt::network::Bandwidth;
use serde::{Deserialize, Serialize};

use crate::commands::support::{NEEDS_ONLINE, human_bytes, parse_peer};
use crate::{About, Call, Command, Error, Events, Out, Output, Result, Terminal, View};

crate::options! {
    /// Options of `stats bw`.
    pub(crate) struct Options {
        /// Show the bytes to and from this peer
        peer: Option<String> = ["peer", "p"],
        /// Show the bytes of this protocol
        proto: Option<String> = ["proto", "t"],
        /// Show them again and again
        poll: bool = ["poll"],
        /// The time between two reports with --poll, such as 300s, 1.5h or 2h45m
        interval: String = ["interval", "i"] default "1s",
    }
}

/// `ipfs stats bw`.
pub(crate) struct Bw;

/// Bytes so far, and bytes in a second lately.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Stats {
    total_in: i64,
    total_out: i64,
    rate_in: f64,
    rate_out: f64,
}

impl From<Bandwidth> for Stats {
    fn from(read: Bandwidth) -> Self {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Self {
            total_in: signed(read.total_in),
            total_out: signed(read.total_out),
            rate_in: read.rate_in,
            rate_out: read.rate_out,
        }
    }
}

#[async_trait]
impl Command for Bw {
    type Options = Options;
    type Event = Stats;
    type State = ();

    const PATH: &'static str = "stats/bw";
    const ABOUT: About = About::new("Show how many bytes the node has exchanged with peers.").text(
        "Shows totals and present rates: of everything, of one peer, or of one protocol. Totals begin with
the daemon.

Example:

  > ipfs stats bw --proto /ipfs/bitswap/1.2.0",
    )
    .no_text();

    async fn run(call: Call<Options>, out: Output<Stats>) -> Result<()> {
        let options = &call.options;
        let node = call.ctx.node().await?;
        let network = node
            .network()
            .ok_or_else(|| Error::client(format!("unable to run offline: {NEEDS_ONLINE}")))?;
        if node
            .require_repo()?
            .config()
            .flag("Swarm.DisableBandwidthMetrics")
            == Some(true)
        {
            return Err(Error::new("bandwidth reporter disabled in config"));
        }
        if options.peer.is_some() && options.proto.is_some() {
            return Err(Error::client("please only specify peer OR protocol"));
        }
        let peer = options.peer.as_deref().map(parse_peer).transpose()?;
        let interval: basalt::repo::GoDuration = options
            .interval
            .parse()
            .map_err(|e: basalt::repo::DurationError| Error::new(e.to_string()))?;
        loop {
            let read = match (&peer, &options.proto) {
                (Some(peer), _) => network.bandwidth_of_peer(peer),
                (None, Some(name)) => network.bandwidth_of_protocol(name),
                (None, None) => network.bandwidth(),
            };
            out.emit(read.into()).await?;
            if !options.poll {
                return Ok(());
            }
            let wait = interval.to_std().unwrap_or_default();
            tokio::select! {
                () = out.closed() => return Ok(()),
                // Somebody who asks for no wait at all is not to keep the node busy.
                () = tokio::time::sleep(wait.max(std::time::Duration::from_millis(1))) => {}
            }
        }
    }

    async fn show(
        view: &View<Options>,
        mut events: Events<Stats>,
        term: &mut Terminal,
    ) -> Result<()> {
        let poll = view.options.poll;
        if poll {
            writeln!(term.out, "Total Up    Total Down  Rate Up     Rate Down")?;
        }
        while let Some(event) = events.next().await? {
            let Out::Event(stats) = event else { continue };
            if poll {
                show_line(&stats, &mut term.out)?;
            } else {
                show(&stats, &mut term.out)?;
            }
            term.out.flush()?;
        }
        Ok(())
    }
}

fn total(bytes: i64) -> String {
    human_bytes(bytes.unsigned_abs())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is shown as whole bytes"
)]
fn rate(bytes: f64) -> String {
    human_bytes(bytes.max(0.0) as u64)
}

fn show(stats: &Stats, w: &mut dyn Write) -> Result<()> {
    writeln!(w, "Bandwidth")?;
    writeln!(w, "TotalIn: {}", total(stats.total_in))?;
    writeln!(w, "TotalOut: {}", total(stats.total_out))?;
    writeln!(w, "RateIn: {}/s", rate(stats.rate_in))?;
    writeln!(w, "RateOut: {}/s", rate(stats.rate_out))?;
    Ok(())
}

/// Ends with a carriage return: the next line is written over it.
fn show_line(stats: &Stats, w: &mut dyn Write) -> Result<()> {
    let (up, down) = (total(stats.total_out), total(stats.total_in));
    let (rate_up, rate_down) = (rate(stats.rate_out), rate(stats.rate_in));
    write!(
        w,
        "{up:>8}    {down:>8}    {rate_up:>8}/s  {rate_down:>8}/s      \r"
    )?;
    Ok(())
}
