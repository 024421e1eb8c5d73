use async_trait::async_trait;

use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, parse};

/// `ipfs diag cmds set-time`.
pub(crate) struct SetTime;

#[async_trait]
impl Command for SetTime {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "diag/cmds/set-time";
    const ABOUT: About = About::new("Set how long requests are shown that have ended.").no_text();
    const ARGS: &'static [Arg] = &[Arg::required("time", "A duration, such as 30s or 1h30m.")];

    async fn run(call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        let text = call.meta.args.first().map_or("", String::as_str);
        call.ctx
            .keep_requests(parse::duration(text).map_err(Error::new)?);
        Ok(())
    }
}
