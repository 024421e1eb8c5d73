use std::io::Write;

use async_trait::async_trait;

use super::{OPTIONS, check_path};
use crate::{About, Arg, Call, Command, Error, Output, Result, Value, View};

crate::options! {
    /// Options of `files rm`.
    pub(crate) struct Options {
        /// Remove directories with everything in them
        recursive: bool = ["recursive", "r"],
        /// Remove whatever it is, also what cannot be read; nothing there is no error
        force: bool = ["force"],
    }
}

/// `ipfs files rm`.
pub(crate) struct Rm;

#[async_trait]
impl Command for Rm {
    type Options = Options;
    type Event = String;
    type State = ();

    const PATH: &'static str = "files/rm";
    const ABOUT: About = About::new("Remove files and directories from the tree.")
        .text(
            "What is removed stays in the store until a garbage collection, unless it is pinned.

Examples:

  > ipfs files rm /notes.txt
  > ipfs files rm -r /photos/2023",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::required("path", "What is removed.").variadic()];

    async fn run(mut call: Call<Options>, out: Output<String>) -> Result<()> {
        if call.meta.parsed.get(&OPTIONS[0]) == Some(Value::Bool(false)) {
            return Err(Error::new(
                "files rm always flushes for safety. The --flush flag cannot be set to false for this command",
            ));
        }
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let mut failed = Vec::new();
        while let Some(arg) = call.next_arg().await? {
            let path = match check_path(&arg) {
                Ok(path) => path,
                Err(e) => {
                    failed.push(format!("{arg} is not a valid path: {}", e.message));
                    continue;
                }
            };
            let options = &call.options;
            if let Err(e) = files.remove(&path, options.recursive, options.force).await {
                failed.push(format!("{path}: {e}"));
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        for line in failed {
            out.emit(line).await?;
        }
        Err(Error::new("can't remove some files"))
    }

    fn text(_: &View<Options>, _: &mut (), line: String, w: &mut dyn Write) -> Result<()> {
        w.write_all(line.as_bytes())?;
        Ok(())
    }
}
