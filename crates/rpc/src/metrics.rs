//! What Prometheus reads at `/debug/metrics/prometheus`: Kubo's names for what there is here too,
//! and names that begin with `basalt_` for the rest.

mod bitswap;
mod datastore;
mod network;
mod process;
mod retrieval;
mod store;

use basalt_commands::Context;

use basalt_http::metrics::Exposition;
use basalt_http::metrics::Requests;

/// What those parts have counted that are asked for it.
pub(crate) struct Figures {
    bitswap: Option<basalt::bitswap::Figures>,
    network: Option<basalt::network::Figures>,
}

impl Figures {
    /// Asks them.
    pub(crate) async fn of(ctx: &Context) -> Self {
        Self {
            bitswap: bitswap::figures(ctx).await,
            network: network::figures(ctx).await,
        }
    }
}

/// Writes metrics of others.
pub type More = dyn Fn(&mut Exposition) + Send + Sync;

/// The media type of [`text`].
pub(crate) const MEDIA_TYPE: &str =
    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// Every metric of this process.
pub(crate) fn text(
    ctx: &Context,
    requests: &[Requests],
    figures: &Figures,
    more: Option<&More>,
) -> String {
    let mut out = Exposition::default();
    version(&mut out);
    process::write(&mut out);
    Requests::write(requests, &mut out);
    store::write(&mut out, ctx);
    datastore::write(&mut out, ctx);
    if let Some(figures) = &figures.bitswap {
        bitswap::write(&mut out, figures);
    }
    if let Some(figures) = &figures.network {
        network::write(&mut out, figures);
    }
    retrieval::write(&mut out, ctx);
    if let Some(more) = more {
        more(&mut out);
    }
    out.text()
}

fn version(out: &mut Exposition) {
    out.family("ipfs_info", "Kubo IPFS version information.", "gauge");
    let version = [("commit", ""), ("version", basalt::KUBO_VERSION)];
    out.sample("ipfs_info", &version, 1.0);
    out.family("basalt_info", "Versions of Basalt and of Rust.", "gauge");
    let own = [("rust", basalt::RUST_VERSION), ("version", basalt::VERSION)];
    out.sample("basalt_info", &own, 1.0);
    out.family("target_info", "Target metadata", "gauge");
    let target = [("service_name", "ipfs"), ("telemetry_sdk_language", "rust")];
    out.sample("target_info", &target, 1.0);
}
