//! What a lookup does, as commands tell it.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use basalt::routing::{Event, EventKind, Events, PeerInfo};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{Output, Result};

/// An event as Kubo's RPC has it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct QueryEvent {
    pub(crate) extra: String,
    #[serde(rename = "ID")]
    pub(crate) id: String,
    pub(crate) responses: Option<Vec<Located>>,
    #[serde(rename = "Type")]
    pub(crate) kind: u8,
}

/// A peer and where it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Located {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    pub(crate) addrs: Vec<String>,
}

impl From<PeerInfo> for Located {
    fn from(peer: PeerInfo) -> Self {
        Self {
            id: peer.id.to_string(),
            addrs: peer.addresses.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<Event> for QueryEvent {
    fn from(event: Event) -> Self {
        let responses: Vec<_> = event.responses.into_iter().map(Located::from).collect();
        Self {
            extra: event.extra,
            id: event.peer.map(|peer| peer.to_string()).unwrap_or_default(),
            responses: Some(responses).filter(|all| !all.is_empty()),
            kind: event.kind as u8,
        }
    }
}

/// Does `work`, sending on what it tells as it tells it.
pub(crate) async fn watch<T>(
    out: &Output<QueryEvent>,
    work: impl AsyncFnOnce(Events) -> T,
) -> Result<T> {
    let (events, seen) = Events::watched();
    let (done, sent) = tokio::join!(work(events), send_on(out, seen));
    sent?;
    Ok(done)
}

async fn send_on(out: &Output<QueryEvent>, mut seen: mpsc::Receiver<Event>) -> Result<()> {
    while let Some(event) = seen.recv().await {
        out.emit(event.into()).await?;
    }
    Ok(())
}

impl QueryEvent {
    pub(crate) fn is(&self, kind: EventKind) -> bool {
        self.kind == kind as u8
    }

    /// Writes when it was, for those who want to know all.
    pub(crate) fn write_time(verbose: bool, w: &mut dyn Write) -> Result<()> {
        if verbose {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = now.unwrap_or_default();
            let (secs, millis) = (now.as_secs() % 86_400, now.subsec_millis());
            let (hours, minutes) = (secs / 3600, secs / 60 % 60);
            write!(w, "{hours:02}:{minutes:02}:{:02}.{millis:03}: ", secs % 60)?;
        }
        Ok(())
    }

    /// Writes the event as every command writes it for which it has no meaning of its own.
    pub(crate) fn write(&self, verbose: bool, w: &mut dyn Write) -> Result<()> {
        let (id, extra) = (&self.id, &self.extra);
        match self.kind {
            kind if kind == EventKind::Value as u8 && !verbose => write!(w, "{extra}")?,
            _ if !verbose => {}
            0 => writeln!(w, "* querying {id}")?,
            1 => {
                write!(w, "* {id} says use ")?;
                for peer in self.responses.iter().flatten() {
                    write!(w, "{} ", peer.id)?;
                }
                writeln!(w)?;
            }
            2 => {}
            3 => writeln!(w, "error: {extra}")?,
            5 => writeln!(w, "got value: '{extra}'")?,
            6 => writeln!(w, "adding peer to query: {id}")?,
            7 => writeln!(w, "dialing peer: {id}")?,
            other => writeln!(w, "unrecognized event type: {other}")?,
        }
        Ok(())
    }
}
