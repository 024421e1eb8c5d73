//! JSON as IPLD uses it: <https://ipld.io/specs/codecs/dag-json/spec/>.
//!
//! The lexer is Kubo's, mended nowhere: a comma may stand before a closing bracket, a number may
//! end in its point, and one byte behind a number at the top is let pass.

mod decode;
mod encode;
mod lex;

pub(crate) use decode::decode;
pub(crate) use encode::encode;

/// Which of the two codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// With links and bytes, names sorted, no white space.
    DagJson,
    /// Without links and bytes, names in the order of the value, indented.
    Json,
}
