//! The network, under Kubo's names. No label says anything of a peer.

use basalt::network::Figures;
use basalt::network::limits::{BLOCK_ALL, Limits, Scope, UNLIMITED, Usage};
use basalt_commands::Context;
use basalt_http::metrics::{Exposition, Histogram};

/// The figures, where the node has a network.
pub(crate) async fn figures(ctx: &Context) -> Option<Figures> {
    ctx.opened_node()?.network()?.figures().await.ok()
}

pub(super) fn write(out: &mut Exposition, figures: &Figures) {
    for (name, help, value) in [
        (
            "libp2p_autonat_reachability_status",
            "Whether others can reach the node: 0 unknown, 1 public, 2 private",
            figures.reachability as usize,
        ),
        (
            "libp2p_identify_addrs_count",
            "Addresses that the node announces",
            figures.addresses,
        ),
        (
            "libp2p_identify_protocols_count",
            "Protocols that the node speaks",
            figures.protocols,
        ),
        (
            "libp2p_relaysvc_status",
            "Whether the node is a relay for others",
            usize::from(figures.relays),
        ),
    ] {
        out.single(name, help, "gauge", value as f64);
    }
    connections(out, figures);
    let name = "libp2p_swarm_dial_errors_total";
    out.family(name, "Addresses that could not be dialled", "counter");
    for (failure, count) in &figures.failures {
        let labels = [
            ("error", failure.error),
            ("ip_version", failure.ip),
            ("transport", failure.transport),
        ];
        out.sample(name, &labels, *count as f64);
    }
    let name = "libp2p_holepunch_outcomes_total";
    out.family(name, "Holes punched through routers, or not", "counter");
    for (punch, count) in &figures.punches {
        let labels = [
            ("num_attempts", &*punch.dials.to_string()),
            ("outcome", if punch.success { "success" } else { "failed" }),
            ("side", punch.side),
        ];
        out.sample(name, &labels, *count as f64);
    }
    if let Some((limits, usage)) = &figures.resources {
        resources(out, limits, usage);
    }
}

fn connections(out: &mut Exposition, figures: &Figures) {
    let labels = |kind: &basalt::network::Kind| {
        [
            ("dir", kind.direction),
            ("ip_version", kind.ip),
            ("transport", kind.transport),
        ]
    };
    let name = "libp2p_swarm_connections_opened_total";
    out.family(name, "Connections that were made", "counter");
    for (kind, all) in &figures.connections {
        out.sample(name, &labels(kind), all.opened as f64);
    }
    let name = "libp2p_swarm_connections_closed_total";
    out.family(name, "Connections that have ended", "counter");
    for (kind, all) in &figures.connections {
        let closed: u64 = all.lives.counts.iter().sum();
        out.sample(name, &labels(kind), closed as f64);
    }
    let name = "libp2p_swarm_connection_duration_seconds";
    out.family(name, "How long connections lasted", "histogram");
    for (kind, all) in &figures.connections {
        let lives = &all.lives;
        let histogram = Histogram::of(lives.bounds, lives.counts.clone(), lives.sum);
        histogram.write(out, name, &labels(kind));
    }
}

/// What is limited, and what of it is in use.
fn resources(out: &mut Exposition, limits: &Limits, usage: &Usage) {
    let scopes = [("system", &usage.system), ("transient", &usage.transient)];
    let name = "libp2p_rcmgr_connections";
    out.family(name, "Connections", "gauge");
    for (scope, used) in scopes {
        for (dir, count) in [
            ("inbound", used.connections_inbound),
            ("outbound", used.connections_outbound),
        ] {
            out.sample(name, &[("dir", dir), ("scope", scope)], count as f64);
        }
    }
    let name = "libp2p_rcmgr_fds";
    out.family(name, "File descriptors of connections", "gauge");
    for (scope, used) in scopes {
        out.sample(name, &[("scope", scope)], used.descriptors as f64);
    }
    let name = "libp2p_rcmgr_streams";
    out.family(name, "Streams", "gauge");
    let scopes = scopes.map(|(scope, used)| ("", scope, used)).into_iter();
    let protocols = usage.protocols.iter();
    let protocols = protocols.map(|(protocol, used)| (protocol.as_str(), "protocol", used));
    for (protocol, scope, used) in scopes.chain(protocols) {
        for (dir, count) in [
            ("inbound", used.streams_inbound),
            ("outbound", used.streams_outbound),
        ] {
            let labels = [("dir", dir), ("protocol", protocol), ("scope", scope)];
            out.sample(name, &labels, count as f64);
        }
    }
    let name = "libp2p_rcmgr_limit";
    out.family(name, "Limits of these", "gauge");
    for (scope, most) in [("system", &limits.system), ("transient", &limits.transient)] {
        for (resource, most) in each(most) {
            let labels = [("resource", resource), ("scope", scope)];
            out.sample(name, &labels, number(most));
        }
    }
}

/// A limit as Kubo writes it.
fn number(limit: i64) -> f64 {
    match limit {
        UNLIMITED => i64::MAX as f64,
        BLOCK_ALL => 0.0,
        limit => limit as f64,
    }
}

fn each(scope: &Scope) -> [(&'static str, i64); 8] {
    [
        ("conns", scope.connections),
        ("conns_inbound", scope.connections_inbound),
        ("conns_outbound", scope.connections_outbound),
        ("fd", scope.descriptors),
        ("memory", scope.memory),
        ("streams", scope.streams),
        ("streams_inbound", scope.streams_inbound),
        ("streams_outbound", scope.streams_outbound),
    ]
}
