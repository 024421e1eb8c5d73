//! The command table: every command once, for the CLI, the RPC and the documentation.
//!
//! A command is one file whose path is the command's path (`pin/ls.rs` is `ipfs pin ls`). It says
//! its arguments and options ([`options!`]), what it does ([`Command::run`], which sends typed
//! events) and how an event reads as text ([`Command::text`]). The rest is derived from the
//! [`table`]: the RPC's paths, query strings and encodings, the CLI's grammar and help, completion,
//! the reference in `docs/` and the parity test against Kubo's own table.
//!
//! The grammar is Kubo's, not clap's: options stand anywhere, take values as `--name=value`,
//! `--name value` or `-nvalue`, numbers are read as Go reads them, and the errors are texts that
//! scripts match (see `docs/architecture.md`).

mod command;
mod completion;
mod context;
mod error;
pub mod files;
mod go_error;
pub mod help;
mod host;
mod logs;
mod number;
mod options;
mod output;
pub mod parse;
mod spec;
pub mod suggest;
pub mod table;
mod terminal;
mod threads;
pub mod xml;

mod commands;

pub use command::{Call, Command, Encoder, Encoding, Entry, Events, Meta, Out, View};
pub use commands::daemon::Options as DaemonOptions;
pub use commands::init_repo;
pub use commands::version::check::newer_version;
pub use commands::version::version_text;
pub use context::{ActiveRequest, Context, denylists};
pub use error::{Code, Error};
pub use go_error::go_error;
pub use host::Host;
pub use logs::{Level, Logs, logs};
pub use options::{Globals, OptionSet, OptionType, Parsed, Value};
pub use output::{Frame, Output, Reply};
pub use parse::Request;
pub use spec::{About, Arg, Kind, Opt, Spec, Status};
pub use terminal::Terminal;
pub use threads::threads;

/// The result of everything that a command does.
pub type Result<T, E = Error> = std::result::Result<T, E>;
