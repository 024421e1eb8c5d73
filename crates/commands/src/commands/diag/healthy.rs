use std::time::Duration;

use async_trait::async_trait;
use basalt::block::parse_cid;
use basalt::repo::GoDuration;

use crate::options::NoOptions;
use crate::{About, Call, Command, Error, Output, Result};

/// The empty directory, which every repo is made with.
const PROBE: &str = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn";
/// A store that takes longer to look up one block is not healthy.
const PATIENCE: Duration = Duration::from_secs(5);

/// `ipfs diag healthy`.
pub(crate) struct Healthy;

#[async_trait]
impl Command for Healthy {
    type Options = NoOptions;
    type Event = String;
    type State = ();

    const PATH: &'static str = "diag/healthy";
    const ABOUT: About = About::new("Tell whether the node works.")
        .text(
            "Exits with 0 if the node answers, is not ending and its store can be read, and with 1
otherwise, within seconds. Made for the health checks of containers.",
        )
        .no_text();

    async fn run(call: Call<NoOptions>, out: Output<String>) -> Result<()> {
        if let Some(began) = call.ctx.ending_since() {
            let ago = i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX);
            let ago = GoDuration::from_secs(ago);
            return Err(Error::new(format!(
                "daemon is shutting down (started {ago} ago)"
            )));
        }
        let node = call.ctx.node().await?;
        let failed = |e: String| Error::new(format!("probe fetch: {e}"));
        let (cid, _) = parse_cid(PROBE).map_err(failed)?;
        let probe = async {
            // Somebody may have removed the directory; a store that says so is well.
            match node.blocks().store().has(&cid).await {
                Ok(true) => node
                    .blocks()
                    .offline()
                    .get(&cid)
                    .await
                    .map(|_| ())
                    .map_err(|e| e.to_string()),
                Ok(false) => Ok(()),
                Err(e) => Err(e.to_string()),
            }
        };
        match tokio::time::timeout(PATIENCE, probe).await {
            Ok(done) => done.map_err(failed)?,
            Err(_) => return Err(failed("context deadline exceeded".to_owned())),
        }
        out.once("ok".to_owned()).await
    }
}
