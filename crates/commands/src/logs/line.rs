//! One event, as text and as JSON, in the layout that Kubo's logs have.

use std::fmt::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use basalt::repo::go_json;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

use super::{Level, subsystem};
use crate::commands::support::rfc3339;

/// An event that is to be written.
pub(super) struct Line {
    pub(super) level: Level,
    time: String,
    subsystem: String,
    caller: String,
    fields: Fields,
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Line {
    pub(super) fn of(level: Level, event: &Event<'_>) -> Self {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        Self {
            level,
            time: now(),
            subsystem: subsystem(metadata.target()).to_owned(),
            caller: caller(metadata),
            fields,
        }
    }

    /// JSON with a newline.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut all = Map::new();
        for (key, value) in [
            ("level", self.level.name()),
            ("ts", &self.time),
            ("logger", &self.subsystem),
            ("caller", &self.caller),
            ("msg", &self.fields.message),
        ] {
            all.insert(key.to_owned(), value.into());
        }
        all.extend(self.fields.others.clone());
        let mut out = go_json::to_vec(&all).unwrap_or_default();
        out.push(b'\n');
        out
    }

    /// Text with a newline, its columns separated by tabulators.
    pub(super) fn text(&self, colour: bool) -> String {
        let level = self.level.name().to_uppercase();
        let shade = match self.level {
            Level::Debug => 35,
            Level::Info => 34,
            Level::Warn => 33,
            _ => 31,
        };
        let level = if colour {
            format!("\x1b[{shade}m{level}\x1b[0m")
        } else {
            level
        };
        let mut out = format!(
            "{}\t{level}\t{}\t{}\t{}",
            self.time, self.subsystem, self.caller, self.fields.message
        );
        if !self.fields.others.is_empty() {
            let others = go_json::to_string(&self.fields.others).unwrap_or_default();
            let _ = write!(out, "\t{others}");
        }
        out.push('\n');
        out
    }
}

/// The time in UTC, to the millisecond.
fn now() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = rfc3339(i64::try_from(now.as_secs()).unwrap_or_default(), 0);
    format!(
        "{}.{:03}Z",
        seconds.trim_end_matches('Z'),
        now.subsec_millis()
    )
}

/// The last folder, the file and the line in it.
fn caller(metadata: &Metadata<'_>) -> String {
    let Some(file) = metadata.file() else {
        return String::new();
    };
    let from = file.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
    format!("{}:{}", &file[from..], metadata.line().unwrap_or_default())
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.others.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}
