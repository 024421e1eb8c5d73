//! Relays, hole punching and dialling back: how the node is reached behind others.

use std::time::Duration;

use basalt_network::{
    AutoNat, Options, Reachability, RelayClient, RelayService, parse_address, peer_of,
};
use basalt_repo::Config;

use crate::{Error, Result};

fn wrong(key: &'static str, reason: impl Into<String>) -> Error {
    let reason = reason.into();
    Error::NetworkSetting { key, reason }
}

/// `Swarm.RelayClient`, `Swarm.RelayService`, `Swarm.EnableHolePunching`, `AutoNAT`.
pub(super) fn apply(config: &Config, options: &mut Options) -> Result<()> {
    let relay = options.transports.relay;
    let on = |key: &'static str| match config.flag(key) {
        Some(true) if !relay => Err(wrong(
            key,
            "it requires `Swarm.Transports.Network.Relay` to be true.",
        )),
        set => Ok(set.unwrap_or(relay)),
    };
    options.relay_client = match on("Swarm.RelayClient.Enabled")? {
        true => Some(client(config)?),
        false => None,
    };
    let serves = on("Swarm.RelayService.Enabled")?;
    options.relay_service = serves.then(|| service(config));
    let punches = config.flag("Swarm.EnableHolePunching");
    if punches == Some(true) && options.relay_client.is_none() {
        return Err(wrong(
            "Swarm.EnableHolePunching",
            "it requires `Swarm.RelayClient.Enabled` to be true",
        ));
    }
    options.hole_punching = punches.unwrap_or(true);
    options.auto_nat = auto_nat(config);
    options.reachability = match config.string("Internal.Libp2pForceReachability") {
        None | Some("") => None,
        Some("public") => Some(Reachability::Public),
        Some("private") => Some(Reachability::Private),
        Some(other) => {
            let reason = format!("unrecognized reachability option: {other}");
            return Err(wrong("Internal.Libp2pForceReachability", reason));
        }
    };
    Ok(())
}

fn client(config: &Config) -> Result<RelayClient> {
    let key = "Swarm.RelayClient.StaticRelays";
    let mut client = RelayClient::default();
    for text in config.strings(key) {
        let address = parse_address(&text).map_err(|e| wrong(key, e.to_string()))?;
        if peer_of(&address).is_none() {
            return Err(wrong(key, "invalid p2p multiaddr"));
        }
        client.relays.push(address);
    }
    Ok(client)
}

fn service(config: &Config) -> RelayService {
    let default = RelayService::default();
    let key = |name: &str| format!("Swarm.RelayService.{name}");
    let time = |name: &str, default: Duration| {
        let set = config.duration(&key(name)).and_then(|set| set.to_std());
        set.unwrap_or(default)
    };
    let count = |name: &str, default: usize| {
        let set = config.integer(&key(name));
        set.and_then(|n| usize::try_from(n).ok()).unwrap_or(default)
    };
    let bytes = config.integer(&key("ConnectionDataLimit"));
    RelayService {
        duration: time("ConnectionDurationLimit", default.duration),
        bytes: bytes
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(default.bytes),
        reservation: time("ReservationTTL", default.reservation),
        reservations: count("MaxReservations", default.reservations),
        circuits: count("MaxCircuits", default.circuits),
    }
}

fn auto_nat(config: &Config) -> AutoNat {
    let default = AutoNat::default();
    let mode = config.string("AutoNAT.ServiceMode").unwrap_or_default();
    let count = |key: &str, default: usize| {
        let set = config.integer(key);
        set.and_then(|n| usize::try_from(n).ok()).unwrap_or(default)
    };
    let throttled = config.at("AutoNAT.Throttle").is_some();
    let interval = config.duration("AutoNAT.Throttle.Interval");
    AutoNat {
        serve: mode != "disabled",
        version_two: mode != "disabled" && mode != "legacy-v1",
        global: match throttled {
            true => count("AutoNAT.Throttle.GlobalLimit", 0),
            false => default.global,
        },
        peer: match throttled {
            true => count("AutoNAT.Throttle.PeerLimit", 0),
            false => default.peer,
        },
        interval: interval
            .and_then(|set| set.to_std())
            .unwrap_or(default.interval),
    }
}
