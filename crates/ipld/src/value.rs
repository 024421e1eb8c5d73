//! The IPLD data model.

mod visit;

use std::fmt;

use basalt_block::Cid;

use crate::Error;
pub(crate) use visit::{Event, Order, visit};

/// Anything that a block can mean: <https://ipld.io/docs/data-model/>.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer between `i64::MIN` and `u64::MAX`; others cannot be encoded.
    Int(i128),
    /// A number of 64 bits; infinities and NaN cannot be read back where they can be written.
    Float(f64),
    /// Text.
    String(Text),
    /// Bytes that are not text.
    Bytes(Vec<u8>),
    /// Values in order.
    List(Vec<Value>),
    /// Values under distinct names, in the order of the block.
    Map(Vec<(Text, Value)>),
    /// A link to another block.
    Link(Box<Cid>),
}

impl Value {
    /// The kind as the data model names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Link(_) => "link",
        }
    }

    /// What a map has under a name.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&Value> {
        let name = name.as_ref();
        match self {
            Self::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.as_bytes() == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// What a path's next segment leads to: a name in a map, a number in a list.
    pub fn child(&self, segment: impl AsRef<[u8]>) -> Result<&Value, Error> {
        let segment = segment.as_ref();
        match self {
            Self::Map(_) => self
                .get(segment)
                .ok_or_else(|| Error::KeyNotFound(segment.to_vec())),
            Self::List(list) => {
                let index = std::str::from_utf8(segment)
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok())
                    .ok_or_else(|| Error::NoIndex(segment.to_vec()))?;
                match usize::try_from(index) {
                    Ok(index) => list
                        .get(index)
                        .ok_or_else(|| Error::KeyNotFound(segment.to_vec())),
                    // Kubo forgets which number it was when it is less than nothing.
                    Err(_) => Err(Error::KeyNotFound(Vec::new())),
                }
            }
            _ => Err(Error::WrongKind {
                method: "LookupBySegment",
                node: self.kind().to_owned(),
                kind: self.kind(),
                wanted: "map or list",
            }),
        }
    }

    /// What several segments lead to, one inside the other.
    pub fn descend<S: AsRef<[u8]>>(
        &self,
        segments: impl IntoIterator<Item = S>,
    ) -> Result<&Value, Error> {
        segments
            .into_iter()
            .try_fold(self, |value, segment| value.child(segment))
    }

    /// Calls `found` with each link in the value, in its order.
    pub fn for_each_link(&self, mut found: impl FnMut(&Cid)) {
        let Ok(()) = visit(self, Order::AsIs, |event| {
            if let Event::Scalar(Value::Link(cid)) = event {
                found(cid);
            }
            Ok::<(), std::convert::Infallible>(())
        });
    }
}

/// Text as blocks have it: nearly always UTF-8, but no codec sees to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Vec<u8>);

impl Text {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl<T: Into<Vec<u8>>> From<T> for Text {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::quote::go_quote(&self.0))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}
