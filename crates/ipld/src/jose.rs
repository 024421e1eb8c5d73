//! Signed and encrypted JOSE objects as DAG-CBOR: <https://ipld.io/specs/codecs/dag-jose/spec/>.
//!
//! In the block, what JOSE writes in base64url is bytes; in the data model it is that text. A signed
//! object's payload is a CID, and what is read has it as `link` too, so that paths and pins go through
//! it. A block is read as an encrypted object if it can be, otherwise as a signed one.

mod decode;
mod encode;

pub(crate) use decode::decode;
pub(crate) use encode::encode;

use crate::value::{Event, Order, visit};
use crate::{Error, Text, Value};

/// A map of the schema, and how it is called in errors.
struct Schema {
    name: &'static str,
    fields: Fields,
}

/// The fields of a map in order, and whether each is there always.
type Fields = &'static [(&'static str, bool)];

/// What an encrypted object has, as a block and in the data model.
const JWE_FIELDS: Fields = &[
    ("aad", false),
    ("ciphertext", true),
    ("iv", false),
    ("protected", false),
    ("recipients", false),
    ("tag", false),
    ("unprotected", false),
];
const RECIPIENT_FIELDS: Fields = &[("header", false), ("encrypted_key", false)];
const SIGNATURE_FIELDS: Fields = &[("header", false), ("protected", false), ("signature", true)];

impl Schema {
    /// The values of the fields of a map, in the schema's order.
    fn read<'a, const N: usize>(&self, value: &'a Value) -> Result<[Option<&'a Value>; N], Error> {
        let Value::Map(entries) = value else {
            return Err(self.wrong_kind(value));
        };
        let mut found = [None; N];
        for (name, value) in entries {
            let mut fields = self.fields.iter().zip(&mut found);
            let field = fields.find(|((field, _), _)| field.as_bytes() == name.as_bytes());
            let (_, place) = field.ok_or_else(|| Error::NoSuchField {
                schema: self.name,
                name: name.as_bytes().to_vec(),
            })?;
            *place = Some(value);
        }
        match self
            .fields
            .iter()
            .zip(&found)
            .find(|((_, needed), value)| *needed && value.is_none())
        {
            Some(((field, _), _)) => Err(Error::MissingField(field)),
            None => Ok(found),
        }
    }

    fn wrong_kind(&self, value: &Value) -> Error {
        wrong_kind(value, self.name, "map")
    }
}

/// The map with the values that are there.
fn map<const N: usize>(schema: &Schema, values: [Option<Value>; N]) -> Value {
    let names = schema.fields.iter().map(|(name, _)| Text::from(*name));
    let entries = names.zip(values);
    Value::Map(
        entries
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
    )
}

/// Whether a value can be a header: anything but null, truth values and links, at any depth.
fn check_any(value: &Value) -> Result<(), Error> {
    visit(value, Order::AsIs, |event| match event {
        Event::Scalar(value @ (Value::Null | Value::Bool(_) | Value::Link(_))) => {
            Err(Error::Misshapen(format!(
                "cannot match schema: union structure constraints for dagjose.Any.Repr caused rejection: \
                 {} called but is not valid for any of the kinds that are valid members of this union",
                assigned(value).0
            )))
        }
        Event::Scalar(Value::Int(int)) if i64::try_from(*int).is_err() => {
            Err(Error::IntOutOfRange(*int))
        }
        _ => Ok(()),
    })
}

/// A value where the schema wants another: named by what would have taken it.
fn wrong_kind(value: &Value, node: &str, kind: &'static str) -> Error {
    let (method, wanted) = assigned(value);
    Error::WrongKind {
        method,
        node: node.to_owned(),
        kind,
        wanted,
    }
}

/// What takes a value, and what that wants.
fn assigned(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("AssignNull", "null"),
        Value::Bool(_) => ("AssignBool", "bool"),
        Value::Int(_) => ("AssignInt", "int"),
        Value::Float(_) => ("AssignFloat", "float"),
        Value::String(_) => ("AssignString", "string"),
        Value::Bytes(_) => ("AssignBytes", "bytes"),
        Value::List(_) => ("BeginList", "list"),
        Value::Map(_) => ("BeginMap", "map"),
        Value::Link(_) => ("AssignLink", "link"),
    }
}
