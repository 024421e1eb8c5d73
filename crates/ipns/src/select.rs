//! Which of several records of a name counts.

use std::cmp::Ordering;

use crate::{Record, Result};

impl Record {
    /// Compares two valid records of one name: the newer is greater. The order is total: records
    /// that say the same at the same time are ordered by their bytes.
    ///
    /// # Errors
    /// When one of them lacks what they are compared by.
    pub fn compare(&self, other: &Self) -> Result<Ordering> {
        let signed = |record: &Self| record.fields.signature_v2.is_some();
        let by_signature = signed(self).cmp(&signed(other));
        if by_signature.is_ne() {
            return Ok(by_signature);
        }
        let by_sequence = self.sequence()?.cmp(&other.sequence()?);
        if by_sequence.is_ne() {
            return Ok(by_sequence);
        }
        Ok(self
            .validity()?
            .cmp(&other.validity()?)
            .then_with(|| self.bytes().cmp(other.bytes())))
    }
}

/// The place of the best record; `None` when there are none.
///
/// # Errors
/// As [`Record::compare`].
pub fn best(records: &[Record]) -> Result<Option<usize>> {
    let mut best = 0;
    for (at, record) in records.iter().enumerate().skip(1) {
        if records[best].compare(record)?.is_lt() {
            best = at;
        }
    }
    Ok((!records.is_empty()).then_some(best))
}
