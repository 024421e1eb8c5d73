//! From words to requests: the command line and the RPC's query string, in Kubo's grammar.

mod cli;
mod query;

use std::sync::Arc;
use std::time::Duration;

use basalt::repo::GoDuration;

pub use cli::{Line, command_line};
pub use query::{Refused, rpc};

use crate::files::Files;
use crate::options::Globals;
use crate::{Entry, Meta, Opt, OptionSet, table};

/// A command and what it is asked.
pub struct Request {
    /// The command.
    pub entry: &'static dyn Entry,
    /// Its arguments and options.
    pub meta: Arc<Meta>,
    /// What comes with the request.
    pub files: Option<Box<dyn Files>>,
}

/// Reads a duration in Go's notation. A negative one is no time at all.
pub fn duration(text: &str) -> Result<Duration, String> {
    let read = text.parse::<GoDuration>().map_err(|e| e.to_string())?;
    Ok(read.to_std().unwrap_or_default())
}

/// The option called `name` of the command or group at `path`, of one above it, or of every
/// command; the last is told by `true`.
pub(crate) fn find(path: &str, name: &str) -> Option<(&'static Opt, bool)> {
    let called = |opts: &'static [Opt]| opts.iter().find(|o| o.names.contains(&name));
    let mut at = Some(path);
    while let Some(path) = at {
        if let Some(opt) = table::find(path).and_then(|place| called(place.options())) {
            return Some((opt, false));
        }
        at = path.rsplit_once('/').map(|(parent, _)| parent);
    }
    called(Globals::SPEC).map(|o| (o, true))
}
