//! The format of logs and manifests: records cut into fragments in blocks of 32 KiB.

use super::{checksum, varint};

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// The records of a file. Ends where the file ends, whole or torn; an error is its last item.
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next fragment; `None` at the end, which may be a torn one.
    fn fragment(&mut self) -> Result<Option<(u8, &'a [u8])>, String> {
        loop {
            let left = BLOCK - self.at % BLOCK;
            if left < HEADER {
                self.at += left;
                continue;
            }
            let Some(header) = self.bytes.get(self.at..self.at + HEADER) else {
                return Ok(None);
            };
            let kind = header[6];
            let len = usize::from(u16::from_le_bytes([header[4], header[5]]));
            if kind == 0 && len == 0 {
                // Room that was set aside and not used.
                self.at += left;
                continue;
            }
            let begin = self.at + HEADER;
            let Some(data) = self.bytes.get(begin..begin + len) else {
                return Ok(None);
            };
            let sum = varint::u32_at(header, 0);
            let torn = || format!("a fragment at offset {} is damaged", self.at);
            if len > left - HEADER || sum != Some(checksum::masked(&[&[kind], data])) {
                return Err(torn());
            }
            self.at = begin + len;
            return Ok(Some((kind, data)));
        }
    }

    fn record(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut record: Option<Vec<u8>> = None;
        loop {
            let at = self.at;
            let Some((kind, data)) = self.fragment()? else {
                return Ok(None);
            };
            match (kind, &mut record) {
                (FULL, None) => return Ok(Some(data.to_vec())),
                (FIRST, None) => record = Some(data.to_vec()),
                (MIDDLE, Some(record)) => record.extend_from_slice(data),
                (LAST, Some(_)) => {
                    if let Some(record) = &mut record {
                        record.extend_from_slice(data);
                    }
                    return Ok(record);
                }
                _ => return Err(format!("a fragment at offset {at} is out of order")),
            }
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Vec<u8>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.record();
        if !matches!(record, Ok(Some(_))) {
            self.at = self.bytes.len();
            self.bytes = &[];
        }
        record.transpose()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes records as leveldb does.
    pub(in super::super) fn write(records: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for record in records {
            let mut rest = record.as_slice();
            let mut begun = false;
            loop {
                let left = BLOCK - out.len() % BLOCK;
                if left < HEADER {
                    out.resize(out.len() + left, 0);
                    continue;
                }
                let part = rest.len().min(left - HEADER);
                let (data, after) = rest.split_at(part);
                let kind = match (begun, after.is_empty()) {
                    (false, true) => FULL,
                    (false, false) => FIRST,
                    (true, false) => MIDDLE,
                    (true, true) => LAST,
                };
                out.extend(checksum::masked(&[&[kind], data]).to_le_bytes());
                out.extend((part as u16).to_le_bytes());
                out.push(kind);
                out.extend(data);
                (rest, begun) = (after, true);
                if rest.is_empty() {
                    break;
                }
            }
        }
        out
    }

    #[test]
    fn records_of_all_sizes_come_back_and_torn_ends_are_left_out() {
        let records: Vec<Vec<u8>> = [0, 1, 32_761, 5, 100_000, 32_750, 7]
            .iter()
            .map(|n| (0..*n).map(|b| b as u8).collect())
            .collect();
        let file = write(&records);
        let read: Vec<_> = Records::new(&file).collect::<Result<_, _>>().unwrap();
        assert_eq!(read, records);
        let torn = &file[..file.len() - 1];
        let read: Vec<_> = Records::new(torn).collect::<Result<_, _>>().unwrap();
        assert_eq!(read, records[..6]);
        let mut bad = file.clone();
        bad[20] ^= 1;
        let read: Vec<_> = Records::new(&bad).collect();
        assert!(read.last().is_some_and(Result::is_err), "{}", read.len());
    }
}
