use std::io::Write;

use async_trait::async_trait;
use basalt::block::Base;

use super::convert::{Conversion, Converted, convert_all, show_end, show_row};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, View};

/// `ipfs cid base32`.
pub(crate) struct Base32;

#[async_trait]
impl Command for Base32 {
    type Options = NoOptions;
    type Event = Converted;
    type State = bool;

    const PATH: &'static str = "cid/base32";
    const ABOUT: About = About::new("Write CIDs as CIDv1 in base32.")
        .text("The form that works everywhere, host names included.")
        .no_repo()
        .text_only();
    const ARGS: &'static [Arg] = &[Arg::required("cid", "CIDs to convert.").variadic().stdin()];

    async fn run(call: Call<NoOptions>, out: Output<Converted>) -> Result<()> {
        let to = Conversion {
            format: "%s".to_owned(),
            version: Some(1),
            codec: None,
            base: Some(Base::Base32Lower),
        };
        convert_all(call, to, out).await
    }

    fn text(
        view: &View<NoOptions>,
        failed: &mut bool,
        row: Converted,
        w: &mut dyn Write,
    ) -> Result<()> {
        show_row(view, failed, row, w)
    }

    fn text_end(_: &View<NoOptions>, failed: &mut bool, _: &mut dyn Write) -> Result<()> {
        show_end(*failed)
    }
}
