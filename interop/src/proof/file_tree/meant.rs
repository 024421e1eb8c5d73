//! Where Basalt means to differ. A walk ends there: the trees are no longer the same.

use super::plan::Step;
use crate::proof::client::Answer;

/// Bytes that stand in the root of a file are no longer read once there are links beside them.
pub(super) const LOST: &str = "Kubo loses what a file had in its root when it grows";

/// Whether there is something to remove is decided by the names of the two directories alone.
pub(super) const LEFT: &str =
    "Kubo leaves what it moves to another directory of the same name where it was, too";

/// After a directory was moved into itself, for one.
pub(super) const ENDED: &str = "Kubo's daemon ends or answers no more";

/// A HAMT that is small becomes an ordinary directory when something in it is changed.
pub(super) const LOOKED_AT: &str =
    "in Kubo a small HAMT turns into another directory when an entry is merely looked at";

/// Why the two answers differ, if that is meant.
pub(super) fn why(step: &Step, kubo: &Answer, basalt: &Answer) -> Option<&'static str> {
    let refused = |text: &str| basalt.as_ref().is_err_and(|error| error.contains(text));
    if step.is("mv") && kubo != basalt && refused("into itself") {
        return Some("Kubo moves a directory into itself, and it is gone");
    }
    None
}
