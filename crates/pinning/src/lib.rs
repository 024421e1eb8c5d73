//! The client of the Pinning Services API: what pins elsewhere what this node names.
//!
//! ```no_run
//! use basalt_pinning::{Client, Draft, Endpoint, Filter};
//!
//! # async fn example(cid: basalt_block::Cid) -> Result<(), Box<dyn std::error::Error>> {
//! let service = Client::new(Endpoint::parse("https://pin.example/v1")?, "secret");
//! let asked = service.add(&Draft::new(&cid).name("a name")).await?;
//! println!("{}", service.status(&asked.request_id).await?.status);
//! let mut pins = service.list(Filter::default());
//! while let Some(pin) = pins.next().await? {
//!     println!("{}", pin.pin.cid);
//! }
//! # Ok(()) }
//! ```

mod client;
mod endpoint;
mod error;
mod list;
mod model;
mod request;

pub use client::Client;
pub use endpoint::{Endpoint, NotAnEndpoint};
pub use error::Error;
pub use list::{Filter, List};
pub use model::{Draft, Pin, PinStatus, Status};

/// The result of every request.
pub type Result<T, E = Error> = std::result::Result<T, E>;
