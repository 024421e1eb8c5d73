use std::io::Write;

use async_trait::async_trait;
use basalt::Node;
use basalt::ipns::{Find, MAX_RECORD_SIZE, Moment, Name, Record};
use bytes::Bytes;

use super::{BOTH, Entry, OFFLINE, check_delegated, record};
use crate::commands::support::escape_name;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `name put`.
    pub(crate) struct Options {
        /// Do not check the record first
        force: bool = ["force", "f"],
        /// Keep the record on this node, without telling others
        allow_offline: bool = ["allow-offline"],
        /// Publish through HTTP alone
        allow_delegated: bool = ["allow-delegated"],
        /// Write nothing
        quiet: bool = ["quiet", "q"],
    }
}

/// `ipfs name put`.
pub(crate) struct Put;

/// More than this is not read, in bytes, even of what is not checked.
const MOST: usize = 1 << 20;

#[async_trait]
impl Command for Put {
    type Options = Options;
    type Event = Entry;
    type State = ();

    const PATH: &'static str = "name/put";
    const ABOUT: About = About::new("Store a signed record of a name.")
        .text(
            "Takes a record as 'ipfs name get' writes it, made by whoever has the key of the name. It is
kept if it is better than the one that is known: if its sequence number is greater, or if it is the
same and valid for longer. With --force, what is wrong with a record is not told, and a wrong record
is not kept all the same.

Example:

  > ipfs name put <name> record.bin",
        )
        .status(Status::Experimental);
    const ARGS: &'static [Arg] = &[
        Arg::required("name", "The name, with /ipns/ before it or not."),
        Arg::file("record", "The file with the record.").stdin(),
    ];

    async fn run(mut call: Call<Options>, out: Output<Entry>) -> Result<()> {
        let options = call.options.clone();
        let node = call.ctx.node().await?.clone();
        if options.allow_offline && options.allow_delegated {
            return Err(Error::new(BOTH));
        }
        if options.allow_delegated {
            check_delegated(&node)?;
        }
        let name: Name = call.meta.args[0]
            .parse()
            .map_err(|e| Error::new(format!("invalid IPNS name: {e}")))?;
        let over = format!(
            "record exceeds maximum size of {MAX_RECORD_SIZE} bytes, use --force to skip size check"
        );
        let bytes = record(&mut call, MOST, &over).await?;
        if bytes.is_empty() {
            return Err(Error::new("record is empty"));
        }
        if !options.force {
            if bytes.len() > MAX_RECORD_SIZE {
                return Err(Error::new(over));
            }
            check(&node, &name, &bytes).await?;
        }
        if !options.allow_offline && !node.is_online() {
            return Err(Error::new(OFFLINE));
        }
        // A record that is worse than the known one is no error, and neither is one that nobody
        // asked to check.
        if let Err(error) = node.names().store().put(&name, bytes.clone()).await {
            match error {
                failed @ basalt::ipns::Error::Store(_) => {
                    return Err(basalt::Error::Ipns(failed).into());
                }
                refused => {
                    tracing::warn!(target: "basalt::ipns", %name, %refused, "a record was not kept");
                }
            }
        }
        node.tell_record_soon(&name).await;
        let value = Record::decode(bytes).and_then(|record| record.value());
        out.once(Entry {
            name: name.to_string(),
            value: value.map_or_else(|_| String::new(), |path| path.to_string()),
        })
        .await
    }

    fn text(view: &View<Options>, _: &mut (), entry: Entry, w: &mut dyn Write) -> Result<()> {
        if !view.options.quiet {
            writeln!(w, "{}", escape_name(&entry.name))?;
        }
        Ok(())
    }
}

/// Checks a record, and that it is newer than the known one or the same. Nothing but this node's
/// own store is known while it is offline, and that is not asked then, as in Kubo.
async fn check(node: &Node, name: &Name, bytes: &Bytes) -> Result<()> {
    let record = Record::decode(bytes.clone())
        .map_err(|e| Error::new(format!("invalid IPNS record: {e}")))?;
    record
        .validate(name, Moment::now())
        .map_err(|e| Error::new(format!("record validation failed: {e}")))?;
    if !node.is_online() {
        return Ok(());
    }
    let find = Find {
        cached: false,
        ..Find::default()
    };
    let known = match node.names().record(name, &find).await {
        Err(basalt::ipns::Error::NoRecord) => return Ok(()),
        known => known.map_err(basalt::Error::Ipns)?,
    };
    match (known.sequence(), record.sequence()) {
        (Ok(present), Ok(new)) if present >= new && known.bytes() != bytes => {
            Err(Error::new(format!(
                "existing IPNS record has sequence {present} >= new record sequence {new}, use \
                 'ipfs name put --force' to skip this check"
            )))
        }
        _ => Ok(()),
    }
}
