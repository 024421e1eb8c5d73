use std::io::Write;

use async_trait::async_trait;
use basalt::ipns::Publication;
use basalt::repo::GoDuration;

use super::{BOTH, Entry, check_delegated};
use crate::commands::support::{escape_name, parse_path, with_repo};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `name publish`. How IDs are written is accepted and, as in Kubo, not heeded.
    #[allow(dead_code)]
    pub(crate) struct Options {
        /// The name of the key, or its ID
        key: String = ["key", "k"] default "self",
        /// Check first that the path leads somewhere
        resolve: bool = ["resolve"] default "true",
        /// For how long the record is valid, such as 24h; by default 48h
        lifetime: Option<String> = ["lifetime", "t"],
        /// For how long others may keep the record without asking again; by default 5m
        ttl: Option<String> = ["ttl"],
        /// Write the name alone
        quieter: bool = ["quieter", "Q"],
        /// Make a record that readers before 2021 understand too
        v1compat: bool = ["v1compat"] default "true",
        /// Keep the record on this node, without telling others
        allow_offline: bool = ["allow-offline"],
        /// Publish through HTTP alone
        allow_delegated: bool = ["allow-delegated"],
        /// The record's sequence number, which must be greater than the present one
        sequence: Option<u64> = ["sequence"],
        /// Has no effect: names are written in base36
        ipns_base: String = ["ipns-base"] default "base36",
    }
}

/// `ipfs name publish`.
pub(crate) struct Publish;

const OFFLINE: &str = "can't publish while offline: pass `--allow-offline` to override or `--allow-delegated` if Ipns.DelegatedPublishers are set up";
const MOUNTED: &str = "cannot manually publish while IPNS is mounted";
const LIFETIME: GoDuration = GoDuration::from_secs(48 * 60 * 60);
const TTL: GoDuration = GoDuration::from_secs(5 * 60);

#[async_trait]
impl Command for Publish {
    type Options = Options;
    type Event = Entry;
    type State = ();

    const PATH: &'static str = "name/publish";
    const ABOUT: About = About::new("Say what a name means.").text(
        "Signs a record that says that the name of a key means a path. The sequence number of the
record counts up when the path changes. Resolvers forget the record when its lifetime is over.

Examples:

  > ipfs name publish /ipfs/<cid>
  > ipfs name publish --key=site --lifetime=720h /ipfs/<cid>
  > ipfs name publish --allow-offline /ipfs/<cid>",
    );
    const ARGS: &'static [Arg] = &[Arg::required("ipfs-path", "What the name shall mean.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<Entry>) -> Result<()> {
        let options = call.options.clone();
        if options.allow_offline && options.allow_delegated {
            return Err(Error::new(BOTH));
        }
        let (lifetime, ttl) = times(&options)?;
        let path = parse_path(&call.next_arg().await?.unwrap_or_default())?;
        let node = call.ctx.node().await?;
        // As in Kubo, whatever the key is: what is written there is published by the mount.
        if call.ctx.mounts().is_some_and(|mounts| mounts.has_names()) {
            return Err(Error::new(MOUNTED));
        }
        if options.resolve {
            let offline = call.meta.globals.offline;
            node.check_exists(&path, offline).await?;
        }
        if options.allow_delegated {
            check_delegated(node)?;
        } else if !options.allow_offline && !node.is_online() {
            return Err(Error::new(OFFLINE));
        }
        let name = options.key.clone();
        let key = with_repo(&call.ctx, move |repo| repo.keys().find(&name)).await?;
        let publication = Publication {
            value: path.clone(),
            lifetime: lifetime.as_nanos(),
            ttl: ttl.as_nanos(),
            sequence: options.sequence,
            v1: options.v1compat,
        };
        let name = node.publish_locally(&key, publication).await?;
        node.tell_record_soon(&name).await;
        out.once(Entry {
            name: name.to_string(),
            value: path.to_string(),
        })
        .await
    }

    fn text(view: &View<Options>, _: &mut (), entry: Entry, w: &mut dyn Write) -> Result<()> {
        let name = escape_name(&entry.name);
        if view.options.quieter {
            writeln!(w, "{name}")?;
        } else {
            writeln!(w, "Published to {name}: {}", escape_name(&entry.value))?;
        }
        Ok(())
    }
}

/// The lifetime of the record and the time for which it may be cached.
fn times(options: &Options) -> Result<(GoDuration, GoDuration)> {
    let lifetime = match &options.lifetime {
        None => LIFETIME,
        Some(text) => {
            let lifetime: GoDuration = text
                .parse()
                .map_err(|e| Error::new(format!("error parsing lifetime option: {e}")))?;
            if lifetime.as_nanos() <= 0 {
                return Err(Error::new(format!(
                    "lifetime must be greater than zero, got {text}"
                )));
            }
            lifetime
        }
    };
    let Some(text) = &options.ttl else {
        let ttl = TTL.as_nanos().min(lifetime.as_nanos());
        return Ok((lifetime, GoDuration::from_nanos(ttl)));
    };
    let ttl: GoDuration = text.parse().map_err(|e| Error::new(format!("{e}")))?;
    if ttl.as_nanos() < 0 {
        return Err(Error::new(format!("ttl must not be negative, got {text}")));
    }
    if ttl.as_nanos() > lifetime.as_nanos() {
        return Err(Error::new(format!(
            "ttl ({ttl}) must not be greater than lifetime ({lifetime})"
        )));
    }
    Ok((lifetime, ttl))
}
