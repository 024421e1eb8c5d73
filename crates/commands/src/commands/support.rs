//! What several commands share.

mod batches;
mod cid_text;
mod columns;
mod fast_provide;
mod hashing;
mod hex_dump;
mod humanize;
mod inode;
mod link_json;
mod name;
mod new_blocks;
mod online;
mod paths;
mod peer_addresses;
mod peer_text;
mod read;
mod removed;
mod repo;
mod single_cid;
mod strings;
mod time;

pub(crate) use batches::incoming;
pub(crate) use cid_text::CidText;
pub(crate) use columns::write_columns;
pub(crate) use fast_provide::fast_provide;
pub(crate) use hashing::hashing_failed;
pub(crate) use hex_dump::hex_dump;
pub(crate) use humanize::{binary_bytes, human_bytes};
pub(crate) use inode::open_inode;
pub(crate) use link_json::LinkJson;
pub(crate) use name::{Name, escape_name};
pub(crate) use new_blocks::{Keep, new_block, store};
pub(crate) use online::{NEEDS_ONLINE, online_action, online_command};
pub(crate) use paths::{parse_path, resolve, resolve_offline};
pub(crate) use peer_addresses::{
    PeerAddresses, addresses_with_peers, parse_addresses, parse_peer, peer_addresses,
    resolve_address,
};
pub(crate) use peer_text::PeerText;
pub(crate) use read::whole_file;
pub(crate) use removed::removed;
pub(crate) use repo::with_repo;
pub(crate) use single_cid::single_cid;
pub(crate) use strings::Strings;
pub(crate) use time::{MONTHS, civil, rfc3339};
