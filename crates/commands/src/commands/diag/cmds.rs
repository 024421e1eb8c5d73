//! `ipfs diag cmds`: requests that run or ran lately.

pub(crate) mod clear;
pub(crate) mod set_time;

mod moment;

use std::io::Write;
use std::time::SystemTime;

use async_trait::async_trait;
use basalt::repo::GoDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::commands::support::write_columns;
use crate::{About, ActiveRequest, Call, Command, Output, Result, View};
use moment::Moment;

crate::options! {
    /// Options of `diag cmds`.
    pub(crate) struct Options {
        /// Show arguments and options too
        verbose: bool = ["verbose", "v"],
    }
}

/// A request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Row {
    start_time: Moment,
    end_time: Moment,
    active: bool,
    command: String,
    options: Option<Map<String, Value>>,
    args: Option<Vec<String>>,
    #[serde(rename = "ID")]
    id: u64,
    /// The block that it waits for, and where it looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting_for: Option<String>,
}

impl From<ActiveRequest> for Row {
    fn from(request: ActiveRequest) -> Self {
        let options = match request.options {
            Value::Object(options) => options,
            _ => Map::new(),
        };
        Self {
            start_time: Moment::at(request.start),
            end_time: request
                .ran
                .map_or(Moment::NONE, |ran| Moment::at(request.start + ran)),
            active: request.ran.is_none(),
            command: request.command,
            options: Some(options),
            args: Some(request.args),
            id: request.id,
            waiting_for: match request.ran {
                None => request.waits.now().map(|why| why.to_string()),
                Some(_) => None,
            },
        }
    }
}

/// `ipfs diag cmds`.
pub(crate) struct Cmds;

#[async_trait]
impl Command for Cmds {
    type Options = Options;
    type Event = Vec<Row>;
    type State = ();

    const PATH: &'static str = "diag/cmds";
    const ABOUT: About = About::new("List requests that run or ran lately.")
        .text("Shows the requests that the daemon is at work on, and those that ended within the last hour.
With --verbose it says of those that wait for blocks which block that is, and who was asked for it.")
        .daemon_only();

    async fn run(call: Call<Options>, out: Output<Vec<Row>>) -> Result<()> {
        out.once(
            call.ctx
                .active_requests()
                .into_iter()
                .map(Row::from)
                .collect(),
        )
        .await
    }

    fn text(view: &View<Options>, _: &mut (), rows: Vec<Row>, w: &mut dyn Write) -> Result<()> {
        let verbose = view.options.verbose;
        let head = [
            "ID",
            "Command",
            "Arguments",
            "Options",
            "Active",
            "StartTime",
            "RunTime",
        ];
        let mut lines = vec![line(head.map(str::to_owned), verbose)];
        let now = Moment::at(SystemTime::now());
        let mut waiting = String::new();
        for row in rows {
            if let Some(why) = &row.waiting_for {
                waiting.push_str(&format!("{}: {why}\n", row.id));
            }
            let end = if row.active { now } else { row.end_time };
            let ran = GoDuration::from_nanos(end.nanos_since(row.start_time));
            let args = format!("[{}]", row.args.unwrap_or_default().join(" "));
            let mut options: Vec<_> = row.options.unwrap_or_default().into_iter().collect();
            options.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            let options: String = options
                .iter()
                .map(|(name, value)| format!("{name}={},", plain(value)))
                .collect();
            let cells = [
                row.id.to_string(),
                row.command,
                args,
                format!("[{options}]"),
                row.active.to_string(),
                row.start_time.stamp(),
                ran.to_string(),
            ];
            lines.push(line(cells, verbose));
        }
        write_columns(w, &lines, 4)?;
        if verbose {
            w.write_all(waiting.as_bytes())?;
        }
        Ok(())
    }
}

/// Cells with two columns of space between them.
fn line(cells: [String; 7], verbose: bool) -> String {
    let shown = cells
        .into_iter()
        .enumerate()
        .filter(|(at, _)| verbose || !matches!(at, 0 | 2 | 3));
    shown.map(|(_, cell)| cell).collect::<Vec<_>>().join(" \t")
}

/// A value as Go's `%v` writes it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(plain).collect::<Vec<_>>().join(" ")
        ),
        other => other.to_string(),
    }
}
