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
    // What follows the two lines of the head need not be text.
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(parts.next().unwrap_or_default());
    let (header, encoding) = (line(), line());
    let (header, encoding) = (header.trim_end(), encoding.trim_end());
    let rest = parts.next().unwrap_or_default();
    let coded = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let coded = String::from_utf8_lossy(coded);
    let coded = coded.trim_end();
    const HEADER: &str = "/key/swarm/psk/1.0.0/";
    if header != HEADER {
        return Err(bad(format!("expected file header {HEADER}, got: {header}")));
    }
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let key: String = match encoding {
        "/base16/" => coded.to_owned(),
        "/base64/" => {
            let base = basalt_block::Base::Base64Pad;
            hex(&base.decode(coded).map_err(|e| bad(e.to_string()))?)
        }
        "/bin/" => hex(&rest[..rest.len().min(32)]),
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
        // The bytes themselves, which here are no text and have an end of a line among them.
        let bytes: Vec<u8> = (0xe1..=0xff).chain([b'\n']).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = of(&format!("/key/swarm/psk/1.0.0/\n/base16/\n{hex}\n")).unwrap();
        let raw = [b"/key/swarm/psk/1.0.0/\n/bin/\n", bytes.as_slice()].concat();
        assert_eq!(read_key(&raw).unwrap(), key);
        assert!(read_key(&raw[..raw.len() - 1]).is_err());
        assert!(of("/key/swarm/psk/1.0.0/\n/base16/\n0102").is_err());
        assert!(of("/key/swarm/psk/2.0.0/\n/base16/\n").is_err());
        assert!(of("/key/swarm/psk/1.0.0/\n/base58/\nxx").is_err());
        assert!(read_key("/key/swarm/psk/1.0.0/\n/base16/\n\u{e9}".as_bytes()).is_err());
    }
}
