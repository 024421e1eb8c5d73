use std::io::Write;

use basalt::Cid;
use basalt::block::{codec, parse_cid};
use basalt::filestore::{Found, Status};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::commands::support::{CidText, LinkJson};

pub(crate) mod dups;
pub(crate) mod ls;
pub(crate) mod verify;

/// A reference, and how it is.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Row {
    status: i32,
    error_msg: String,
    key: Option<LinkJson>,
    file_path: String,
    offset: u64,
    size: u64,
}

impl Row {
    fn of(found: Found) -> Self {
        let status = found.status() as i32;
        let key = Cid::new_v1(codec::RAW, found.hash);
        let mut row = Self {
            status,
            error_msg: found.broken.map(|b| b.message).unwrap_or_default(),
            key: Some(LinkJson::new(&key)),
            ..Self::default()
        };
        if let Some(reference) = found.reference {
            row.file_path = String::from_utf8_lossy(&reference.path).into_owned();
            row.offset = reference.offset;
            row.size = reference.size;
        }
        row
    }

    /// What an argument that is no CID comes to.
    fn refused(argument: &str, why: &str) -> Self {
        Self {
            status: Status::Other as i32,
            error_msg: format!("{argument}: {why}"),
            ..Self::default()
        }
    }

    /// The word for its status, padded.
    fn word(&self) -> String {
        use Status::{Changed, FileError, Missing, NoFile, Ok, Other};
        let all = [Ok, FileError, NoFile, Changed, Other, Missing];
        let known = all.into_iter().find(|s| *s as i32 == self.status);
        format!("{:<7}", known.map_or("???", Status::name))
    }

    fn is_bad(&self) -> bool {
        self.status != Status::Ok as i32 && self.status != Status::Other as i32
    }

    fn write(&self, cids: &CidText, w: &mut dyn Write) -> Result<()> {
        let Some(key) = &self.key else {
            return Ok(write!(w, "<corrupt key>")?);
        };
        if self.file_path.is_empty() {
            return Ok(write!(w, "{}", key.cid)?);
        }
        let cid = match parse_cid(&key.cid) {
            Ok((cid, _)) => cids.write(&cid),
            Err(_) => key.cid.clone(),
        };
        let (size, path, offset) = (self.size, &self.file_path, self.offset);
        Ok(write!(w, "{cid:<50} {size:>6} {path} {offset}")?)
    }
}
