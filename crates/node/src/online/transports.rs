//! `Swarm.Transports`, and the key of a private network.

use basalt_network::{Cipher, PreSharedKey, Transports};
use basalt_repo::{Config, Repo};

use crate::{Error, Result};

fn wrong(key: &'static str, reason: impl Into<String>) -> Error {
    let reason = reason.into();
    Error::NetworkSetting { key, reason }
}

/// The repo's `swarm.key`.
pub(super) fn network_key(repo: &Repo) -> Result<Option<PreSharedKey>> {
    let Some(bytes) = repo.swarm_key()? else {
        return Ok(None);
    };
    let key = read_key(&bytes)?;
    Ok(Some(key))
}

fn read_key(bytes: &[u8]) -> Result<PreSharedKey> {
    let bad = |reason: String| wrong("failed to configure private network", reason);
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.is_ascii());
    let text = text.ok_or_else(|| bad("the key is no text".to_owned()))?;
    let mut lines = text.lines().map(str::trim_end);
    let (header, encoding) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    const HEADER: &str = "/key/swarm/psk/1.0.0/";
    if header != HEADER {
        return Err(bad(format!("expected file header {HEADER}, got: {header}")));
    }
    let key: String = match encoding {
        "/base16/" => lines.next().unwrap_or("").to_owned(),
        "/base64/" => {
            let coded = lines.next().unwrap_or("");
            let base = basalt_block::Base::Base64Pad;
            let bytes = base.decode(coded).map_err(|e| bad(e.to_string()))?;
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        "/bin/" => {
            let at = header.len() + encoding.len() + 2;
            let rest = bytes.get(at..).unwrap_or_default();
            rest.iter()
                .take(32)
                .map(|byte| format!("{byte:02x}"))
                .collect()
        }
        other => return Err(bad(format!("unknown encoding: {other}"))),
    };
    let text = format!("{HEADER}\n/base16/\n{key}");
    text.parse().map_err(|_| bad("unexpected EOF".to_owned()))
}

/// `Swarm.Transports`. In a private network there is no QUIC: it cannot hide itself behind the key.
pub(super) fn transports(config: &Config, private: bool) -> Result<Transports> {
    let flag = |key: &str, default| {
        let set = config.flag(&format!("Swarm.Transports.Network.{key}"));
        set.unwrap_or(default)
    };
    let mut transports = Transports {
        tcp: flag("TCP", true),
        websocket: flag("Websocket", true),
        quic: flag("QUIC", !private),
        relay: flag("Relay", true),
        ..Transports::default()
    };
    if private && transports.quic {
        return Err(wrong(
            "Swarm.Transports.Network.QUIC",
            "QUIC transport does not support private networks, please disable Swarm.Transports.Network.QUIC",
        ));
    }
    let priority = |key: &str, default: i64| {
        let at = format!("Swarm.Transports.Security.{key}");
        match config.flag(&at) {
            Some(false) => None,
            Some(true) => Some(default),
            None => Some(config.integer(&at).unwrap_or(default)),
        }
    };
    let mut ciphers: Vec<(i64, Cipher)> =
        [(Cipher::Tls, "TLS", 100), (Cipher::Noise, "Noise", 200)]
            .into_iter()
            .filter_map(|(cipher, key, default)| Some((priority(key, default)?, cipher)))
            .collect();
    ciphers.sort_by_key(|(priority, _)| *priority);
    transports.ciphers = ciphers.into_iter().map(|(_, cipher)| cipher).collect();
    if transports.ciphers.is_empty() {
        return Err(wrong(
            "Swarm.Transports.Security",
            "no security transports enabled",
        ));
    }
    Ok(transports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_every_encoding() {
        let hex = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
        let of = |text: &str| read_key(text.as_bytes());
        let key = of(&format!("/key/swarm/psk/1.0.0/\n/base16/\n{hex}\n")).unwrap();
        let same =
            "/key/swarm/psk/1.0.0/\n/base64/\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n";
        assert_eq!(of(same).unwrap(), key);
        assert!(of("/key/swarm/psk/1.0.0/\n/base16/\n0102").is_err());
        assert!(of("/key/swarm/psk/2.0.0/\n/base16/\n").is_err());
        assert!(of("/key/swarm/psk/1.0.0/\n/base58/\nxx").is_err());
        assert!(read_key("/key/swarm/psk/1.0.0/\n/base16/\n\u{e9}".as_bytes()).is_err());
    }
}
