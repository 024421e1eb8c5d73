//! Facts of the system, under the names that Kubo gives them.

use std::net::IpAddr;
use std::{env, fs};

use nix::sys::socket::SockaddrLike;
use serde_json::{Value, json};
use tokio::runtime::RuntimeMetrics;

use crate::commands::version::go_arch;
use crate::{Context, Error, Result};

/// All facts. Blocking.
pub(super) fn facts(ctx: &Context, tasks: &RuntimeMetrics) -> Result<Value> {
    let online = ctx.opened_node().is_some_and(|node| node.is_online());
    let mut facts = json!({
        "diskinfo": disk(ctx)?,
        "environment": {"GOPATH": variable("GOPATH"), "IPFS_PATH": variable("IPFS_PATH")},
        "ipfs_commit": format!("basalt-{}", basalt::VERSION),
        "ipfs_version": basalt::KUBO_VERSION,
        "memory": {"swap": memory("VmSwap:"), "virt": memory("VmSize:")},
        "net": {"interface_addresses": addresses()?, "online": online},
        "runtime": {
            "arch": go_arch(),
            "compiler": "rustc",
            "gomaxprocs": tasks.num_workers(),
            "numcpu": std::thread::available_parallelism().map_or(1, usize::from),
            "numgoroutines": tasks.num_alive_tasks(),
            "os": env::consts::OS,
            "version": format!("rust{}", basalt::RUST_VERSION),
        },
    });
    facts.sort_all_objects();
    Ok(facts)
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn disk(ctx: &Context) -> Result<Value> {
    let stat = nix::sys::statfs::statfs(ctx.repo()).map_err(|e| Error::new(e.desc()))?;
    let unit = u64::try_from(stat.block_size()).unwrap_or(1);
    Ok(json!({
        "free_space": stat.blocks_available().saturating_mul(unit),
        "fstype": stat.filesystem_type().0.to_string(),
        "total_space": stat.blocks().saturating_mul(unit),
    }))
}

/// A figure of `/proc/self/status` in bytes; 0 where there is none.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// The addresses of the network interfaces, as multiaddrs.
fn addresses() -> Result<Vec<String>> {
    let all = nix::ifaddrs::getifaddrs().map_err(|e| Error::new(e.desc()))?;
    let ip = |address: nix::sys::socket::SockaddrStorage| match address.family()? {
        nix::sys::socket::AddressFamily::Inet => Some(IpAddr::V4(address.as_sockaddr_in()?.ip())),
        nix::sys::socket::AddressFamily::Inet6 => Some(IpAddr::V6(address.as_sockaddr_in6()?.ip())),
        _ => None,
    };
    let ips = all.filter_map(|interface| ip(interface.address?));
    Ok(ips
        .map(|ip| match ip {
            IpAddr::V4(ip) => format!("/ip4/{ip}"),
            IpAddr::V6(ip) => format!("/ip6/{ip}"),
        })
        .collect())
}
