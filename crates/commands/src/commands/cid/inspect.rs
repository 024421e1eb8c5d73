use std::io::Write;

use async_trait::async_trait;
use basalt::block::{Base, Cid, Version, cid_text, codec, hash_codes, hash_name, parse_cid};
use serde::{Deserialize, Serialize};

use super::names::base_name;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, View};
use basalt::ipld;

/// `ipfs cid inspect`.
pub(crate) struct Inspect;

/// The parts of a CID.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Parts {
    cid: String,
    version: u64,
    multibase: BasePart,
    multicodec: CodecPart,
    multihash: HashPart,
    #[serde(rename = "cidV0", skip_serializing_if = "String::is_empty")]
    cid_v0: String,
    #[serde(rename = "cidV1")]
    cid_v1: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    error_msg: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct BasePart {
    prefix: String,
    name: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct CodecPart {
    code: u64,
    name: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct HashPart {
    code: u64,
    name: String,
    length: usize,
    digest: String,
}

#[async_trait]
impl Command for Inspect {
    type Options = NoOptions;
    type Event = Parts;
    type State = ();

    const PATH: &'static str = "cid/inspect";
    const ABOUT: About = About::new("Show the parts of a CID.")
        .text(
            "Shows the version, multibase, codec and multihash of a CID, and the same CID in\nversions 0 and 1. --enc=json gives the answer to programs.",
        )
        .no_repo();
    const ARGS: &'static [Arg] = &[Arg::required("cid", "The CID.").stdin()];

    async fn run(mut call: Call<NoOptions>, out: Output<Parts>) -> Result<()> {
        let text = call.next_arg().await?.unwrap_or_default();
        out.once(inspect(&text)).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), parts: Parts, w: &mut dyn Write) -> Result<()> {
        write_parts(&parts, w)
    }
}

fn inspect(text: &str) -> Parts {
    let (cid, base) = match parse_cid(text) {
        Ok(read) => read,
        Err(why) => {
            let mut error_msg = format!("invalid CID: {why}");
            if let Ok(peer) = basalt::repo::parse_peer_id(text)
                && let Ok(hash) = basalt::block::Multihash::from_bytes(&peer.to_bytes())
            {
                let key = cid_text(&Cid::new_v1(codec::LIBP2P_KEY, hash), Base::Base36Lower);
                error_msg.push_str(&format!(
                    "\nNote: the value is a PeerID; inspect its CID representation instead:\n  {key}"
                ));
            }
            return Parts {
                cid: text.to_owned(),
                error_msg,
                ..Parts::default()
            };
        }
    };
    let hash = cid.hash();
    let unknown = || "unknown".to_owned();
    let v1_base = if cid.codec() == codec::LIBP2P_KEY {
        Base::Base36Lower
    } else {
        Base::Base32Lower
    };
    let has_v0 = cid.codec() == codec::DAG_PB
        && hash.code() == hash_codes::SHA2_256
        && hash.digest().len() == 32;
    let v0 = if has_v0 {
        Cid::new_v0(*hash).ok()
    } else {
        None
    };
    Parts {
        cid: text.to_owned(),
        version: u64::from(cid.version()),
        multibase: match cid.version() {
            Version::V0 => BasePart {
                prefix: "z".to_owned(),
                name: "base58btc".to_owned(),
            },
            Version::V1 => BasePart {
                prefix: base.code().to_string(),
                name: base_name(base).to_owned(),
            },
        },
        multicodec: CodecPart {
            code: cid.codec(),
            name: ipld::codec::name(cid.codec()).map_or_else(unknown, str::to_owned),
        },
        multihash: HashPart {
            code: hash.code(),
            name: hash_name(hash.code()).map_or_else(unknown, str::to_owned),
            length: hash.digest().len(),
            digest: hash.digest().iter().map(|b| format!("{b:02x}")).collect(),
        },
        cid_v0: v0.map_or_else(String::new, |cid| cid_text(&cid, Base::Base58Btc)),
        cid_v1: cid_text(&Cid::new_v1(cid.codec(), *hash), v1_base),
        error_msg: String::new(),
    }
}

fn write_parts(parts: &Parts, w: &mut dyn Write) -> Result<()> {
    if !parts.error_msg.is_empty() {
        return Err(Error::new(parts.error_msg.clone()));
    }
    let v0 = parts.version == 0;
    let implicit = if v0 { ", implicit" } else { "" };
    let (codec, hash) = (&parts.multicodec, &parts.multihash);
    writeln!(w, "CID:        {}", parts.cid)?;
    writeln!(w, "Version:    {}", parts.version)?;
    let letter = if v0 {
        "implicit"
    } else {
        &parts.multibase.prefix
    };
    writeln!(w, "Multibase:  {} ({letter})", parts.multibase.name)?;
    writeln!(
        w,
        "Multicodec: {} (0x{:x}{implicit})",
        codec.name, codec.code
    )?;
    writeln!(w, "Multihash:  {} (0x{:x}{implicit})", hash.name, hash.code)?;
    writeln!(w, "  Length:   {} bytes", hash.length)?;
    writeln!(w, "  Digest:   {}", hash.digest)?;
    if !parts.cid_v0.is_empty() {
        writeln!(w, "CIDv0:      {}", parts.cid_v0)?;
    } else if codec.code != basalt::block::codec::DAG_PB {
        let (name, code) = (&codec.name, codec.code);
        writeln!(
            w,
            "CIDv0:      not possible, requires dag-pb (0x70), got {name} (0x{code:x})"
        )?;
    } else if hash.code != hash_codes::SHA2_256 {
        let (name, code) = (&hash.name, hash.code);
        writeln!(
            w,
            "CIDv0:      not possible, requires sha2-256 (0x12), got {name} (0x{code:x})"
        )?;
    } else {
        writeln!(
            w,
            "CIDv0:      not possible, requires 32-byte digest, got {}",
            hash.length
        )?;
    }
    writeln!(w, "CIDv1:      {}", parts.cid_v1)?;
    Ok(())
}
