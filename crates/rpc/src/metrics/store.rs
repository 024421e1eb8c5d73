//! The store of the node.

use basalt_commands::Context;

use basalt_http::metrics::Exposition;

pub(super) fn write(out: &mut Exposition, ctx: &Context) {
    let Some(node) = ctx.opened_node() else {
        return;
    };
    // A node whose settings cannot be read any more has other ways to say so.
    let Ok(stat) = node.storage() else { return };
    for (name, help, value) in [
        (
            "basalt_store_blocks",
            "Blocks in the store.",
            stat.usage.blocks,
        ),
        (
            "basalt_store_block_bytes",
            "Bytes of the blocks in the store.",
            stat.usage.block_bytes,
        ),
        (
            "basalt_store_disk_bytes",
            "Bytes that the store takes on disk.",
            stat.usage.disk_bytes,
        ),
        (
            "basalt_store_max_bytes",
            "Datastore.StorageMax in bytes.",
            stat.max,
        ),
    ] {
        out.single(name, help, "gauge", value as f64);
    }
    let damaged = f64::from(u8::from(node.damage().is_some()));
    out.single(
        "basalt_store_damaged",
        "Whether opening the store found damage.",
        "gauge",
        damaged,
    );
}
