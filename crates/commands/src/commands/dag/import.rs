use std::io::Write;

use async_trait::async_trait;
use basalt::{CarImportOptions, CarImportStats, KeptBy, PinnedRoot};
use serde::{Deserialize, Serialize};

use crate::commands::support::{CidText, LinkJson, fast_provide};
use crate::files::NodeKind;
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `dag import`.
    pub(crate) struct Options {
        /// Pin the roots that the CARs name when all of them are read; the default
        pin_roots: Option<bool> = ["pin-roots"],
        /// Take partial CARs, as 'dag export --local-only' writes them; implies --pin-roots=false
        local_only: bool = ["local-only"],
        /// Write nothing
        silent: bool = ["silent"],
        /// Write how many blocks and bytes there were
        stats: bool = ["stats"],
        /// Announce the roots at once
        fast_provide_root: Option<bool> = ["fast-provide-root"],
        /// Announce the whole DAGs, as Provide.Strategy says
        fast_provide_dag: Option<bool> = ["fast-provide-dag"],
        /// Wait until it is announced
        fast_provide_wait: Option<bool> = ["fast-provide-wait"],
        /// Allow blocks over 2MiB; other nodes will not take them
        allow_big_block: bool = ["allow-big-block"] default "false",
    }
}

/// `ipfs dag import`.
pub(crate) struct Import;

/// A root that was pinned or could not be, or at the end the totals.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Imported {
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<Root>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Stats>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Root {
    cid: LinkJson,
    /// Why it is not pinned; empty if it is.
    #[serde(rename = "PinErrorMsg")]
    error: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Stats {
    block_count: u64,
    block_bytes_count: u64,
}

#[async_trait]
impl Command for Import {
    type Options = Options;
    type Event = Imported;
    type State = ();

    const PATH: &'static str = "dag/import";
    const ABOUT: About = About::new("Store the blocks of CARs and pin their roots.").text(
        "Stores every block of CAR files (CARv1 or CARv2), or of standard input, each checked
against its CID. When all files are read and all blocks are on disk, the roots that their headers name
are pinned recursively, unless --pin-roots=false. So a DAG may be spread over several files.

Nothing is fetched for that: a root is pinned if its whole DAG is here by then. A file that is torn or
whose blocks are not what their CIDs say ends the import, and nothing is pinned.

Example:

  > ipfs dag export <cid> | ipfs dag import --stats",
    );
    const ARGS: &'static [Arg] = &[Arg::file("path", "The CARs.").variadic().stdin()];

    async fn run(mut call: Call<Options>, out: Output<Imported>) -> Result<()> {
        let mut files = call.take_files()?;
        let node = call.ctx.node().await?;
        let options = &call.options;
        if options.local_only && options.pin_roots == Some(true) {
            return Err(Error::new(
                "--local-only implies --pin-roots=false and cannot be combined with --pin-roots=true; please drop one of them",
            ));
        }
        let pin_roots = options.pin_roots.unwrap_or(true) && !options.local_only;
        let mut import = node.import_cars(CarImportOptions {
            pin_roots,
            allow_big_blocks: options.allow_big_block,
        });
        while let Some(entry) = files.next().await? {
            if entry.kind != NodeKind::File {
                return Err(Error::new("expected a file handle"));
            }
            while !import.is_car_done()
                && let Some(bytes) = files.chunk().await?
            {
                import.write(bytes).await?;
            }
            import.end_car().await?;
        }
        let mut imported = import.finish().await?;
        let mut pinned = Vec::new();
        if pin_roots {
            loop {
                let roots = imported.pin_next().await?;
                if roots.is_empty() {
                    break;
                }
                for root in roots {
                    if root.error.is_none() {
                        pinned.push(root.cid);
                    }
                    out.emit(root.into()).await?;
                }
            }
        }
        let options = &call.options;
        let how = [
            options.fast_provide_root,
            options.fast_provide_dag,
            options.fast_provide_wait,
        ];
        fast_provide(node, &pinned, KeptBy::PIN, how).await?;
        if call.options.stats {
            out.emit(imported.stats().into()).await?;
        }
        Ok(())
    }

    fn text(view: &View<Options>, _: &mut (), event: Imported, w: &mut dyn Write) -> Result<()> {
        if view.options.silent {
            return Ok(());
        }
        match event {
            Imported {
                root: Some(root),
                stats: None,
            } => {
                let cids = CidText::new(&view.meta.globals)?;
                let (cid, _) = basalt::block::parse_cid(&root.cid.cid).map_err(Error::new)?;
                let cid = cids.write(&cid);
                if !root.error.is_empty() {
                    return Err(Error::new(format!(
                        "pinning root \"{cid}\" FAILED: {}",
                        root.error
                    )));
                }
                writeln!(w, "Pinned root\t{cid}\tsuccess")?;
            }
            Imported {
                root: None,
                stats: Some(stats),
            } => {
                if view.options.stats {
                    writeln!(
                        w,
                        "Imported {} blocks ({} bytes)",
                        stats.block_count, stats.block_bytes_count
                    )?;
                }
            }
            _ => return Err(Error::new("unexpected message from DAG import")),
        }
        Ok(())
    }
}

impl From<PinnedRoot> for Imported {
    fn from(root: PinnedRoot) -> Self {
        Self {
            root: Some(Root {
                cid: LinkJson::new(&root.cid),
                error: root.error.unwrap_or_default(),
            }),
            stats: None,
        }
    }
}

impl From<CarImportStats> for Imported {
    fn from(stats: CarImportStats) -> Self {
        Self {
            root: None,
            stats: Some(Stats {
                block_count: stats.blocks,
                block_bytes_count: stats.bytes,
            }),
        }
    }
}
