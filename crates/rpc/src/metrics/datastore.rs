//! What the node asks its store, under Kubo's names.

use basalt::blockstore::Asked;
use basalt_commands::Context;

use basalt_http::metrics::{Exposition, Histogram};

const TIMES: &[f64] = &[0.0001, 0.001, 0.01, 0.1, 1.0];
const SIZES: &[f64] = &[64.0, 4096.0, 262_144.0, 16_777_216.0];

fn name(asked: Asked) -> &'static str {
    match asked {
        Asked::Get => "get",
        Asked::GetSize => "getsize",
        Asked::Has => "has",
        Asked::Delete => "delete",
        Asked::Query => "query",
        Asked::Sync => "sync",
        Asked::Scrub => "scrub",
        Asked::Gc => "gc",
        Asked::Du => "du",
        Asked::BatchPut => "batchput",
        Asked::BatchDelete => "batchdelete",
        Asked::BatchCommit => "batchcommit",
    }
}

pub(super) fn write(out: &mut Exposition, ctx: &Context) {
    let Some(meter) = ctx.opened_node().and_then(|node| node.meter()) else {
        return;
    };
    for asked in Asked::ALL {
        let count = meter.read(asked);
        let what = name(asked);
        let metric = |end: &str| format!("ipfs_fsrepo_datastore_{what}_{end}");
        let help = format!("How often the datastore was asked for {what}");
        out.single(&metric("total"), &help, "counter", count.calls as f64);
        let help = format!("How often {what} failed");
        out.single(
            &metric("errors_total"),
            &help,
            "counter",
            count.errors as f64,
        );
        let help = format!("How long {what} took");
        out.family(&metric("latency_seconds"), &help, "histogram");
        let (counts, sum) = count.times;
        Histogram::of(TIMES, counts, sum.as_secs_f64()).write(out, &metric("latency_seconds"), &[]);
        if matches!(asked, Asked::Get | Asked::BatchPut) {
            out.family(&metric("size_bytes"), "The bytes of values", "histogram");
            let (counts, sum) = count.sizes;
            Histogram::of(SIZES, counts, sum as f64).write(out, &metric("size_bytes"), &[]);
        }
    }
}
