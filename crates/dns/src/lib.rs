//! The DNS: the system's resolvers, and servers over HTTPS (RFC 8484) for the domains that a table gives
//! them.
//!
//! ```
//! use basalt_dns::Resolvers;
//!
//! let table = [("eth.", "https://dns.eth.limo/dns-query"), (".", "")];
//! let table = table.map(|(domain, url)| (domain.to_owned(), url.to_owned()));
//! assert!(Resolvers::new(&table.into(), None).is_ok());
//!
//! let wrong = [("eth".to_owned(), "https://dns.eth.limo/dns-query".to_owned())];
//! let error = Resolvers::new(&wrong.into(), None).err().unwrap();
//! assert_eq!(error.to_string(), "invalid domain eth; must be FQDN");
//! ```

mod cache;
mod error;
mod https;
mod question;
mod resolvers;
mod system;

pub use error::Error;
pub use resolvers::Resolvers;

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
