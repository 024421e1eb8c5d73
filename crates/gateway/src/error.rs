//! What goes wrong on the way to content.

use basalt_block::Cid;
use basalt_denylist::Blocked;
use basalt_ipld::go_quote;

/// Why content could not be found or read. The texts are Kubo's.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    /// A name is not there.
    #[error("no link named {} under {node}", go_quote(.name))]
    NoLink {
        /// The name.
        name: Vec<u8>,
        /// Where it was looked for.
        node: Box<Cid>,
    },
    /// A block is not to be had.
    #[error("{0}")]
    Missing(String),
    /// Content that this node does not give out.
    #[error("{}", shown_blocked(.0))]
    Blocked(Blocked),
    /// Anything else, in the words of whoever failed.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// Whether it means that there is nothing of that name, rather than that something failed.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::NoLink { .. } | Self::Missing(_))
    }

    /// The status of an answer with this error.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::NoLink { .. } | Self::Missing(_) => 404,
            Self::Blocked(blocked) => blocked.status,
            Self::Other(_) => 500,
        }
    }
}

/// What a browser is told, with the reason that the list has.
fn shown_blocked(blocked: &Blocked) -> String {
    match &blocked.reason {
        Some(reason) => format!("{blocked} ({reason})"),
        None => blocked.to_string(),
    }
}

/// What is said behind an error about a block: what was done to get it.
const RETRIEVAL: &str = "retrieval: no providers found for the CID (phase: path resolution)";

impl Error {
    /// The error of one who went to get a block.
    pub(crate) fn retrieving(self) -> Self {
        match self {
            Self::Missing(text) => Self::Missing(format!("{text}: {RETRIEVAL}")),
            Self::Other(text) => Self::Other(format!("{text}: {RETRIEVAL}")),
            error @ (Self::NoLink { .. } | Self::Blocked(_)) => error,
        }
    }
}

impl From<Blocked> for Error {
    fn from(blocked: Blocked) -> Self {
        Self::Blocked(blocked)
    }
}

impl From<basalt_exchange::Error> for Error {
    fn from(error: basalt_exchange::Error) -> Self {
        if let basalt_exchange::Error::Refused(refusal) = &error
            && let Some(blocked) = refusal.downcast_ref::<Blocked>()
        {
            return Self::Blocked(blocked.clone());
        }
        match error.missing() {
            Some(_) => Self::Missing(error.to_string()),
            None => Self::Other(error.to_string()),
        }
    }
}

impl From<basalt_unixfs::Error> for Error {
    fn from(error: basalt_unixfs::Error) -> Self {
        match error {
            basalt_unixfs::Error::Source(source) => {
                match source.downcast::<basalt_exchange::Error>() {
                    Ok(error) => (*error).into(),
                    Err(source) => Self::Other(source.to_string()),
                }
            }
            basalt_unixfs::Error::NotFound(_) => Self::Missing(error.to_string()),
            basalt_unixfs::Error::NoLink { name, node } => Self::NoLink { name, node },
            basalt_unixfs::Error::Malformed { reason, .. } => Self::Other(reason),
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<basalt_ipld::Error> for Error {
    fn from(error: basalt_ipld::Error) -> Self {
        match error {
            basalt_ipld::Error::Malformed { reason, .. } => Self::Other(reason),
            error => Self::Other(error.to_string()),
        }
    }
}

/// A path as it stands in an error: what is not plain ASCII is escaped, as Go's `%+q` does.
pub(crate) fn shown(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len());
    for piece in path.utf8_chunks() {
        for c in piece.valid().chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                ' '..='~' => out.push(c),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x07' => out.push_str("\\a"),
                '\x08' => out.push_str("\\b"),
                '\x0b' => out.push_str("\\v"),
                '\x0c' => out.push_str("\\f"),
                c if (c as u32) < 0x80 => out.push_str(&format!("\\x{:02x}", c as u32)),
                c if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", c as u32)),
                c => out.push_str(&format!("\\U{:08x}", c as u32)),
            }
        }
        for byte in piece.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_errors_are_plain_ascii() {
        assert_eq!(shown("/ipfs/x/é\"\n".as_bytes()), "/ipfs/x/\\u00e9\\\"\\n");
        assert_eq!(shown(b"\xff\x01"), "\\xff\\x01");
    }
}
