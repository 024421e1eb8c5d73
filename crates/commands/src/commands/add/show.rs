//! What `add` shows on a terminal.

use std::time::{Duration, Instant};

use super::AddEvent;
use super::options::Options;
use crate::commands::support::{Name, human_bytes};
use crate::{Events, Out, Result, Terminal, View};

/// How often progress is shown.
const EVERY: Duration = Duration::from_millis(100);

/// Sums the bytes of files as their events come: each file counts up from nothing.
#[derive(Default)]
struct Progress {
    file: Name,
    in_file: u64,
    before: u64,
}

impl Progress {
    fn note(&mut self, event: &AddEvent) -> u64 {
        if event.name != self.file || event.bytes < self.in_file {
            self.before += self.in_file;
            self.file = event.name.clone();
        }
        self.in_file = event.bytes;
        self.before + self.in_file
    }
}

pub(super) async fn show(
    view: &View<Options>,
    mut events: Events<AddEvent>,
    term: &mut Terminal,
) -> Result<()> {
    let options = &view.options;
    let quiet = options.quiet || options.quieter;
    let mut progress = Progress::default();
    let (mut last, mut shown) = (String::new(), None::<Instant>);
    let began = Instant::now();
    let ended = loop {
        let event = match events.next().await {
            Ok(Some(Out::Event(event))) => event,
            Ok(Some(_)) => continue,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        if event.hash.is_empty() {
            let done = progress.note(&event);
            if shown.is_none_or(|at| at.elapsed() >= EVERY) {
                shown = Some(Instant::now());
                let rate = done as f64 / began.elapsed().as_secs_f64().max(1e-3);
                term.progress(&format!(
                    "{}  {}/s",
                    human_bytes(done),
                    human_bytes(rate as u64)
                ))?;
            }
            continue;
        }
        last = event.hash.clone();
        if options.quieter {
            continue;
        }
        if shown.take().is_some() {
            term.clear_progress()?;
        }
        if quiet {
            writeln!(term.out, "{}", event.hash)?;
        } else {
            write!(term.out, "added {} ", event.hash)?;
            term.out.write_all(&event.name.shown())?;
            term.out.write_all(b"\n")?;
        }
    };
    if shown.is_some() {
        term.clear_progress()?;
    }
    if options.quieter && !last.is_empty() {
        writeln!(term.out, "{last}")?;
    }
    term.out.flush()?;
    ended
}
