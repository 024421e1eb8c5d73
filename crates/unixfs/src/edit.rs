//! Changing what is stored: directories entry by entry, files byte by byte.
//!
//! A [`DirectoryEdit`] gives after every change the CID that Kubo's `files` commands give after the
//! same changes. That is mostly, but not always, the CID of a directory that is built afresh: Kubo
//! turns a directory into a HAMT as soon as it is too large, but looks whether a HAMT has become
//! small enough again only when it has lost more bytes than it has won *since it was opened*, and
//! it counts a few bytes too much or too little when it looks. So when to open a directory again
//! is part of the outcome, and of what Kubo does: it keeps directories open between commands
//! while a daemon runs, opens them again after a change of mode or modification time (which
//! [`DirectoryEdit::set_mode`] and [`DirectoryEdit::set_mtime`] imitate), and at a flush puts
//! again all entries it has looked at.
//!
//! Nothing is written before `flush`, which writes only what changed, children before parents. A
//! call that fails or is dropped half-way leaves what is edited as it was.

mod directory;
mod shard;

pub use directory::DirectoryEdit;
pub(crate) use shard::Shard;
