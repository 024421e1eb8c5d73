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
//! A [`FileEdit`] likewise gives what Kubo gives for the same seeks, writes and cuts, with two
//! exceptions, in which Kubo 0.43 loses bytes or fails:
//! - Where a node that holds bytes of the file itself, such as the root of a small file without raw
//!   leaves, has to grow, Kubo adds links beside the bytes, and from then on reads the links alone.
//!   Here the bytes move into a first leaf.
//! - What was inside its CID (at most 128 bytes) and becomes larger gets a CID with SHA2-256. Kubo
//!   makes an identity CID that is too long, and refuses it.
//!
//! Directories write nothing before `flush`, which writes only what changed; files also when their
//! buffer is full. Children come before parents. A call that fails or is dropped half-way leaves
//! what is edited as it was; blocks that were written for it by then are garbage, so whoever edits
//! holds a lease of the store.

mod directory;
mod file;
mod shard;

pub use directory::DirectoryEdit;
pub use file::{FileEdit, FileEditOptions};
pub(crate) use shard::Shard;
