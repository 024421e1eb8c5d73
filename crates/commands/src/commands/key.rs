//! `ipfs key`.

pub(crate) mod export;
// The word is reserved in Rust.
pub(crate) mod r#gen;
pub(crate) mod import;
pub(crate) mod ls;
pub(crate) mod rename;
pub(crate) mod rm;
pub(crate) mod rotate;
pub(crate) mod sign;
pub(crate) mod verify;

use std::io::Write;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::commands::support::{escape_name, whole_file, write_columns};
use crate::{Call, Error, Result};

/// A key: what it is called and its ID.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) id: String,
}

/// Several keys.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyList {
    keys: Vec<Key>,
}

/// Writes names, or names beside their IDs.
fn write_keys(list: &KeyList, with_ids: bool, w: &mut dyn Write) -> Result<()> {
    let line = |key: &Key| match with_ids {
        true => format!("{}\t{}\t", key.id, escape_name(&key.name)),
        false => escape_name(&key.name),
    };
    let lines: Vec<String> = list.keys.iter().map(line).collect();
    write_columns(w, &lines, 1)?;
    Ok(())
}

/// What is signed or verified is held in memory; more than this is refused, in bytes.
const MOST: usize = 256 << 20;

/// The data to sign or to verify.
async fn data<O>(call: &mut Call<O>) -> Result<Bytes> {
    let mut files = call.take_files()?;
    if files.next().await?.is_none() {
        return Err(Error::client("file argument 'data' is required"));
    }
    whole_file(&mut *files, MOST, "data of more than 256MiB is not signed").await
}
