//! Several sorted sources as one.

use std::cmp::Ordering;
use std::path::PathBuf;

use super::table::Table;
use crate::Result;

/// The length of what follows a key: the number of the write, and whether it is a deletion.
const SUFFIX: usize = 8;
const VALUE: u8 = 1;

/// The key as the user gave it.
pub(super) fn user_key(internal: &[u8]) -> Option<&[u8]> {
    let (key, _) = internal.split_last_chunk::<SUFFIX>()?;
    Some(key)
}

/// Internal key and value.
pub(super) type Row = (Vec<u8>, Vec<u8>);

fn parts(internal: &[u8]) -> (&[u8], u64) {
    match internal.split_last_chunk::<SUFFIX>() {
        Some((key, suffix)) => (key, u64::from_le_bytes(*suffix)),
        None => (internal, 0),
    }
}

/// By key, later writes first.
pub(super) fn order(a: &[u8], b: &[u8]) -> Ordering {
    let ((a, a_number), (b, b_number)) = (parts(a), parts(b));
    a.cmp(b).then(b_number.cmp(&a_number))
}

/// A sorted source.
pub(super) enum Source {
    /// What the logs hold, backwards.
    Logged(Vec<Row>),
    /// Tables that do not overlap, backwards, and the one that is being read.
    Tables(Vec<PathBuf>, Option<Box<Table>>),
}

impl Source {
    fn next(&mut self, from: &[u8]) -> Result<Option<Row>> {
        match self {
            Self::Logged(rows) => {
                while let Some(row) = rows.pop() {
                    if user_key(&row.0).is_some_and(|key| key >= from) {
                        return Ok(Some(row));
                    }
                }
                Ok(None)
            }
            Self::Tables(paths, open) => loop {
                if let Some(table) = open {
                    if let Some(row) = table.next(from)? {
                        return Ok(Some(row));
                    }
                    *open = None;
                }
                match paths.pop() {
                    Some(path) => *open = Some(Box::new(Table::open(&path)?)),
                    None => return Ok(None),
                }
            },
        }
    }
}

/// The rows of all sources from a key on, each key once with its last value.
pub(super) struct Merge {
    from: Vec<u8>,
    sources: Vec<(Source, Option<Row>)>,
    last: Option<Vec<u8>>,
}

impl Merge {
    pub(super) fn new(from: &[u8], sources: Vec<Source>) -> Result<Self> {
        let mut merge = Self {
            from: from.to_owned(),
            sources: Vec::new(),
            last: None,
        };
        for mut source in sources {
            let first = source.next(from)?;
            merge.sources.push((source, first));
        }
        Ok(merge)
    }

    /// The next key of the user's and its value.
    pub(super) fn next(&mut self) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        loop {
            let heads = self.sources.iter_mut().filter(|(_, head)| head.is_some());
            let least = heads.min_by(|(_, a), (_, b)| match (a, b) {
                (Some(a), Some(b)) => order(&a.0, &b.0),
                _ => Ordering::Equal,
            });
            let Some((source, head)) = least else {
                return Ok(None);
            };
            let Some((internal, value)) = head.take() else {
                return Ok(None);
            };
            *head = source.next(&self.from)?;
            let (key, number) = parts(&internal);
            if self.last.as_deref() == Some(key) {
                continue;
            }
            self.last = Some(key.to_owned());
            if number as u8 == VALUE {
                return Ok(Some((key.to_owned(), value)));
            }
        }
    }
}
