use std::io::Write;

use async_trait::async_trait;

use super::{CodeAndName, names::offered_bases};
use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `cid bases`.
    pub(crate) struct Options {
        /// Show the letter of each base
        prefix: bool = ["prefix"],
        /// Show the code of each base
        numeric: bool = ["numeric"],
    }
}

/// `ipfs cid bases`.
pub(crate) struct Bases;

/// `ipfs multibase list`, the same.
pub(crate) struct List;

fn rows() -> Vec<CodeAndName> {
    let row = |(base, name): (basalt::block::Base, &str)| {
        let code = u64::from(u32::from(base.code()));
        // The identity base's letter is a NUL byte.
        CodeAndName {
            code,
            name: name.to_owned(),
        }
    };
    let mut rows: Vec<_> = offered_bases().map(row).collect();
    // Lower case first.
    let lower = |code: u64| u8::try_from(code).map_or(code, |c| u64::from(c.to_ascii_lowercase()));
    rows.sort_by_key(|row| (lower(row.code), std::cmp::Reverse(row.code)));
    rows
}

fn text(options: &Options, rows: Vec<CodeAndName>, w: &mut dyn Write) -> Result<()> {
    for CodeAndName { code, name } in rows {
        let letter = u32::try_from(code)
            .ok()
            .and_then(char::from_u32)
            .filter(|c| !c.is_control())
            .unwrap_or(' ');
        match (options.prefix, options.numeric) {
            (true, true) => writeln!(w, "{letter} {code:7}  {name}")?,
            (true, false) => writeln!(w, "{letter}  {name}")?,
            (false, true) => writeln!(w, "{code:7}  {name}")?,
            (false, false) => writeln!(w, "{name}")?,
        }
    }
    Ok(())
}

macro_rules! list_of_bases {
    ($command:ty, $path:literal) => {
        #[async_trait]
        impl Command for $command {
            type Options = Options;
            type Event = Vec<CodeAndName>;
            type State = ();

            const PATH: &'static str = $path;
            const ABOUT: About = About::new("List the multibases.").no_repo();

            async fn run(_: Call<Options>, out: Output<Vec<CodeAndName>>) -> Result<()> {
                out.once(rows()).await
            }

            fn text(
                view: &View<Options>,
                _: &mut (),
                event: Vec<CodeAndName>,
                w: &mut dyn Write,
            ) -> Result<()> {
                text(&view.options, event, w)
            }
        }
    };
}

list_of_bases!(Bases, "cid/bases");
list_of_bases!(List, "multibase/list");
