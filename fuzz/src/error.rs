// The file of the crate that depends on everything, taken without it.
include!("../../crates/http/src/error.rs");

/// The result of everything that reads HTTP.
pub type Result<T, E = Error> = std::result::Result<T, E>;
