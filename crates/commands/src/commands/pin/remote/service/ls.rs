use std::io::Write;

use async_trait::async_trait;
use basalt::pinning::{Client, Filter, Status};
use basalt::repo::config::RemotePinningService;
use futures::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};

use crate::commands::support::{with_repo, write_columns};
use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `pin remote service ls`.
    pub(crate) struct Options {
        /// Ask each service how many pins it has: queued/pinning/pinned/failed
        stat: bool = ["stat"] default "false",
    }
}

/// `ipfs pin remote service ls`.
pub(crate) struct Ls;

/// The services that are known.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Services {
    remote_services: Vec<Service>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Service {
    service: String,
    api_endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stat: Option<Stat>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stat {
    status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin_count: Option<PinCount>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PinCount {
    queued: i64,
    pinning: i64,
    pinned: i64,
    failed: i64,
}

#[async_trait]
impl Command for Ls {
    type Options = Options;
    type Event = Services;
    type State = ();

    const PATH: &'static str = "pin/remote/service/ls";
    const ABOUT: About = About::new("List the pinning services that are known.").text(
        "Lists names and endpoints; with --stat also how many pins each service has: queued, being
pinned, pinned, and failed. A service that does not answer as one is 'invalid'; why, tells
'ipfs pin remote ls --service=<name>'.",
    );

    async fn run(call: Call<Options>, out: Output<Services>) -> Result<()> {
        let config = with_repo(&call.ctx, |repo| repo.read_config()).await?;
        let stat = call.options.stat;
        let services = config.remote_pinning_services();
        let listed = services.into_iter().map(|(service, known)| async move {
            let stat = match stat {
                true => Some(stat_of(&known).await),
                false => None,
            };
            Service {
                service,
                api_endpoint: known.endpoint,
                stat,
            }
        });
        let remote_services = join_all(listed).await;
        out.once(Services { remote_services }).await
    }

    fn text(view: &View<Options>, _: &mut (), list: Services, w: &mut dyn Write) -> Result<()> {
        let lines = list.remote_services.into_iter().map(|s| {
            let mut line = format!("{}\t{}", s.service, s.api_endpoint);
            if view.options.stat {
                line.push('\t');
                line.push_str(&s.stat.map(shown).unwrap_or_default());
            }
            line
        });
        Ok(write_columns(w, &lines.collect::<Vec<_>>(), 1)?)
    }
}

fn shown(stat: Stat) -> String {
    match stat.pin_count {
        Some(n) => format!("{}/{}/{}/{}", n.queued, n.pinning, n.pinned, n.failed),
        None => stat.status,
    }
}

async fn stat_of(known: &RemotePinningService) -> Stat {
    let counted = async { count(&basalt::pinning_client(known)?).await };
    match counted.await {
        Ok(count) => Stat {
            status: "valid".to_owned(),
            pin_count: Some(count),
        },
        Err(_) => Stat {
            status: "invalid".to_owned(),
            pin_count: None,
        },
    }
}

async fn count(client: &Client) -> Result<PinCount, basalt::Error> {
    let filters = Status::ALL.map(|status| Filter::default().statuses([status]));
    let counts = try_join_all(filters.iter().map(|filter| client.count(filter))).await?;
    Ok(PinCount {
        queued: counts[0],
        pinning: counts[1],
        pinned: counts[2],
        failed: counts[3],
    })
}
