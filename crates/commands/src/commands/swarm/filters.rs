use std::io::Write;

use async_trait::async_trait;
use basalt::network::Range;

use crate::commands::support::{Strings, online_command};
use crate::options::NoOptions;
use crate::{About, Call, Command, Error, Output, Result, View};

pub(crate) mod add;
pub(crate) mod rm;

/// The setting that the filters are kept in.
const KEY: &str = "Swarm.AddrFilters";

/// `ipfs swarm filters`.
pub(crate) struct Filters;

#[async_trait]
impl Command for Filters {
    type Options = NoOptions;
    type Event = Strings;
    type State = ();

    const PATH: &'static str = "swarm/filters";
    const ABOUT: About = About::new("List the ranges of addresses that the node refuses.").text(
        "The node neither connects to an address in one of these ranges nor takes connections from it. A
range is written as an address and the number of bits that count:

  /ip4/192.168.0.0/ipcidr/16

Swarm.AddrFilters in the config is where they begin; 'add' and 'rm' change it too.",
    );

    async fn run(call: Call<NoOptions>, out: Output<Strings>) -> Result<()> {
        let network = online_command(&call).await?;
        let ranges = network.filters().list();
        let ranges = ranges.iter().map(ToString::to_string).collect();
        out.once(Strings::new(ranges)).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), all: Strings, w: &mut dyn Write) -> Result<()> {
        all.write(w)
    }
}

fn parse(texts: &[String]) -> Result<Vec<Range>> {
    let parsed = texts.iter().map(|text| text.parse());
    parsed
        .map(|range| range.map_err(|e: basalt::network::NotARange| Error::new(e.to_string())))
        .collect()
}
