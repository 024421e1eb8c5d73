//! What takes events from `tracing`.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::{Level, Logs, line::Line, logs};

/// Writes each wanted event as a line. Spans are not wanted: no line shows them.
pub(super) struct Lines;

fn wanted(metadata: &Metadata<'_>) -> bool {
    let level = Level::of(*metadata.level());
    metadata.is_event() && level.is_some_and(|level| logs().wants(metadata.target(), level))
}

impl<S: Subscriber> Layer<S> for Lines {
    // Asked once for each place in the code and again when a level changes: events that are not
    // wanted cost nothing.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if wanted(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        wanted(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match logs().lowest() {
            Level::Debug => LevelFilter::DEBUG,
            Level::Info => LevelFilter::INFO,
            Level::Warn => LevelFilter::WARN,
            Level::Error => LevelFilter::ERROR,
            _ => LevelFilter::OFF,
        })
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(level) = Level::of(*event.metadata().level()) else {
            return;
        };
        logs().write(&Line::of(level, event));
    }
}

impl Logs {
    fn write(&self, line: &Line) {
        self.sink
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .write(line);
        if self.tails.receiver_count() > 0 {
            // Nobody may be there any more; that is no loss.
            let _ = self.tails.send((line.level, line.json().into()));
        }
    }
}
