use std::io::Write;

use async_trait::async_trait;
use basalt::ipld::Path;
use basalt::ipns::Find;
use basalt::repo::GoDuration;
use serde::{Deserialize, Serialize};

use crate::commands::support::{CidText, resolve};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `resolve`. Names need the routing system, which the last two are for.
    #[allow(dead_code)]
    pub(crate) struct Options {
        /// Resolve names until there is none left
        recursive: bool = ["recursive", "r"] default "true",
        /// How many records of a name to ask the DHT for
        dht_record_count: Option<i32> = ["dht-record-count", "dhtrc"],
        /// How long to collect records from the DHT, such as 30s; 0 sets no limit
        dht_timeout: Option<String> = ["dht-timeout", "dhtt"],
    }
}

/// `ipfs resolve`.
pub(crate) struct Resolve;

/// A path.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResolvedPath {
    pub(crate) path: String,
}

#[async_trait]
impl Command for Resolve {
    type Options = Options;
    type Event = ResolvedPath;
    type State = ();

    const PATH: &'static str = "resolve";
    const ABOUT: About = About::new("Say which block a path leads to.").text(
        "Follows a path through names, directories and IPLD nodes, and writes the path of the last
block. What is left of the path inside that block is written behind it.

Example:

  > ipfs resolve /ipfs/<cid>/docs/readme.md
  /ipfs/<cid of readme.md>",
    );
    const ARGS: &'static [Arg] = &[Arg::required("name", "The path.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<ResolvedPath>) -> Result<()> {
        let given = call.next_arg().await?.unwrap_or_default();
        let name = Path::parse_uri(&given).map_or(given, |path| path.to_string());
        let is_name = name.starts_with("/ipns/");
        if is_name && !call.options.recursive {
            let count = call.options.dht_record_count.map(i64::from);
            let timeout = call.options.dht_timeout.as_deref();
            let find = find_of(call.meta.globals.offline, count, timeout)?;
            let path = Path::parse(&name).map_err(basalt::Error::from)?;
            let node = call.ctx.node().await?;
            let step = node.names().resolve(&path, 1, &find).await;
            let path = step.map_err(basalt::Error::from)?.path.to_string();
            return out.once(ResolvedPath { path }).await;
        }
        let cids = match is_name {
            true => CidText::new(&call.meta.globals)?,
            false => CidText::like(&call.meta.globals, &name)?,
        };
        let found = resolve(&call, &name).await?;
        let mut path = format!("/{}/{}", found.namespace.as_str(), cids.write(&found.cid));
        for segment in &found.rest {
            path.push('/');
            path.push_str(&String::from_utf8_lossy(segment));
        }
        out.once(ResolvedPath { path }).await
    }

    fn text(_: &View<Options>, _: &mut (), found: ResolvedPath, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", found.path)?;
        Ok(())
    }
}

/// How a name is looked for, as `--dht-record-count` and `--dht-timeout` say.
pub(crate) fn find_of(offline: bool, records: Option<i64>, timeout: Option<&str>) -> Result<Find> {
    let mut find = Find {
        online: !offline,
        ..Find::default()
    };
    if let Some(records) = records {
        find.records = usize::try_from(records).unwrap_or(0);
    }
    if let Some(text) = timeout {
        let limit: GoDuration = text.parse().map_err(|e| Error::new(format!("{e}")))?;
        if limit.as_nanos() < 0 {
            return Err(Error::new("DHT timeout value must be >= 0"));
        }
        find.time = limit.to_std().filter(|time| !time.is_zero());
    }
    Ok(find)
}
