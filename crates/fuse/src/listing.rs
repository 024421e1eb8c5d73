//! A directory that is being read.

use futures::StreamExt;

use crate::attributes::Kind;
use crate::errno::Answer;
use crate::tree::{Row, Rows, Tree};

/// The rows of a directory from where its reader is. The place of a row is how many come before it.
pub(crate) struct Listing {
    ino: u64,
    rows: Rows,
    at: u64,
    /// A row that was read but did not fit.
    left: Option<Row>,
}

const DOTS: [&[u8]; 2] = [b".", b".."];

impl Listing {
    pub(crate) async fn open(tree: &dyn Tree, ino: u64) -> Answer<Self> {
        Ok(Self {
            ino,
            rows: tree.rows(ino).await?,
            at: 0,
            left: None,
        })
    }

    /// Goes to a place: the next one, as a rule; else the directory is read again from its beginning.
    pub(crate) async fn go_to(&mut self, tree: &dyn Tree, place: u64) -> Answer<()> {
        if place == self.at {
            return Ok(());
        }
        if place < self.at {
            *self = Self::open(tree, self.ino).await?;
        }
        while self.at < place && self.next().await?.is_some() {}
        Ok(())
    }

    /// The next row.
    pub(crate) async fn next(&mut self) -> Answer<Option<Row>> {
        let row = match usize::try_from(self.at).ok().and_then(|at| DOTS.get(at)) {
            Some(dots) => Some(Row {
                name: (*dots).into(),
                kind: Kind::Directory,
            }),
            None => match self.left.take() {
                Some(row) => Some(row),
                None => self.rows.next().await.transpose()?,
            },
        };
        self.at += u64::from(row.is_some());
        Ok(row)
    }

    /// Takes back the row that was read last.
    pub(crate) fn put_back(&mut self, row: Row) {
        self.at -= 1;
        // Dots come from their places.
        if self.at >= DOTS.len() as u64 {
            self.left = Some(row);
        }
    }

    /// Where the next row is.
    pub(crate) fn place(&self) -> u64 {
        self.at
    }
}
