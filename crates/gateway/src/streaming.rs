//! A body whose length is not known before its end.

use std::collections::VecDeque;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;

use crate::answer::Pieces;
use crate::error::Error;
use crate::pace::Pace;

/// Makes a body piece by piece.
#[async_trait]
pub(crate) trait Source: Send {
    /// The next piece; nothing comes after an error.
    async fn next(&mut self) -> Option<Result<Bytes, Error>>;

    /// Holds as little as possible, and goes on so many bytes before the end of the last piece: they
    /// were not sent. False if they cannot be had again.
    fn rest(&mut self, unsent: usize) -> bool {
        unsent == 0
    }
}

#[async_trait]
impl Source for Pieces {
    async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        StreamExt::next(self).await
    }
}

/// Where the making of a body stands.
pub(crate) struct Streaming {
    pub(crate) pace: Pace,
    source: Box<dyn Source>,
    /// What was made before it is wanted.
    back: VecDeque<Result<Bytes, Error>>,
}

impl Streaming {
    pub(crate) fn new(source: impl Source + 'static, pace: Pace) -> Self {
        Self {
            pace,
            source: Box::new(source),
            back: VecDeque::new(),
        }
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        match self.back.pop_front() {
            Some(piece) => Some(piece),
            None => self.source.next().await,
        }
    }

    /// Puts back what was taken last; what is put back first comes last.
    pub(crate) fn put_back(&mut self, piece: Result<Bytes, Error>) {
        self.back.push_front(piece);
    }

    /// Holds as little as possible of what is to come. `unsent` is the rest of the last piece.
    pub(crate) fn rest(&mut self, unsent: Bytes) {
        // Only the last of what was made too early is long.
        match self.back.pop_back() {
            None if self.source.rest(unsent.len()) => return,
            None => {}
            Some(Ok(last)) if self.source.rest(last.len()) => {}
            Some(last) => self.back.push_back(last),
        }
        if !unsent.is_empty() {
            self.put_back(Ok(unsent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::Lanes;

    /// A body of numbers that can be read again up to ten of them.
    struct Numbers(u8);

    #[async_trait]
    impl Source for Numbers {
        async fn next(&mut self) -> Option<Result<Bytes, Error>> {
            let from = self.0;
            self.0 += 10;
            Some(Ok((from..self.0).collect::<Vec<_>>().into()))
        }

        fn rest(&mut self, unsent: usize) -> bool {
            let can = unsent <= 10;
            self.0 -= if can { unsent as u8 } else { 0 };
            can
        }
    }

    #[tokio::test]
    async fn what_was_not_sent_comes_again_and_nothing_comes_twice() {
        let mut body = Streaming::new(Numbers(0), Lanes::default().pace());
        let piece = body.next().await.unwrap().unwrap();
        body.rest(piece.slice(4..));
        assert!(body.back.is_empty());
        let piece = body.next().await.unwrap().unwrap();
        assert_eq!(piece[..], [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
        let more = body.next().await.unwrap().unwrap();
        body.put_back(Ok(more));
        body.put_back(Ok(piece.slice(8..)));
        let piece = body.next().await.unwrap().unwrap();
        assert_eq!(piece[..], [12, 13]);
        // The piece made too early is made again, the rest of this one kept.
        body.rest(piece.slice(1..));
        assert_eq!(body.back.len(), 1);
        for from in [13, 14, 24] {
            assert_eq!(body.next().await.unwrap().unwrap()[0], from);
        }
    }
}
