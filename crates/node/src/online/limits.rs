//! `Swarm.ConnMgr`, `Swarm.ResourceMgr`, and the file of limits that override those computed.

use std::time::Duration;

use basalt_network::limits::{BLOCK_ALL, Limits, Scope, UNLIMITED};
use basalt_network::{Multiaddr, WaterMarks, parse_address};
use basalt_repo::{Config, Repo};
use nix::sys::resource::{Resource, getrlimit};
use serde_json::Value;

use crate::{Error, Result};

/// What overrides computed limits, in the repo.
const OVERRIDES: &str = "libp2p-resource-limit-overrides.json";
/// Switches limits on or off, whatever the config says.
const VARIABLE: &str = "LIBP2P_RCMGR";
/// It is a few kilobytes.
const MOST: u64 = 1 << 20;

fn wrong(key: &'static str, reason: impl Into<String>) -> Error {
    let reason = reason.into();
    Error::NetworkSetting { key, reason }
}

/// `Swarm.ConnMgr`; `None` where it is of type `none`.
pub(super) fn marks(config: &Config) -> Result<Option<WaterMarks>> {
    match config.string("Swarm.ConnMgr.Type").unwrap_or("basic") {
        "none" => return Ok(None),
        "" | "basic" => {}
        other => {
            let reason = format!("unrecognized Swarm.ConnMgr.Type: {other:?}");
            return Err(wrong("Swarm.ConnMgr.Type", reason));
        }
    }
    let default = WaterMarks::default();
    let count = |key: &'static str, default: usize| match config.integer(key) {
        None => Ok(default),
        Some(n) => usize::try_from(n).map_err(|_| wrong(key, "must not be negative")),
    };
    let time = |key: &str, default: Duration| {
        let set = config.duration(key).and_then(|set| set.to_std());
        set.unwrap_or(default)
    };
    Ok(Some(WaterMarks {
        low: count("Swarm.ConnMgr.LowWater", default.low)?,
        high: count("Swarm.ConnMgr.HighWater", default.high)?,
        grace: time("Swarm.ConnMgr.GracePeriod", default.grace),
        silence: time("Swarm.ConnMgr.SilencePeriod", default.silence),
    }))
}

/// `Swarm.ResourceMgr`; `None` where it is disabled.
pub(super) fn limits(repo: &Repo) -> Result<Option<Limits>> {
    let config = repo.config();
    let asked = match std::env::var(VARIABLE).as_deref() {
        Ok("0" | "false") => Some(false),
        Ok("1" | "true") => Some(true),
        _ => config.flag("Swarm.ResourceMgr.Enabled"),
    };
    if asked == Some(false) {
        return Ok(None);
    }
    let memory = config.bytes("Swarm.ResourceMgr.MaxMemory");
    let memory = memory.unwrap_or_else(|| total_memory() / 2);
    let descriptors = config.integer("Swarm.ResourceMgr.MaxFileDescriptors");
    let descriptors = descriptors.and_then(|n| u64::try_from(n).ok());
    let descriptors = descriptors.unwrap_or_else(|| all_descriptors() / 2);
    let high = marks(&config)?.map(|marks| marks.high as u64);
    let mut limits = Limits::scaled(memory, descriptors, high);
    limits.allowed = allowed(&config)?;
    overrides(repo, &mut limits)?;
    Ok(Some(limits))
}

fn allowed(config: &Config) -> Result<Vec<Multiaddr>> {
    let key = "Swarm.ResourceMgr.Allowlist";
    let texts = config.strings(key);
    let parsed = texts.iter().map(|text| {
        parse_address(text).map_err(|e| wrong(key, format!("{e} (in allowlist: {text})")))
    });
    parsed.collect()
}

fn total_memory() -> u64 {
    nix::sys::sysinfo::sysinfo().map_or(2 << 30, |info| info.ram_total())
}

fn all_descriptors() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft)
}

/// Takes over what the file says.
fn overrides(repo: &Repo, limits: &mut Limits) -> Result<()> {
    let path = repo.path().join(OVERRIDES);
    let text = match std::fs::metadata(&path) {
        Ok(meta) if meta.len() <= MOST => std::fs::read(&path),
        Ok(_) => return Err(wrong(OVERRIDES, "the file is too large")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    };
    let text = text.map_err(|e| wrong(OVERRIDES, e.to_string()))?;
    let said: Value = serde_json::from_slice(&text).map_err(|e| wrong(OVERRIDES, e.to_string()))?;
    apply(&mut limits.system, &said["System"])?;
    apply(&mut limits.transient, &said["Transient"])?;
    apply(&mut limits.peer, &said["PeerDefault"])?;
    for (key, scopes) in [
        ("Service", &mut limits.services),
        ("Protocol", &mut limits.protocols),
    ] {
        for (name, said) in said[key].as_object().into_iter().flatten() {
            apply(scopes.entry(name.clone()).or_default(), said)?;
        }
    }
    Ok(())
}

fn apply(scope: &mut Scope, said: &Value) -> Result<()> {
    for (name, slot) in [
        ("Memory", &mut scope.memory),
        ("FD", &mut scope.descriptors),
        ("Conns", &mut scope.connections),
        ("ConnsInbound", &mut scope.connections_inbound),
        ("ConnsOutbound", &mut scope.connections_outbound),
        ("Streams", &mut scope.streams),
        ("StreamsInbound", &mut scope.streams_inbound),
        ("StreamsOutbound", &mut scope.streams_outbound),
    ] {
        match limit(&said[name])? {
            0 => {}
            set => *slot = set,
        }
    }
    Ok(())
}

/// A limit as the file has it; 0 is none said.
fn limit(said: &Value) -> Result<i64> {
    let wrong = || wrong(OVERRIDES, format!("{said} is no limit"));
    match said {
        Value::Null => Ok(0),
        Value::Number(n) => n.as_i64().filter(|n| *n >= 0).ok_or_else(wrong),
        Value::String(text) => match text.as_str() {
            "default" => Ok(0),
            "unlimited" => Ok(UNLIMITED),
            "blockAll" => Ok(BLOCK_ALL),
            digits => digits.parse().ok().filter(|n| *n >= 0).ok_or_else(wrong),
        },
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn limits_are_overridden() {
        let mut scope = Scope::default();
        let said = json!({"Conns": "unlimited", "ConnsInbound": 7, "Memory": "1024",
            "Streams": "blockAll", "FD": "default"});
        apply(&mut scope, &said).unwrap();
        assert_eq!(scope.connections, UNLIMITED);
        assert_eq!(scope.connections_inbound, 7);
        assert_eq!((scope.memory, scope.streams), (1024, BLOCK_ALL));
        assert_eq!(scope.descriptors, 0);
        for bad in [
            json!({"Conns": -3}),
            json!({"Conns": "many"}),
            json!({"FD": []}),
        ] {
            assert!(apply(&mut scope, &bad).is_err(), "{bad}");
        }
    }
}
