use std::io::Write;

use async_trait::async_trait;
use basalt::Cid;
use basalt::bitswap::Stat as Figures;
use serde::{Deserialize, Serialize};

use super::{bitswap, stopped};
use crate::commands::support::{CidText, LinkJson, human_bytes};
use crate::{About, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `bitswap stat`.
    pub(crate) struct Options {
        /// Name the partners
        verbose: bool = ["verbose", "v"],
        /// Write sizes for people, such as 2 GB
        human: bool = ["human"],
    }
}

/// `ipfs bitswap stat`.
pub(crate) struct Stat;

/// `ipfs stats bitswap`, the same.
pub(crate) struct StatsBitswap;

/// What was exchanged since the daemon began.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Exchanged {
    wantlist: Vec<LinkJson>,
    peers: Vec<String>,
    blocks_received: u64,
    data_received: u64,
    dup_blks_received: u64,
    dup_data_received: u64,
    messages_received: u64,
    blocks_sent: u64,
    data_sent: u64,
}

impl From<Figures> for Exchanged {
    fn from(figures: Figures) -> Self {
        let mut peers: Vec<String> = figures.partners.iter().map(ToString::to_string).collect();
        peers.sort_unstable();
        let received = figures.received;
        Self {
            wantlist: figures.wantlist.iter().map(LinkJson::new).collect(),
            peers,
            blocks_received: received.blocks,
            data_received: received.data,
            dup_blks_received: received.duplicate_blocks,
            dup_data_received: received.duplicate_data,
            messages_received: received.messages,
            blocks_sent: figures.blocks_sent,
            data_sent: figures.data_sent,
        }
    }
}

async fn run(call: Call<Options>, out: Output<Exchanged>) -> Result<()> {
    let bitswap = bitswap(&call)
        .await
        .map_err(|error| Error::client(format!("unable to run offline: {}", error.message)))?;
    let figures = match bitswap {
        Some(bitswap) => bitswap.stat().await.ok_or_else(stopped)?,
        None => Figures::default(),
    };
    out.once(figures.into()).await
}

fn text(view: &View<Options>, figures: &Exchanged, w: &mut dyn Write) -> Result<()> {
    let cids = CidText::new(&view.meta.globals)?;
    let size = |bytes: u64| {
        if view.options.human {
            human_bytes(bytes)
        } else {
            bytes.to_string()
        }
    };
    writeln!(w, "bitswap status")?;
    writeln!(w, "\tblocks received: {}", figures.blocks_received)?;
    writeln!(w, "\tblocks sent: {}", figures.blocks_sent)?;
    writeln!(w, "\tdata received: {}", size(figures.data_received))?;
    writeln!(w, "\tdata sent: {}", size(figures.data_sent))?;
    writeln!(w, "\tdup blocks received: {}", figures.dup_blks_received)?;
    writeln!(
        w,
        "\tdup data received: {}",
        size(figures.dup_data_received)
    )?;
    writeln!(w, "\twantlist [{} keys]", figures.wantlist.len())?;
    for key in &figures.wantlist {
        writeln!(w, "\t\t{}", written(&cids, key)?)?;
    }
    writeln!(w, "\tpartners [{}]", figures.peers.len())?;
    if view.options.verbose {
        for peer in &figures.peers {
            writeln!(w, "\t\t{peer}")?;
        }
    }
    Ok(())
}

/// The CID as `--cid-base` says.
pub(super) fn written(cids: &CidText, key: &LinkJson) -> Result<String> {
    let cid: Cid = key
        .cid
        .parse()
        .map_err(|e| Error::new(format!("{}: {e}", key.cid)))?;
    Ok(cids.write(&cid))
}

macro_rules! figures_of_bitswap {
    ($command:ty, $path:literal) => {
        #[async_trait]
        impl Command for $command {
            type Options = Options;
            type Event = Exchanged;
            type State = ();

            const PATH: &'static str = $path;
            const ABOUT: About = About::new("Show what was exchanged with peers.").text(
                "Shows what Bitswap has done since the daemon began: blocks and bytes received and sent, those
that came although nobody waited for them (dup), what is being waited for (wantlist), and how many
peers wait for something of this node (partners).",
            );

            async fn run(call: Call<Options>, out: Output<Exchanged>) -> Result<()> {
                run(call, out).await
            }

            fn text(
                view: &View<Options>,
                _: &mut (),
                figures: Exchanged,
                w: &mut dyn Write,
            ) -> Result<()> {
                text(view, &figures, w)
            }
        }
    };
}

figures_of_bitswap!(Stat, "bitswap/stat");
figures_of_bitswap!(StatsBitswap, "stats/bitswap");
