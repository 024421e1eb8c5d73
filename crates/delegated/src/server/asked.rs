//! What a request asks for. Texts of errors are those of Kubo.

use basalt_block::parse_cid;
use basalt_http::media_type;
use basalt_ipld::go_quote;
use basalt_ipns::Name;
use libp2p_identity::PeerId;

/// A question, its key not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Providers(String),
    Peer(String),
    Closest(String),
    Name(String),
    PutName(String),
    Announce,
}

/// Where a request leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Asked(Asked),
    /// The path is there for another method.
    WrongMethod,
    Nothing,
}

/// Finds what a path, unescaped, asks for.
pub(super) fn route(method: &str, path: &str) -> Route {
    let Some(rest) = path.strip_prefix(super::PREFIX) else {
        return Route::Nothing;
    };
    let asked = |wanted: &str, asked: Asked| match method == wanted {
        true => Route::Asked(asked),
        false => Route::WrongMethod,
    };
    let Some((what, key)) = rest.rsplit_once('/') else {
        return Route::Nothing;
    };
    let own = || key.to_owned();
    match (what, key) {
        ("providers", "") => asked("PUT", Asked::Announce),
        (_, "") => Route::Nothing,
        ("providers", _) => asked("GET", Asked::Providers(own())),
        ("peers", _) => asked("GET", Asked::Peer(own())),
        ("dht/closest/peers", _) => asked("GET", Asked::Closest(own())),
        ("ipns", _) if method == "PUT" => Route::Asked(Asked::PutName(own())),
        ("ipns", _) => asked("GET", Asked::Name(own())),
        _ => Route::Nothing,
    }
}

/// Whether the answer is to be sent line by line, by the values of `Accept`.
pub(super) fn wants_lines(accepts: &[Vec<u8>]) -> Result<bool, String> {
    if accepts.is_empty() {
        return Ok(false);
    }
    let (mut lines, mut whole) = (false, false);
    for value in accepts {
        for accepted in String::from_utf8_lossy(value).split(',') {
            let parsed = media_type::parse(accepted);
            let (kind, _) = parsed.map_err(|e| format!("unable to parse Accept header: {e}"))?;
            match kind.as_str() {
                "application/x-ndjson" => lines = true,
                "application/json" | "*/*" => whole = true,
                _ => {}
            }
        }
    }
    match lines || whole {
        true => Ok(lines),
        false => Err("no supported content types".to_owned()),
    }
}

/// Reads a peer ID, or any CID of whose multihash there is one; `None` where no peer has such an ID.
pub(super) fn peer_of(text: &str) -> Result<Option<PeerId>, String> {
    let multihash = match (text.parse::<Name>(), parse_cid(text)) {
        (Ok(name), _) => name.multihash().to_bytes(),
        (Err(_), Ok((cid, _))) => cid.hash().to_bytes(),
        (Err(why), Err(_)) => {
            let text = go_quote(text.as_bytes());
            return Err(format!("unable to parse PeerID {text}: {why}"));
        }
    };
    Ok(PeerId::from_bytes(&multihash).ok())
}

/// Reads a peer ID or a CID, and gives its multihash.
pub(super) fn key_of(text: &str) -> Result<Vec<u8>, String> {
    match (text.parse::<Name>(), parse_cid(text)) {
        (Ok(name), _) => Ok(name.multihash().to_bytes()),
        (Err(_), Ok((cid, _))) => Ok(cid.hash().to_bytes()),
        (Err(no_peer), Err(no_cid)) => {
            let text = go_quote(text.as_bytes());
            Err(format!(
                "unable to parse key {text}: unable to parse as CID or PeerID: {no_cid}\n{no_peer}"
            ))
        }
    }
}

/// What fuzz targets call.
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing {
    use super::{Asked, Route};

    /// A request by its parts.
    pub fn request(method: &str, path: &str, accept: &[u8]) {
        let _ = super::wants_lines(&[accept.to_vec()]);
        let Route::Asked(asked) = super::route(method, path) else {
            return;
        };
        match asked {
            Asked::Peer(text) => drop(super::peer_of(&text)),
            Asked::Closest(text) => {
                if let Ok(key) = super::key_of(&text) {
                    assert!(!key.is_empty());
                }
            }
            Asked::Providers(text) | Asked::Name(text) | Asked::PutName(text) => {
                drop(basalt_block::parse_cid(&text));
            }
            Asked::Announce => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2r";

    #[test]
    fn paths_lead_somewhere() {
        let x = || "x".to_owned();
        for (method, path, expected) in [
            ("GET", "providers/x", Route::Asked(Asked::Providers(x()))),
            ("HEAD", "providers/x", Route::WrongMethod),
            ("PUT", "providers/x", Route::WrongMethod),
            ("PUT", "providers/", Route::Asked(Asked::Announce)),
            ("GET", "providers/", Route::WrongMethod),
            ("GET", "providers", Route::Nothing),
            ("GET", "providers/x/y", Route::Nothing),
            ("GET", "peers/x", Route::Asked(Asked::Peer(x()))),
            ("GET", "peers/", Route::Nothing),
            ("GET", "ipns/x", Route::Asked(Asked::Name(x()))),
            ("PUT", "ipns/x", Route::Asked(Asked::PutName(x()))),
            ("POST", "ipns/x", Route::WrongMethod),
            (
                "GET",
                "dht/closest/peers/x",
                Route::Asked(Asked::Closest(x())),
            ),
            ("GET", "dht/closest/x", Route::Nothing),
            ("GET", "", Route::Nothing),
        ] {
            let path = format!("/routing/v1/{path}");
            assert_eq!(route(method, &path), expected, "{method} {path}");
        }
        assert_eq!(route("GET", "/ipfs/x"), Route::Nothing);
    }

    #[test]
    fn accepted_forms_are_read() {
        let wants = |accepts: &[&str]| {
            let accepts: Vec<_> = accepts.iter().map(|a| a.as_bytes().to_vec()).collect();
            wants_lines(&accepts)
        };
        assert_eq!(wants(&[]), Ok(false));
        assert_eq!(wants(&["*/*"]), Ok(false));
        assert_eq!(wants(&["application/json; q=0.5, text/html"]), Ok(false));
        assert_eq!(wants(&["application/x-ndjson"]), Ok(true));
        assert_eq!(wants(&["*/*", "application/X-NDJSON"]), Ok(true));
        let none = Err("no supported content types".to_owned());
        assert_eq!(wants(&["text/html"]), none);
        let wrong = wants(&["application/json,"]).unwrap_err();
        assert_eq!(wrong, "unable to parse Accept header: mime: no media type");
    }

    #[test]
    fn keys_are_peers_or_blocks() {
        let peer: PeerId = ID.parse().unwrap();
        let raw = "bafkreidcd7frenco2m6ch7mny63wztgztv3q6fctaffgowkro6kljre5ei";
        assert_eq!(peer_of(ID), Ok(Some(peer)));
        assert!(peer_of(raw).unwrap().is_some());
        assert_eq!(key_of(ID).unwrap(), peer.to_bytes());
        assert_eq!(key_of(raw).unwrap().len(), 34);
        assert_eq!(
            peer_of("x").unwrap_err(),
            "unable to parse PeerID \"x\": failed to parse peer ID: invalid cid: cid too short"
        );
        assert!(key_of("foo").unwrap_err().starts_with(
            "unable to parse key \"foo\": unable to parse as CID or PeerID: invalid cid: "
        ));
    }
}
