//! Signals that end the program: the first asks, the second does not wait.

use std::io::{self, Write};
use std::time::Duration;

use basalt_commands::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code at the second signal.
const FORCED: u8 = 255;

/// Whether the user wants the program to end; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(CancellationToken);

impl Interrupt {
    /// Catches SIGHUP, SIGINT and SIGTERM from now on. A program that does not end within `grace`
    /// after the first one is ended where it stands: what is durable does not depend on a good end.
    pub(crate) fn install(grace: Option<Duration>) -> Result<Self> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let token = CancellationToken::new();
        let asked = token.clone();
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = hangup.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            };
            next().await;
            // The terminal has written ^C into the line.
            say("\n");
            asked.cancel();
            match grace {
                None => next().await,
                Some(grace) => {
                    // A command may be busy and never ask whether it shall end.
                    if tokio::time::timeout(grace, next()).await.is_err() {
                        crate::end::end(FORCED);
                    }
                }
            }
            say("Received another interrupt before graceful shutdown, terminating...\n");
            crate::end::end(FORCED);
        });
        Ok(Self(token))
    }

    /// Resolves at the first signal.
    pub(crate) async fn asked(&self) {
        self.0.cancelled().await;
    }
}

/// Writes to standard output, whose reader may have gone.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
