use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// A search whose results are taken one by one; dropping it ends it.
pub(super) struct Search<'a, T> {
    search: BoxFuture<'a, ()>,
    over: bool,
    found: mpsc::Receiver<T>,
    end: Instant,
}

impl<'a, T> Search<'a, T> {
    /// A search that has time until `end` and puts its results where `found` gets them from.
    pub(super) fn new(search: BoxFuture<'a, ()>, found: mpsc::Receiver<T>, end: Instant) -> Self {
        Self {
            search,
            over: false,
            found,
            end,
        }
    }

    /// The next result; `None` when there are no more, or the time is over.
    pub(super) async fn next(&mut self) -> Option<T> {
        loop {
            tokio::select! {
                biased;
                next = self.found.recv() => return next,
                () = &mut self.search, if !self.over => self.over = true,
                () = sleep_until(self.end) => return None,
            }
        }
    }
}
