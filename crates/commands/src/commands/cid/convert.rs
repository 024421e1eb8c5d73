//! Converting and formatting CIDs.

use basalt::block::{Base, Cid, Version, cid_text, codec, hash_name, parse_cid};
use serde::{Deserialize, Serialize};

use super::names::base_name;
use crate::{Call, Error, Output, Result, View};
use basalt::ipld;
use std::io::Write;

/// What became of one CID.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Converted {
    cid_str: String,
    formatted: String,
    error_msg: String,
}

/// What to convert to.
pub(crate) struct Conversion {
    pub(crate) format: String,
    pub(crate) version: Option<u64>,
    pub(crate) codec: Option<u64>,
    pub(crate) base: Option<Base>,
}

/// A format string that means nothing ends the command; a CID that cannot be converted does not.
enum Failure {
    Format(String),
    Cid(String),
}

/// Converts every argument of the call.
pub(crate) async fn convert_all<O>(
    mut call: Call<O>,
    to: Conversion,
    out: Output<Converted>,
) -> Result<()> {
    while let Some(arg) = call.next_arg().await? {
        let text = arg.trim().to_owned();
        let mut row = Converted {
            cid_str: text,
            formatted: String::new(),
            error_msg: String::new(),
        };
        match convert(&row.cid_str, &to) {
            Ok(formatted) => row.formatted = formatted,
            Err(Failure::Cid(why)) => row.error_msg = why,
            Err(Failure::Format(why)) => return Err(Error::new(why)),
        }
        out.emit(row).await?;
    }
    Ok(())
}

/// Writes a row: failures go to standard error and decide the exit code at the end.
pub(crate) fn show_row<O>(
    _: &View<O>,
    failed: &mut bool,
    row: Converted,
    w: &mut dyn Write,
) -> Result<()> {
    if row.error_msg.is_empty() {
        writeln!(w, "{}", row.formatted)?;
    } else {
        *failed = true;
        w.flush()?;
        eprintln!("{}: {}", row.cid_str, row.error_msg);
    }
    Ok(())
}

/// Fails if a row did.
pub(crate) fn show_end(failed: bool) -> Result<()> {
    if failed {
        Err(Error::new("errors while displaying some entries"))
    } else {
        Ok(())
    }
}

fn convert(text: &str, to: &Conversion) -> Result<String, Failure> {
    let (mut cid, given_base) = parse_cid(text).map_err(Failure::Cid)?;
    if let Some(code) = to.codec.filter(|c| *c != cid.codec()) {
        cid = Cid::new_v1(code, *cid.hash());
    }
    match to.version {
        Some(0) if cid.codec() != codec::DAG_PB => {
            return Err(Failure::Cid(
                "can't convert non-dag-pb nodes to cidv0".to_owned(),
            ));
        }
        Some(0) => cid = Cid::new_v0(*cid.hash()).map_err(|e| Failure::Cid(e.to_string()))?,
        Some(_) => cid = Cid::new_v1(cid.codec(), *cid.hash()),
        None => {}
    }
    let base = to.base.unwrap_or(if cid.version() == Version::V0 {
        Base::Base58Btc
    } else {
        given_base
    });
    format(&to.format, base, &cid)
}

fn format(format: &str, base: Base, cid: &Cid) -> Result<String, Failure> {
    let hash = cid.hash();
    let codec = || {
        ipld::codec::name(cid.codec())
            .map_or_else(|| format!("Code({})", cid.codec()), str::to_owned)
    };
    let function =
        || hash_name(hash.code()).map_or_else(|| format!("hash?{}", hash.code()), str::to_owned);
    let version = u64::from(cid.version());
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let Some(what) = chars.next() else {
            return Err(Failure::Format("premature end of format string".to_owned()));
        };
        let text = match what {
            '%' => "%".to_owned(),
            'b' => base_name(base).to_owned(),
            'B' => base.code().to_string(),
            'v' => format!("cidv{version}"),
            'V' => version.to_string(),
            'c' => codec(),
            'C' => cid.codec().to_string(),
            'h' => function(),
            'H' => hash.code().to_string(),
            'L' => hash.digest().len().to_string(),
            'm' => basalt::block::multibase_text(base, &hash.to_bytes()),
            'M' => base.encode(hash.to_bytes()),
            'd' => basalt::block::multibase_text(base, hash.digest()),
            'D' => base.encode(hash.digest()),
            's' if version == 0 && base != Base::Base58Btc => {
                return Err(Failure::Cid("invalid base encoding".to_owned()));
            }
            's' => cid_text(cid, base),
            'S' => base.encode(cid.to_bytes()),
            'P' => format!(
                "cidv{version}-{}-{}-{}",
                codec(),
                function(),
                hash.digest().len()
            ),
            other => {
                return Err(Failure::Format(format!(
                    "unrecognized specifier in format string: %{other}"
                )));
            }
        };
        out.push_str(&text);
    }
    Ok(out)
}
