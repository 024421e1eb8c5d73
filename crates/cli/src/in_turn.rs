//! Files from one place after the other.

use std::collections::VecDeque;

use async_trait::async_trait;
use basalt_commands::Result;
use basalt_commands::files::{FileEntry, Files};
use bytes::Bytes;

/// What comes from each, one after the other.
pub(crate) struct InTurn(VecDeque<Box<dyn Files>>);

impl InTurn {
    pub(crate) fn new(all: impl IntoIterator<Item = Box<dyn Files>>) -> Self {
        Self(all.into_iter().collect())
    }
}

#[async_trait]
impl Files for InTurn {
    async fn next(&mut self) -> Result<Option<FileEntry>> {
        while let Some(files) = self.0.front_mut() {
            if let Some(entry) = files.next().await? {
                return Ok(Some(entry));
            }
            self.0.pop_front();
        }
        Ok(None)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match self.0.front_mut() {
            Some(files) => files.chunk().await,
            None => Ok(None),
        }
    }
}
