//! What the fuzz targets share: a meter of memory, and the HTTP layer without what stands on it.

mod error;
mod http_layer;
mod memory;

pub(crate) use error::{Error, Result};
// The names under which the files of the crate know one another.
pub(crate) use http_layer::{Headers, framing, head, headers, query};

pub use http_layer::{check_head, check_multipart, check_query};
pub use memory::bounded;
