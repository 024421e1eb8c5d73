use std::collections::BTreeMap;
use std::io::Write;

use async_trait::async_trait;
use basalt::network::limits::{BLOCK_ALL, Scope, UNLIMITED};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::options::NoOptions;
use crate::{About, Call, Command, Error, Output, Result, Status, View};

/// `ipfs swarm resources`.
pub(crate) struct Resources;

/// Limits and what is used of them, by scope.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
pub(crate) struct Report {
    system: Map<String, Value>,
    transient: Map<String, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    services: BTreeMap<String, Map<String, Value>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    protocols: BTreeMap<String, Map<String, Value>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    peers: BTreeMap<String, Map<String, Value>>,
}

const NAMES: [&str; 8] = [
    "Memory",
    "FD",
    "Conns",
    "ConnsInbound",
    "ConnsOutbound",
    "Streams",
    "StreamsInbound",
    "StreamsOutbound",
];

const DISABLED: &str =
    "missing ResourceMgr: make sure the daemon is running with Swarm.ResourceMgr.Enabled";

#[async_trait]
impl Command for Resources {
    type Options = NoOptions;
    type Event = Report;
    type State = ();

    const PATH: &'static str = "swarm/resources";
    const ABOUT: About = About::new("Show what peers may take of the node, and what they take.")
        .text(
            "Shows the limits of connections and streams with what is in use: of all, of what is not yet known
to be of a peer, and of single protocols. They follow from Swarm.ResourceMgr in the config.",
        )
        .status(Status::Experimental);

    async fn run(call: Call<NoOptions>, out: Output<Report>) -> Result<()> {
        let node = call.ctx.node().await?;
        let network = node.network().ok_or_else(|| Error::new(DISABLED))?;
        let resources = network.resources().await.map_err(basalt::Error::from)?;
        let (limits, usage) = resources.ok_or_else(|| Error::new(DISABLED))?;
        let merge = |limits: &BTreeMap<String, Scope>, usage: &BTreeMap<String, Scope>| {
            let names = limits.keys().chain(usage.keys());
            let of = |all: &BTreeMap<String, Scope>, name| all.get(name).copied();
            names
                .map(|name| {
                    let limit = of(limits, name).unwrap_or_default();
                    let used = of(usage, name).unwrap_or_default();
                    (name.clone(), fields(limit, used))
                })
                .collect()
        };
        out.once(Report {
            system: fields(limits.system, usage.system),
            transient: fields(limits.transient, usage.transient),
            services: merge(&limits.services, &usage.services),
            protocols: merge(&limits.protocols, &usage.protocols),
            peers: merge(&BTreeMap::new(), &usage.peers),
        })
        .await
    }

    fn text(_: &View<NoOptions>, _: &mut (), report: Report, w: &mut dyn Write) -> Result<()> {
        let head = ["Scope", "Limit Name", "Limit Value", "Limit Usage Amount"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows[0].push("Limit Usage Percent".to_owned());
        add_rows("system", &report.system, &mut rows);
        add_rows("transient", &report.transient, &mut rows);
        for (prefix, scopes) in [
            ("svc:", &report.services),
            ("proto:", &report.protocols),
            ("peer:", &report.peers),
        ] {
            for (name, scope) in scopes {
                add_rows(&format!("{prefix}{name}"), scope, &mut rows);
            }
        }
        write_table(&rows, w)
    }
}

fn values(scope: Scope) -> [i64; 8] {
    [
        scope.memory,
        scope.descriptors,
        scope.connections,
        scope.connections_inbound,
        scope.connections_outbound,
        scope.streams,
        scope.streams_inbound,
        scope.streams_outbound,
    ]
}

/// `Memory`, `MemoryUsage`, `FD`, and so on.
fn fields(limit: Scope, used: Scope) -> Map<String, Value> {
    let mut all = Map::new();
    for ((name, limit), used) in NAMES.iter().zip(values(limit)).zip(values(used)) {
        let limit = match limit {
            0 => json!("default"),
            UNLIMITED => json!("unlimited"),
            BLOCK_ALL => json!("blockAll"),
            // Bytes may be more than a number of JavaScript's holds.
            bytes if *name == "Memory" => json!(bytes.to_string()),
            count => json!(count),
        };
        all.insert((*name).to_owned(), limit);
        all.insert(format!("{name}Usage"), json!(used));
    }
    all
}

/// A row for every limit that there is.
fn add_rows(scope: &str, fields: &Map<String, Value>, rows: &mut Vec<Vec<String>>) {
    for name in NAMES {
        let used = fields.get(&format!("{name}Usage")).and_then(Value::as_i64);
        let used = used.unwrap_or(0);
        let limit = match fields.get(name) {
            Some(Value::String(text)) if text == "default" || text == "unlimited" => continue,
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(n)) => n.to_string(),
            _ => continue,
        };
        let percent = match limit.parse::<f64>() {
            Err(_) => "n/a".to_owned(),
            Ok(_) if used == 0 => "0%".to_owned(),
            #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
            Ok(limit) => format!("{:.1}%", used as f64 / limit * 100.0),
        };
        rows.push(vec![
            scope.to_owned(),
            name.to_owned(),
            limit,
            used.to_string(),
            percent,
        ]);
    }
}

/// Columns that end at tab stops, at least twenty characters wide.
fn write_table(rows: &[Vec<String>], w: &mut dyn Write) -> Result<()> {
    const STOP: usize = 8;
    const LEAST: usize = 20;
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let longest = rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        longest.max(LEAST).div_ceil(STOP) * STOP
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            let tabs = (width - cell.len()).div_ceil(STOP);
            write!(w, "{cell}{}", "\t".repeat(tabs))?;
        }
        writeln!(w)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_kubo_s() {
        let mut out = Vec::new();
        let rows = [
            vec!["Scope".to_owned(), "Limit Name".to_owned()],
            vec![
                "proto:/libp2p/circuit/relay/0.2.0/stop".to_owned(),
                "FD".to_owned(),
            ],
        ];
        write_table(&rows, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Scope\t\t\t\t\tLimit Name\t\t\nproto:/libp2p/circuit/relay/0.2.0/stop\tFD\t\t\t\n"
        );
    }
}
