//! Ports that the router forwards to this machine, so that others can reach it.
//!
//! [`Mapper`] looks for a router that speaks UPnP (found by multicast), PCP or NAT-PMP (at the default
//! gateway), asks it to forward ports and keeps asking before that lapses. What routers answer is
//! hostile until proven otherwise: messages are bounded, and a router is only asked at the address from
//! which it answered.

mod mapper;
mod pcp;
mod pmp;
mod route;
mod router;
mod soap;
mod ssdp;
mod upnp;
mod xml;

pub use mapper::{Mapper, Options};
pub use router::{Error, Mapping, Protocol};

/// Readers of what routers send, for the fuzzer.
#[doc(hidden)]
pub mod decode {
    pub use crate::pcp::read as pcp;
    pub use crate::pmp::{read_address as pmp_address, read_mapping as pmp_mapping};
    pub use crate::soap::{read_fault, read_value};
    pub use crate::ssdp::read as ssdp;
    pub use crate::upnp::read_description;
}
