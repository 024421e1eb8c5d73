//! `ipfs object`: dag-pb nodes, in a way that is no longer recommended.

pub(crate) mod diff;
pub(crate) mod patch;

use super::support::removed;

removed! {
    "Removed: use 'ipfs dag' or 'ipfs files'.",
    "removed, use 'ipfs dag' or 'ipfs files' instead":
    Data = "object/data",
    Get = "object/get",
    Links = "object/links",
    New = "object/new",
    Put = "object/put",
    Stat = "object/stat",
    AppendData = "object/patch/append-data",
    SetData = "object/patch/set-data",
}
