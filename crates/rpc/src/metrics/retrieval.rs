//! What HTTP gateways were asked for blocks, under Kubo's names.

use basalt_commands::Context;
use basalt_http::metrics::Exposition;

use super::bitswap::histogram;

pub(super) fn write(out: &mut Exposition, ctx: &Context) {
    let Some(retrieval) = ctx.opened_node().and_then(|node| node.retrieval()) else {
        return;
    };
    let totals = retrieval.report().totals;
    let name = |end: &str| format!("exchange_httpnet_{end}");
    let answered: u64 = totals.statuses.values().sum();
    for (end, help, kind, value) in [
        (
            "requests_in_flight",
            "Requests under way",
            "gauge",
            totals.under_way,
        ),
        (
            "requests_total",
            "Requests that were answered",
            "counter",
            answered,
        ),
        (
            "requests_failure",
            "Requests that were not answered",
            "counter",
            totals.unanswered,
        ),
        (
            "request_sent_bytes",
            "Bytes of requests, about",
            "counter",
            totals.sent,
        ),
        (
            "wantlists_total",
            "Lists of wants that were asked",
            "counter",
            totals.wantlists,
        ),
        (
            "wantlists_items_total",
            "Lines of those lists",
            "counter",
            totals.wants,
        ),
    ] {
        out.single(&name(end), help, kind, value as f64);
    }
    let status = name("status");
    out.family(&status, "Answers by method, status and host", "counter");
    for ((method, code, host), count) in &totals.statuses {
        let labels = [
            ("host", host.as_str()),
            ("method", *method),
            ("status", code),
        ];
        out.sample(&status, &labels, *count as f64);
    }
    for (end, help, spread) in [
        (
            "request_duration_seconds",
            "How long requests took",
            &totals.times,
        ),
        (
            "response_bytes",
            "Bytes of the bodies of answers",
            &totals.sizes,
        ),
    ] {
        histogram(out, &name(end), help, spread);
    }
}
