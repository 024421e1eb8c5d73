//! Options: said once, as the fields of a struct.

use std::collections::BTreeMap;

use crate::number::{parse_bool, parse_int, parse_uint};
use crate::spec::{Kind, Opt};

/// A value that was given, or a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A signed number.
    Int(i64),
    /// An unsigned number.
    Uint(u64),
    /// Text.
    String(String),
    /// Several texts.
    Strings(Vec<String>),
}

impl Value {
    /// Reads `text` as a value of `kind`; the error is Go's text.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, String> {
        Ok(match kind {
            Kind::Bool => Self::Bool(parse_bool(text)?),
            Kind::Int => Self::Int(parse_int(text, 32)?),
            Kind::Int64 => Self::Int(parse_int(text, 64)?),
            Kind::Uint => Self::Uint(parse_uint(text, 32)?),
            Kind::Uint64 => Self::Uint(parse_uint(text, 64)?),
            Kind::String => Self::String(text.to_owned()),
            Kind::Strings => Self::Strings(vec![text.to_owned()]),
        })
    }
}

/// The options of one request by main name: those given, typed, and the defaults of the others.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    given: BTreeMap<&'static str, Value>,
}

impl Parsed {
    /// Takes a value that was given. A second one is added to an array and refused elsewhere.
    pub fn insert(&mut self, opt: &Opt, value: Value) -> Result<(), String> {
        match (self.given.get_mut(opt.name()), value) {
            (Some(Value::Strings(have)), Value::Strings(more)) => have.extend(more),
            (Some(_), _) => return Err(format!("multiple values for option {:?}", opt.name())),
            (None, value) => {
                self.given.insert(opt.name(), value);
            }
        }
        Ok(())
    }

    /// Takes a value in place of one that was given before; those of an array are added.
    pub(crate) fn replace(&mut self, opt: &Opt, value: Value) {
        match (self.given.get_mut(opt.name()), value) {
            (Some(Value::Strings(have)), Value::Strings(more)) => have.extend(more),
            (_, value) => {
                self.given.insert(opt.name(), value);
            }
        }
    }

    /// Notes that `--offline=false` was given, for the commands that contradict it: elsewhere it is
    /// as if nothing was said.
    pub(crate) fn note_online(&mut self, opt: &Opt, value: &Value) {
        if opt.name() == "offline" && *value == Value::Bool(false) {
            self.given.insert(opt.name(), value.clone());
        }
    }

    /// Whether the option was given.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// What was given, by main name.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.given.iter().map(|(k, v)| (*k, v))
    }

    /// The option's value: given, or the default.
    pub fn get(&self, opt: &Opt) -> Option<Value> {
        if let Some(value) = self.given.get(opt.name()) {
            return Some(value.clone());
        }
        // Defaults are checked by the table's own test.
        opt.default
            .and_then(|text| Value::parse(opt.kind, text).ok())
    }
}

/// A Rust type that an option's field may have.
pub trait OptionType: Sized {
    /// The option's type in the table.
    const KIND: Kind;
    /// Reads the field from a value of that type.
    fn read(value: Option<Value>) -> Self;
}

macro_rules! option_type {
    ($ty:ty, $kind:ident, $value:pat => $out:expr) => {
        impl OptionType for $ty {
            const KIND: Kind = Kind::$kind;
            fn read(value: Option<Value>) -> Self {
                Option::<$ty>::read(value).unwrap_or_default()
            }
        }
        impl OptionType for Option<$ty> {
            const KIND: Kind = Kind::$kind;
            fn read(value: Option<Value>) -> Self {
                match value {
                    Some($value) => Some($out),
                    _ => None,
                }
            }
        }
    };
}

option_type!(bool, Bool, Value::Bool(v) => v);
option_type!(i32, Int, Value::Int(v) => i32::try_from(v).unwrap_or_default());
option_type!(u32, Uint, Value::Uint(v) => u32::try_from(v).unwrap_or_default());
option_type!(i64, Int64, Value::Int(v) => v);
option_type!(u64, Uint64, Value::Uint(v) => v);
option_type!(String, String, Value::String(v) => v);
option_type!(Vec<String>, Strings, Value::Strings(v) => v);

/// The options of a command; made by [`crate::options!`].
pub trait OptionSet: Send + Sync + 'static {
    /// The options as the table shows them.
    const SPEC: &'static [Opt];
    /// Reads the fields.
    fn read(parsed: &Parsed) -> Self;
}

/// Says a command's options: a struct whose fields are the options. The doc comment is the help,
/// the brackets hold the names, a default is written as it would be typed.
///
/// `bool`, `i32`, `u32`, `i64`, `u64`, `String` and `Vec<String>` are Kubo's `bool`, `int`, `uint`,
/// `int64`, `uint64`, `string` and `array`; `Option<_>` of them tells "not given" apart.
///
/// ```
/// basalt_commands::options! {
///     /// Options of `frobnicate`.
///     pub struct Options {
///         /// Write only CIDs.
///         quiet: bool = ["quiet", "q"],
///         /// How many at most.
///         most: i64 = ["most"] default "10",
///     }
/// }
/// ```
#[macro_export]
macro_rules! options {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $about:literal])+
                $field:ident : $ty:ty = [$($opt:literal),+ $(,)?] $(default $default:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $name {
            $( $(#[doc = $about])+ pub $field: $ty, )*
        }

        impl $crate::OptionSet for $name {
            const SPEC: &'static [$crate::Opt] = &[
                $( $crate::Opt {
                    names: &[$($opt),+],
                    kind: <$ty as $crate::OptionType>::KIND,
                    default: $crate::options!(@default $($default)?),
                    about: concat!($($about),+),
                } ),*
            ];

            #[allow(unused_variables, unused_mut, unused_assignments)]
            fn read(parsed: &$crate::Parsed) -> Self {
                let mut at = 0;
                $(
                    let $field = <$ty as $crate::OptionType>::read(parsed.get(&Self::SPEC[at]));
                    at += 1;
                )*
                Self { $($field),* }
            }
        }
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
}

options! {
    /// Options that every command takes.
    pub struct Globals {
        /// Path to the repository directory to use.
        repo_dir: Option<String> = ["repo-dir"],
        /// Path to the configuration file to use.
        config_file: Option<String> = ["config-file"],
        /// Deprecated: path to the repository directory.
        config: Option<String> = ["config", "c"],
        /// Write debug logs.
        debug: bool = ["debug", "D"],
        /// Show the whole help of the command.
        help: bool = ["help"],
        /// Show a short help of the command.
        short_help: bool = ["h"],
        /// Deprecated: run without the daemon; use --offline.
        local: bool = ["local", "L"],
        /// Do not use the network.
        offline: bool = ["offline"],
        /// Multiaddr of the RPC API to use.
        api: Option<String> = ["api"],
        /// Secret for the RPC API, as in API.Authorizations.
        api_auth: Option<String> = ["api-auth"],
        /// Multibase of CIDv1 in the output.
        cid_base: Option<String> = ["cid-base"],
        /// Deprecated: write CIDv0 as CIDv1.
        upgrade_cidv0: Option<bool> = ["upgrade-cidv0-in-output"],
        /// Encoding of the output: json, xml or text.
        encoding: Option<String> = ["encoding", "enc"] default "text",
        /// Stream the output as it comes.
        stream_channels: bool = ["stream-channels"],
        /// Give up after this time, such as 30s or 1h30m.
        timeout: Option<String> = ["timeout"],
    }
}

options! {
    /// For commands that have no options of their own.
    pub(crate) struct NoOptions {}
}
