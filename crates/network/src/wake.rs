//! A timer that a behaviour waits for in its `poll`.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, Sleep, sleep_until};

/// Wakes the task at a time, or at once when something has changed.
#[derive(Default)]
pub(crate) struct Wake {
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    waker: Option<Waker>,
}

impl Wake {
    /// Something has changed outside of `poll`.
    pub(crate) fn now(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Waits until `time`; for ever where there is none.
    pub(crate) fn poll_until(&mut self, time: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(time) = time else {
            self.timer = None;
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if time <= Instant::now() {
            self.timer = None;
            return Poll::Ready(());
        }
        if self.timer.as_ref().is_none_or(|(set, _)| *set != time) {
            self.timer = Some((time, Box::pin(sleep_until(time))));
        }
        let fired = match &mut self.timer {
            Some((_, sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        };
        match fired {
            Poll::Ready(()) => self.timer = None,
            Poll::Pending => self.waker = Some(cx.waker().clone()),
        }
        fired
    }
}
