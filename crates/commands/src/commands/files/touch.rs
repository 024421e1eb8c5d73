use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use basalt::unixfs::Mtime;

use super::check_path;
use crate::{About, Arg, Call, Command, Output, Result, Status};

crate::options! {
    /// Options of `files touch`.
    pub(crate) struct Options {
        /// Seconds since 1970, before it negative
        mtime: i64 = ["mtime"],
        /// Nanoseconds on top of --mtime
        mtime_nsecs: u32 = ["mtime-nsecs"],
    }
}

/// `ipfs files touch`.
pub(crate) struct Touch;

#[async_trait]
impl Command for Touch {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "files/touch";
    const ABOUT: About =
        About::new("Set the modification time that is kept of a file or directory.")
            .text(
                "Without --mtime, it is now.

Example:

  > ipfs files touch --mtime 1630937926 /notes.txt",
            )
            .status(Status::Experimental)
            .no_text();
    const ARGS: &'static [Arg] = &[Arg::required("path", "The file or directory.")];

    async fn run(mut call: Call<Options>, _: Output<()>) -> Result<()> {
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let at = call.next_arg().await?.unwrap_or_default();
        let at = check_path(&at)?;
        let mtime = match call.options.mtime {
            0 => now(),
            seconds => moment(seconds, call.options.mtime_nsecs),
        };
        Ok(files.set_mtime(&at, mtime).await?)
    }
}

fn now() -> Mtime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Mtime {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: since.subsec_nanos(),
    }
}

/// Whole seconds among the nanoseconds are carried over.
fn moment(seconds: i64, nanos: u32) -> Mtime {
    const SECOND: u32 = 1_000_000_000;
    Mtime {
        seconds: seconds.saturating_add(i64::from(nanos / SECOND)),
        nanos: nanos % SECOND,
    }
}
