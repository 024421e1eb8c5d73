use std::io::Write;

use async_trait::async_trait;

use super::convert::{Conversion, Converted, convert_all, show_end, show_row};
use super::names::{base_of, codec_of};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `cid format`.
    pub(crate) struct Options {
        /// How to write a CID, in the manner of printf
        format: String = ["f"] default "%s",
        /// The CID version to convert to
        version: Option<String> = ["v"],
        /// The codec to convert to
        codec: Option<String> = ["mc"],
        /// The multibase to write in
        base: Option<String> = ["b"],
    }
}

/// `ipfs cid format`.
pub(crate) struct Format;

#[async_trait]
impl Command for Format {
    type Options = Options;
    type Event = Converted;
    type State = bool;

    const PATH: &'static str = "cid/format";
    const ABOUT: About = About::new("Convert CIDs and write them in a format of your own.")
        .text(
            "What -f may hold:

  %%  a percent sign
  %b  name of the multibase         %B  its letter
  %v  version as in cidv1           %V  version as a number
  %c  name of the codec             %C  its code
  %h  name of the hash function     %H  its code
  %L  length of the digest in bytes
  %m  multihash in the multibase    %M  without the multibase's letter
  %d  digest in the multibase       %D  without the multibase's letter
  %s  the CID                       %S  without the multibase's letter
  %P  prefix: %v-%c-%h-%L

Example:

  > ipfs cid format -f '%P' QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdX
  cidv0-dag-pb-sha2-256-32",
        )
        .no_repo()
        .text_only();
    const ARGS: &'static [Arg] = &[Arg::required("cid", "CIDs to write.").variadic().stdin()];

    async fn run(call: Call<Options>, out: Output<Converted>) -> Result<()> {
        let to = conversion(&call.options).map_err(Error::new)?;
        convert_all(call, to, out).await
    }

    fn text(
        view: &View<Options>,
        failed: &mut bool,
        row: Converted,
        w: &mut dyn Write,
    ) -> Result<()> {
        show_row(view, failed, row, w)
    }

    fn text_end(_: &View<Options>, failed: &mut bool, _: &mut dyn Write) -> Result<()> {
        show_end(*failed)
    }
}

fn conversion(options: &Options) -> Result<Conversion, String> {
    if !options.format.contains('%') {
        return Err(format!("invalid format string: {:?}", options.format));
    }
    let text = |o: &Option<String>| o.clone().filter(|t| !t.is_empty());
    let codec = text(&options.codec).map(|c| codec_of(&c)).transpose()?;
    let base = text(&options.base);
    let version = match options.version.as_deref() {
        None | Some("") => base.is_some().then_some(1),
        Some("0") => {
            if codec.is_some_and(|c| c != basalt::block::codec::DAG_PB) {
                return Err("cannot convert to CIDv0 with any codec other than dag-pb".to_owned());
            }
            if base.as_deref().is_some_and(|b| b != "base58btc") {
                return Err(
                    "cannot convert to CIDv0 with any multibase other than the implicit base58btc"
                        .to_owned(),
                );
            }
            Some(0)
        }
        Some("1") => Some(1),
        Some(other) => return Err(format!("invalid cid version: {other:?}")),
    };
    let base = base.map(|b| base_of(&b)).transpose()?;
    Ok(Conversion {
        format: options.format.clone(),
        version,
        codec,
        base,
    })
}
