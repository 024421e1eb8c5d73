//! The records that servers answer with.

use basalt_routing::PeerInfo;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use serde::Deserialize;

use crate::Result;

/// Records of one answer that are read.
const MOST: usize = 1000;
/// Addresses of one record that are read.
const ADDRESSES: usize = 64;

/// Reads answers.
#[derive(Debug, Clone, Copy)]
pub struct Records;

/// A record, of which other schemas than that of peers have the same fields.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    #[serde(default, rename = "ID")]
    id: String,
    #[serde(default)]
    addrs: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default, alias = "Peers")]
    providers: Option<Vec<Record>>,
}

impl Records {
    /// Reads the peers of an answer: one of JSON, or one with a record a line. Records of which nothing
    /// can be made are passed over.
    ///
    /// # Errors
    /// It is neither.
    pub fn read(answer: &[u8], lines: bool) -> Result<Vec<PeerInfo>> {
        let records = match lines {
            true => {
                let lines = answer.split(|byte| *byte == b'\n');
                let lines = lines.filter(|line| !line.trim_ascii().is_empty());
                lines
                    .take(MOST)
                    .map(serde_json::from_slice)
                    .collect::<Result<Vec<Record>, _>>()?
            }
            false => {
                let answer: Answer = serde_json::from_slice(answer)?;
                answer.providers.unwrap_or_default()
            }
        };
        Ok(records.into_iter().take(MOST).filter_map(peer).collect())
    }
}

fn peer(record: Record) -> Option<PeerInfo> {
    let id: PeerId = record.id.parse().ok()?;
    let addresses = record.addrs.into_iter().flatten().take(ADDRESSES);
    let addresses = addresses.filter_map(|text| text.parse::<Multiaddr>().ok());
    Some(PeerInfo::new(id, addresses.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2r";

    #[test]
    fn answers_are_read() {
        let record = format!(
            r#"{{"Schema":"peer","ID":"{ID}","Addrs":["/ip4/1.2.3.4/tcp/1","nonsense"],"Protocols":[]}}"#
        );
        let expected = PeerInfo::new(
            ID.parse().unwrap(),
            vec!["/ip4/1.2.3.4/tcp/1".parse().unwrap()],
        );
        let other = r#"{"Schema":"other","X":1}"#;
        let lines = format!("{record}\n{other}\n\n{record}\n");
        let found = Records::read(lines.as_bytes(), true).unwrap();
        assert_eq!(found, [expected.clone(), expected.clone()]);
        let json = format!(r#"{{"Providers":[{record},{other}]}}"#);
        assert_eq!(
            Records::read(json.as_bytes(), false).unwrap(),
            std::slice::from_ref(&expected)
        );
        let json = format!(r#"{{"Peers":[{record}]}}"#);
        assert_eq!(Records::read(json.as_bytes(), false).unwrap(), [expected]);
        assert!(
            Records::read(br#"{"Providers":null}"#, false)
                .unwrap()
                .is_empty()
        );
        for wrong in [&b""[..], b"[1]", b"{", b"\xff"] {
            assert!(Records::read(wrong, false).is_err());
        }
        assert!(Records::read(b"{}\nx\n", true).is_err());
    }
}
