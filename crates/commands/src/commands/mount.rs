use std::io::Write;

use async_trait::async_trait;
use basalt_fuse::Points;
use serde::{Deserialize, Serialize};

use crate::commands::support::{escape_name, with_repo};
use crate::{About, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `mount`.
    pub(crate) struct Options {
        /// Where to mount /ipfs; by default what Mounts.IPFS says
        ipfs: Option<String> = ["ipfs-path", "f"],
        /// Where to mount /ipns; by default what Mounts.IPNS says
        ipns: Option<String> = ["ipns-path", "n"],
        /// Where to mount /mfs; by default what Mounts.MFS says
        mfs: Option<String> = ["mfs-path", "m"],
    }
}

/// `ipfs mount`.
pub(crate) struct Mount;

/// Where what is mounted; in Kubo a part of the configuration, all of which it writes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Mounted {
    #[serde(rename = "IPFS", default)]
    ipfs: String,
    #[serde(rename = "IPNS", default)]
    ipns: String,
    #[serde(rename = "MFS", default)]
    mfs: String,
    #[serde(rename = "FuseAllowOther")]
    allow_other: Option<bool>,
    #[serde(rename = "StoreMtime")]
    store_mtime: Option<bool>,
    #[serde(rename = "StoreMode")]
    store_mode: Option<bool>,
}

const OFFLINE: &str = "this command must be run in online mode. Try running 'ipfs daemon' first";

#[async_trait]
impl Command for Mount {
    type Options = Options;
    type Event = Mounted;
    type State = ();

    const PATH: &'static str = "mount";
    const ABOUT: About = About::new("Show the node's content in the file system.")
        .text(
            "Mounts three folders by FUSE. The one for /ipfs has everything under its CID; it cannot be
listed, and nothing in it changed. The one for /mfs is the tree of 'ipfs files', to be read and
written. In the one for /ipns, 'local' is a folder that is published under the node's own name
whenever something in it changes; other names are links into /ipfs. The extended attribute
'ipfs.cid' of a file or folder is its CID.

The folders must be there, and belong to the user of the daemon:

  > sudo mkdir /ipfs /ipns /mfs
  > sudo chown $(whoami) /ipfs /ipns /mfs
  > ipfs mount
  > ls /ipfs/<cid>
  > cp notes.txt /mfs/

Mounting again unmounts first. They are unmounted when the daemon ends.",
        )
        .status(Status::Experimental);

    async fn run(call: Call<Options>, out: Output<Mounted>) -> Result<()> {
        // There may be no repo at all.
        let config = with_repo(&call.ctx, |repo| Ok(repo.config())).await?;
        let node = call.ctx.node().await?;
        let Some(mounts) = call.ctx.mounts().filter(|_| node.is_online()) else {
            return Err(Error::client(OFFLINE));
        };
        let Options { ipfs, ipns, mfs } = call.options.clone();
        let points = Points::new(&config, ipfs, ipns, mfs);
        let mounted = mounts.mount(&points).await;
        mounted.map_err(|e| Error::new(e.to_string()))?;
        out.once(Mounted {
            ipfs: points.ipfs,
            ipns: points.ipns,
            mfs: points.mfs,
            allow_other: None,
            store_mtime: None,
            store_mode: None,
        })
        .await
    }

    fn text(_: &View<Options>, _: &mut (), mounted: Mounted, w: &mut dyn Write) -> Result<()> {
        let points = Points {
            ipfs: escape_name(&mounted.ipfs).to_string(),
            ipns: escape_name(&mounted.ipns).to_string(),
            mfs: escape_name(&mounted.mfs).to_string(),
        };
        w.write_all(points.told().as_bytes())?;
        Ok(())
    }
}
