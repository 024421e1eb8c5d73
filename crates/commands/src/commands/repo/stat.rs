use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::commands::support::human_bytes;
use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `repo stat`.
    pub(crate) struct Options {
        /// Show only the sizes
        size_only: bool = ["size-only", "s"],
        /// Write sizes for people, such as 2 GB
        human: bool = ["human", "H"],
    }
}

/// `ipfs repo stat`.
pub(crate) struct Stat;

/// `ipfs stats repo`, the same.
pub(crate) struct StatsRepo;

/// Figures of the repository; sizes in bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Figures {
    repo_size: u64,
    storage_max: u64,
    num_objects: u64,
    repo_path: String,
    version: String,
}

async fn run(call: Call<Options>, out: Output<Figures>) -> Result<()> {
    let node = call.ctx.node().await?;
    let storage = node.storage()?;
    let mut figures = Figures {
        repo_size: storage.usage.disk_bytes,
        storage_max: storage.max,
        num_objects: 0,
        repo_path: String::new(),
        version: String::new(),
    };
    if !call.options.size_only {
        figures.num_objects = storage.usage.blocks;
        figures.repo_path = call.ctx.repo().to_string_lossy().into_owned();
        figures.version = format!("fs-repo@{}", basalt::REPO_VERSION);
    }
    out.once(figures).await
}

fn text(options: &Options, figures: &Figures, w: &mut dyn Write) -> Result<()> {
    let size = |bytes: u64| {
        if options.human {
            human_bytes(bytes)
        } else {
            bytes.to_string()
        }
    };
    if !options.size_only {
        writeln!(w, "NumObjects: {}", figures.num_objects)?;
    }
    writeln!(w, "RepoSize:   {}", size(figures.repo_size))?;
    writeln!(w, "StorageMax: {}", size(figures.storage_max))?;
    if !options.size_only {
        writeln!(w, "RepoPath:   {}", figures.repo_path)?;
        writeln!(w, "Version:    {}", figures.version)?;
    }
    Ok(())
}

macro_rules! figures_of_the_repo {
    ($command:ty, $path:literal) => {
        #[async_trait]
        impl Command for $command {
            type Options = Options;
            type Event = Figures;
            type State = ();

            const PATH: &'static str = $path;
            const ABOUT: About = About::new("Show how full the repository is.").text(
                "Shows in constant time:

  NumObjects  blocks in the store
  RepoSize    bytes that the repository takes on disk
  StorageMax  bytes that it may take, as Datastore.StorageMax says
  RepoPath    where it lies
  Version     the version of its layout",
            );

            async fn run(call: Call<Options>, out: Output<Figures>) -> Result<()> {
                run(call, out).await
            }

            fn text(
                view: &View<Options>,
                _: &mut (),
                event: Figures,
                w: &mut dyn Write,
            ) -> Result<()> {
                text(&view.options, &event, w)
            }
        }
    };
}

figures_of_the_repo!(Stat, "repo/stat");
figures_of_the_repo!(StatsRepo, "stats/repo");
