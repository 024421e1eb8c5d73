//! `ipfs pin remote`: pins that services keep.

pub(crate) mod add;
mod find;
pub(crate) mod ls;
pub(crate) mod rm;
pub(crate) mod service;

use basalt::Cid;
use basalt::pinning::{Client, PinStatus};
use serde::{Deserialize, Serialize};

use crate::commands::support::{CidText, with_repo};
use crate::{Context, Error, Result};

/// A pin, as its service has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemotePin {
    status: String,
    cid: String,
    name: String,
}

impl RemotePin {
    fn new(pin: PinStatus, cids: &CidText) -> Result<Self> {
        let cid: Cid = pin.cid().ok_or_else(|| {
            Error::new(format!(
                "invalid pinning service response: {:?} is no CID",
                pin.pin.cid
            ))
        })?;
        Ok(Self {
            status: pin.status.to_string(),
            cid: cids.write(&cid),
            name: pin.pin.name,
        })
    }
}

/// The service of the option `--service`.
async fn service(ctx: &Context, name: Option<&str>) -> Result<Client> {
    match name {
        None => Err(Error::new("a service name must be passed")),
        Some("") => Err(Error::new("remote pinning service name not specified")),
        Some(name) => named(ctx, name).await,
    }
}

/// The service of this name.
async fn named(ctx: &Context, name: &str) -> Result<Client> {
    let name = name.to_owned();
    let found = with_repo(ctx, move |repo| Ok(basalt::pinning_service(repo, &name)));
    found.await??.ok_or_else(|| Error::new("service not known"))
}
