use std::io::Write;

use async_trait::async_trait;
use basalt::block::{Block, codec};
use basalt::unixfs::{BlockSource, Entry, Inode, Kind, Stat};
use basalt::{Cid, ipld};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

mod table;

use crate::commands::dag::told;
use crate::commands::support::{CidText, Name, resolve, rfc3339};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `ls`.
    pub(crate) struct Options {
        /// Write a line that names the columns
        headers: bool = ["headers", "v"],
        /// Look at each entry to tell directories from files
        resolve_type: bool = ["resolve-type"] default "true",
        /// Look at each entry for its size
        size: bool = ["size"] default "true",
        /// Write entries as they are found, unsorted
        stream: bool = ["stream", "s"],
        /// Show permissions and modification times
        long: bool = ["long", "l"],
    }
}

/// `ipfs ls`.
pub(crate) struct Ls;

/// Directories and what is in them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listing {
    objects: Vec<Object>,
    /// Paths came in the body, and more than one. Only the process that read them knows, as in
    /// Kubo: a client of the daemon shows no headings then.
    #[serde(skip)]
    several: bool,
}

/// A directory, or a part of one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Object {
    hash: String,
    links: Vec<Link>,
}

/// An entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Link {
    name: Name,
    hash: String,
    size: u64,
    r#type: i32,
    target: Name,
    mode: u32,
    mod_time: String,
}

/// Go's zero time, which stands for none.
const NO_TIME: &str = "0001-01-01T00:00:00Z";
/// Go's bit for directories in a mode.
const GO_DIRECTORY: u32 = 1 << 31;
/// Entries that are looked at in parallel.
const AT_ONCE: usize = 16;

#[async_trait]
impl Command for Ls {
    type Options = Options;
    type Event = Listing;
    type State = table::State;

    const PATH: &'static str = "ls";
    const ABOUT: About = About::new("List directories.")
        .text(
            "Writes the CID, the size and the name of each entry of a directory; with --long, also
permissions and modification times where they were stored ('ipfs add --preserve-mode
--preserve-mtime'). The chunks of a file are listed without names.",
        )
        .text_only();
    const ARGS: &'static [Arg] = &[Arg::required("ipfs-path", "Paths of the directories.")
        .variadic()
        .stdin()];

    async fn run(mut call: Call<Options>, out: Output<Listing>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let paths = call.all_args().await?;
        let several = paths.len() > 1;
        let source = call
            .ctx
            .node()
            .await?
            .unixfs_source(call.meta.globals.offline);
        let resolve = call.options.resolve_type || call.options.size;
        let mut objects = Vec::new();
        for path in paths {
            let entries = entries(&call, &path).await?;
            let mut links = links(entries, source.clone(), resolve, cids);
            if call.options.stream {
                while let Some(link) = links.try_next().await? {
                    let object = Object {
                        hash: path.clone(),
                        links: vec![link],
                    };
                    out.emit(Listing {
                        objects: vec![object],
                        several,
                    })
                    .await?;
                }
            } else {
                let mut links: Vec<Link> = links.try_collect().await?;
                links.sort_by(|a, b| a.name.cmp(&b.name));
                objects.push(Object { hash: path, links });
            }
        }
        if call.options.stream {
            return Ok(());
        }
        out.once(Listing { objects, several }).await
    }

    fn text(
        view: &View<Options>,
        state: &mut table::State,
        event: Listing,
        w: &mut dyn Write,
    ) -> Result<()> {
        table::write(view, state, &event, w)
    }
}

type Entries = BoxStream<'static, basalt::unixfs::Result<Entry>>;

/// The entries of a directory, the chunks of a file, or the links of another node.
async fn entries(call: &Call<Options>, path: &str) -> Result<Entries> {
    let cid = resolve(call, path).await?.cid;
    let node = call.ctx.node().await?;
    let offline = call.meta.globals.offline;
    if !matches!(cid.codec(), codec::DAG_PB | codec::RAW) {
        let block = node.source(offline).get(&cid).await;
        let block = block.map_err(basalt::Error::from)?;
        let links = ipld::links(cid.codec(), block.data());
        return Ok(unnamed(links.map_err(told)?));
    }
    let inode = Inode::open(node.unixfs_source(offline), &cid).await;
    Ok(match inode.map_err(basalt::Error::from)? {
        Inode::Directory(directory) => directory.entries(),
        Inode::File(file) => chunks(file.block()),
        Inode::Symlink(_) => stream::empty().boxed(),
    })
}

/// Why the entries end here, in the words of Kubo where a shard of the directory is missing.
fn unlisted(error: basalt::unixfs::Error) -> Error {
    use basalt::unixfs::Error::{NotFound, Source};
    let missing = match &error {
        NotFound(_) => true,
        Source(error) => error
            .downcast_ref::<basalt::exchange::Error>()
            .is_some_and(|error| error.missing().is_some()),
        _ => false,
    };
    if !missing {
        return basalt::Error::from(error).into();
    }
    tracing::info!(target: "basalt::ls", %error, "a part of the directory is missing");
    Error::new("failed to fetch all nodes")
}

fn links(
    entries: Entries,
    source: Arc<dyn BlockSource>,
    resolve: bool,
    cids: CidText,
) -> BoxStream<'static, Result<Link>> {
    entries
        .map(move |entry| {
            let source = source.clone();
            async move { link(entry.map_err(unlisted)?, source, resolve, cids).await }
        })
        .buffered(AT_ONCE)
        .boxed()
}

fn chunks(block: &Block) -> Entries {
    let links = match block.cid().codec() {
        codec::DAG_PB => ipld::dag_pb::Node::decode(block.data())
            .map(|n| n.links)
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    let entries: Vec<_> = links
        .into_iter()
        .map(|link| {
            Ok(Entry {
                name: link.name.clone().unwrap_or_default(),
                cid: link.cid,
                dag_size: link.tsize(),
            })
        })
        .collect();
    stream::iter(entries).boxed()
}

fn unnamed(links: Vec<Cid>) -> Entries {
    let entry = |cid| {
        Ok(Entry {
            name: Bytes::new(),
            cid,
            dag_size: 0,
        })
    };
    stream::iter(links.into_iter().map(entry)).boxed()
}

async fn link(
    entry: Entry,
    source: Arc<dyn BlockSource>,
    resolve: bool,
    cids: CidText,
) -> Result<Link> {
    let mut link = Link {
        name: Name(entry.name.to_vec()),
        hash: cids.write(&entry.cid),
        size: 0,
        r#type: 0,
        target: Name::default(),
        mode: 0,
        mod_time: NO_TIME.to_owned(),
    };
    if resolve {
        describe(&mut link, &entry.cid, entry.dag_size, source).await?;
    }
    Ok(link)
}

async fn describe(
    link: &mut Link,
    cid: &Cid,
    size: u64,
    source: Arc<dyn BlockSource>,
) -> Result<()> {
    // A raw leaf says all that there is in its link.
    if cid.codec() == codec::RAW {
        link.size = size;
        link.r#type = Kind::File as i32;
        return Ok(());
    }
    if cid.codec() != codec::DAG_PB {
        return Ok(());
    }
    match Inode::open(source, cid)
        .await
        .map_err(basalt::Error::from)?
    {
        Inode::File(file) => {
            link.size = file.size();
            link.r#type = Kind::File as i32;
            stat(link, file.stat(), 0);
        }
        Inode::Directory(directory) => {
            link.r#type = Kind::Directory as i32;
            stat(link, directory.stat(), GO_DIRECTORY);
        }
        Inode::Symlink(symlink) => {
            link.size = symlink.target.len() as u64;
            link.r#type = Kind::Symlink as i32;
            link.target = Name(symlink.target.to_vec());
            stat(link, symlink.stat, 0);
        }
    }
    Ok(())
}

/// Mode and time, in Go's terms: the special bits stand at the top there.
fn stat(link: &mut Link, stat: Stat, kind: u32) {
    if let Some(mode) = stat.mode {
        let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
        let special = special
            .iter()
            .filter(|(unix, _)| mode & unix != 0)
            .fold(0, |all, (_, go)| all | go);
        link.mode = mode & 0o777 | special | kind;
    }
    if let Some(mtime) = stat.mtime {
        link.mod_time = rfc3339(mtime.seconds, mtime.nanos);
    }
}
