//! Bitswap, under Kubo's names. There are as many series however many peers and blocks there are.

use basalt::bitswap::{Figures, Spread};
use basalt_commands::Context;
use basalt_http::metrics::{Exposition, Histogram};

/// The figures, where Bitswap is spoken.
pub(crate) async fn figures(ctx: &Context) -> Option<Figures> {
    ctx.opened_node()?.bitswap()?.figures().await
}

/// Writes how values are spread.
pub(super) fn histogram(out: &mut Exposition, name: &str, help: &str, spread: &Spread) {
    out.family(name, help, "histogram");
    let counts = spread.counts.clone();
    Histogram::of(spread.bounds, counts, spread.sum).write(out, name, &[]);
}

pub(super) fn write(out: &mut Exposition, figures: &Figures) {
    let meter = &figures.meter;
    for (name, help, spread) in [
        (
            "ipfs_bitswap_recv_all_blocks_bytes",
            "Summary of all data blocks received",
            &meter.received,
        ),
        (
            "ipfs_bitswap_recv_dup_blocks_bytes",
            "Summary of duplicate data blocks received",
            &meter.duplicate,
        ),
        (
            "ipfs_bitswap_sent_all_blocks_bytes",
            "Histogram of blocks sent by this bitswap",
            &meter.sent,
        ),
        (
            "ipfs_bitswap_send_times",
            "Histogram of how long it takes to send messages in this bitswap",
            &meter.send_times,
        ),
        (
            "exchange_bitswap_response_bytes",
            "Histogram of bitswap response sizes",
            &meter.answers,
        ),
        (
            "exchange_bitswap_wantlists_seconds",
            "Number of seconds spent sending wantlists",
            &meter.wantlist_times,
        ),
    ] {
        histogram(out, name, help, spread);
    }
    for (name, help, value) in [
        (
            "ipfs_bitswap_active_block_tasks",
            "Total number of active blockstore tasks",
            figures.store_visits as u64,
        ),
        (
            "ipfs_bitswap_active_tasks",
            "Total number of active tasks",
            figures.messages_under_way as u64,
        ),
        (
            "ipfs_bitswap_bcast_skips_total",
            "Number of broadcasts to peers avoided.",
            figures.received.spared,
        ),
        (
            "ipfs_bitswap_blocks_received",
            "Number of blocks received.",
            figures.received.blocks,
        ),
        (
            "ipfs_bitswap_haves_received",
            "Number of have blocks received.",
            figures.received.haves,
        ),
        (
            "ipfs_bitswap_pending_block_tasks",
            "Total number of pending blockstore tasks",
            figures.starved as u64,
        ),
        (
            "ipfs_bitswap_pending_tasks",
            "Total number of pending tasks",
            figures.turns as u64,
        ),
        (
            "ipfs_bitswap_want_blocks_total",
            "Number of want-blocks in wantlist.",
            figures.want_blocks as u64,
        ),
        (
            "ipfs_bitswap_wanthaves_broadcast",
            "Number of want-haves broadcast.",
            figures.received.broadcast,
        ),
        (
            "ipfs_bitswap_wantlist_total",
            "Number of items in wantlist.",
            figures.wants as u64,
        ),
        (
            "exchange_bitswap_requests_in_flight",
            "Current number of in-flight requests",
            figures.messages_under_way as u64,
        ),
    ] {
        out.single(name, help, "gauge", value as f64);
    }
    for (name, help, value) in [
        (
            "exchange_bitswap_wantlists_total",
            "Total number of wantlists sent",
            meter.wantlists,
        ),
        (
            "exchange_bitswap_wantlists_items_total",
            "Total number of elements in sent wantlists",
            meter.wantlist_items,
        ),
    ] {
        out.single(name, help, "counter", value as f64);
    }
}
