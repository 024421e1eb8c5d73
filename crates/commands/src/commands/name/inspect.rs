use std::io::Write;

use async_trait::async_trait;
use basalt::ipns::{MAX_RECORD_SIZE, Moment, Name, Record};
use basalt::repo::{GoDuration, go_quote};
use serde::{Deserialize, Serialize};

use super::record;
use crate::commands::support::{hex_dump, write_columns};
use crate::{About, Arg, Call, Command, Output, Result, Status, View};

crate::options! {
    /// Options of `name inspect`.
    pub(crate) struct Options {
        /// Check the record against this name
        verify: Option<String> = ["verify"],
        /// Show the record's bytes too
        dump: bool = ["dump"] default "true",
    }
}

/// `ipfs name inspect`.
pub(crate) struct Inspect;

/// What a record says, as far as it can be read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Fields {
    value: String,
    validity_type: Option<i64>,
    validity: Option<String>,
    sequence: Option<u64>,
    #[serde(rename = "TTL")]
    ttl: Option<i64>,
}

/// Whether a record is one of a name's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Validation {
    valid: bool,
    reason: String,
    name: String,
}

/// A record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inspection {
    entry: Fields,
    pb_size: usize,
    signature_type: String,
    hex_dump: String,
    validation: Option<Validation>,
}

#[async_trait]
impl Command for Inspect {
    type Options = Options;
    type Event = Inspection;
    type State = ();

    const PATH: &'static str = "name/inspect";
    const ABOUT: About = About::new("Show what a record of a name says.")
        .text(
            "Shows the fields of a signed record, and with --verify whether the holder of a name has
signed it and it is valid now.

Example:

  > ipfs name get <name> | ipfs name inspect --verify=<name>",
        )
        .status(Status::Experimental);
    const ARGS: &'static [Arg] = &[Arg::file("record", "The file with the record.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<Inspection>) -> Result<()> {
        let over = basalt::ipns::Error::RecordSize.to_string();
        let bytes = record(&mut call, MAX_RECORD_SIZE, &over).await?;
        let read = Record::decode(bytes.clone()).map_err(basalt::Error::Ipns)?;
        let validation = match &call.options.verify {
            None => None,
            Some(name) => {
                let name: Name = name.parse().map_err(basalt::Error::Ipns)?;
                let result = read.validate(&name, Moment::now());
                Some(Validation {
                    valid: result.is_ok(),
                    reason: result.err().map_or_else(String::new, |e| e.to_string()),
                    name: name.to_string(),
                })
            }
        };
        let value = read.value().map(|path| path.to_string());
        out.once(Inspection {
            entry: Fields {
                value: value.unwrap_or_default(),
                validity_type: read.validity_type().ok(),
                validity: read.validity().ok().map(|moment| moment.to_string()),
                sequence: read.sequence().ok(),
                ttl: read.ttl().ok(),
            },
            pb_size: read.size(),
            signature_type: read.signature_type().as_str().to_owned(),
            hex_dump: match call.options.dump {
                true => hex_dump(&bytes),
                false => String::new(),
            },
            validation,
        })
        .await
    }

    fn text(_: &View<Options>, _: &mut (), shown: Inspection, w: &mut dyn Write) -> Result<()> {
        let Fields {
            value,
            validity_type,
            validity,
            sequence,
            ttl,
        } = shown.entry;
        let mut lines = Vec::new();
        let mut line = |title: &str, text: Option<String>| {
            lines.extend(text.map(|text| format!("{title}:\t{text}")));
        };
        line("Value", (!value.is_empty()).then(|| go_quote(&value)));
        line("Validity Type", validity_type.map(|n| n.to_string()));
        line("Validity", validity.map(|text| go_quote(&text)));
        line("Sequence", sequence.map(|n| n.to_string()));
        line("TTL", ttl.map(|n| GoDuration::from_nanos(n).to_string()));
        line("Protobuf Size", Some(shown.pb_size.to_string()));
        line("Signature Type", Some(shown.signature_type));
        write_columns(w, &lines, 0)?;
        match shown.validation {
            None => writeln!(
                w,
                "\nThis record was not verified. Pass '--verify k51...' to verify."
            )?,
            Some(found) => {
                writeln!(w, "\nValidation results:")?;
                let mut lines = vec![format!("\tValid:\t{}", found.valid)];
                if !found.reason.is_empty() {
                    lines.push(format!("\tReason:\t{}", found.reason));
                }
                lines.push(format!("\tName:\t{}", found.name));
                write_columns(w, &lines, 0)?;
            }
        }
        if !shown.hex_dump.is_empty() {
            write!(w, "\nHex Dump:\n{}", shown.hex_dump)?;
        }
        Ok(())
    }
}
