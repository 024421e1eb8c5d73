use std::io::Write;

use async_trait::async_trait;
use basalt::ipld::{Namespace, Path};
use basalt::ipns::{DEPTH, Resolution};
use basalt::repo::go_quote;
use tokio::sync::mpsc;

use crate::commands::resolve::{ResolvedPath, find_of};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `name resolve`.
    pub(crate) struct Options {
        /// Resolve names until there is none left
        recursive: bool = ["recursive", "r"] default "true",
        /// Take nothing from the cache
        no_cache: bool = ["nocache", "n"],
        /// How many records to ask the DHT for
        dht_record_count: u32 = ["dht-record-count", "dhtrc"] default "16",
        /// How long to collect records from the DHT, such as 30s; 0 sets no limit
        dht_timeout: String = ["dht-timeout", "dhtt"] default "1m0s",
        /// Write better answers as they are found
        stream: bool = ["stream", "s"],
    }
}

/// `ipfs name resolve`.
pub(crate) struct Resolve;

#[async_trait]
impl Command for Resolve {
    type Options = Options;
    type Event = ResolvedPath;
    type State = ();

    const PATH: &'static str = "name/resolve";
    const ABOUT: About = About::new("Say what a name means.").text(
        "Follows a name, and the names it leads to, to a path that does not change. The default name
is the node's own.

Examples:

  > ipfs name resolve
  > ipfs name resolve k51...
  > ipfs name resolve /ipns/k51.../docs",
    );
    const ARGS: &'static [Arg] = &[Arg::optional("name", "The name.")];

    async fn run(call: Call<Options>, out: Output<ResolvedPath>) -> Result<()> {
        let node = call.ctx.node().await?;
        let name = match call.meta.args.first() {
            Some(name) => name.clone(),
            None => {
                let own = node.require_repo()?.keys().own();
                own.map_err(basalt::Error::from)?.peer_id().to_string()
            }
        };
        let count = Some(i64::from(call.options.dht_record_count));
        let timeout = Some(call.options.dht_timeout.as_str());
        let mut find = find_of(call.meta.globals.offline, count, timeout)?;
        find.cached = !call.options.no_cache;
        let path = path_of(&name)?;
        let depth = if call.options.recursive { DEPTH } else { 1 };
        let answer = |end: Resolution| match end.mutable && call.options.recursive {
            true => Err(basalt::Error::Ipns(basalt::ipns::Error::Recursion)),
            false => Ok(ResolvedPath {
                path: end.path.to_string(),
            }),
        };
        if !call.options.stream {
            let end = node.names().resolve(&path, depth, &find).await;
            return out.once(answer(end.map_err(basalt::Error::Ipns)?)?).await;
        }
        let (better, mut answers) = mpsc::channel(1);
        let give = async {
            while let Some(end) = answers.recv().await {
                out.emit(answer(end)?).await?;
            }
            Ok::<_, Error>(())
        };
        let search = node.names().resolve_better(&path, depth, &find, better);
        tokio::pin!(search, give);
        // Who reads may have gone, or an answer be an error: then nobody goes on searching.
        let searched = tokio::select! {
            searched = &mut search => {
                give.await?;
                searched
            }
            given = &mut give => {
                given?;
                search.await
            }
        };
        match searched {
            // A stream of answers that has none is no error.
            Err(basalt::ipns::Error::NoRecord) => Ok(()),
            searched => Ok(searched.map_err(basalt::Error::Ipns)?),
        }
    }

    fn text(_: &View<Options>, _: &mut (), found: ResolvedPath, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", found.path)?;
        Ok(())
    }
}

/// Reads a bare name, a path or a URI of one.
fn path_of(name: &str) -> Result<Path> {
    let path = match Path::parse_uri(name) {
        Err(error) if name.starts_with('/') => Err(error),
        Err(_) => Path::parse(format!("/ipns/{name}")),
        path => path,
    };
    let path = path.map_err(basalt::Error::from)?;
    if path.namespace() != Namespace::Ipns {
        let name = go_quote(name);
        return Err(Error::new(format!("{name} is not an IPNS name")));
    }
    Ok(path)
}
