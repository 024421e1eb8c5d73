//! What the tables of provider records and of values have in common.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::{RecordBatch, Records, Result};

/// How long records of others are kept.
pub(super) const AGE: Duration = Duration::from_secs(48 * 60 * 60);
/// Records that are looked at in one visit of the store.
const PAGE: usize = 1024;

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

/// A value and when it came.
pub(super) fn stamped(value: &[u8]) -> Bytes {
    [&now().to_be_bytes(), value].concat().into()
}

/// When a value came, and the value, unless its time is over.
pub(super) fn fresh(stored: &Bytes) -> Option<(u64, Bytes)> {
    let time = u64::from_be_bytes(*stored.first_chunk::<8>()?);
    (time.saturating_add(AGE.as_secs()) > now()).then(|| (time, stored.slice(8..)))
}

/// Deletes the records of a table whose time is over; returns how many are left.
pub(super) async fn expire(records: &dyn Records, table: &[u8]) -> Result<usize> {
    let (mut after, mut left): (Option<Bytes>, usize) = (None, 0);
    loop {
        let page = records.scan(table, after.as_deref(), PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(left);
        };
        after = Some(last.clone());
        let over: RecordBatch = page
            .iter()
            .filter(|(_, stored)| fresh(stored).is_none())
            .map(|(key, _)| (key.clone(), None))
            .collect();
        left += page.len() - over.len();
        if !over.is_empty() {
            records.write(over).await?;
        }
    }
}
