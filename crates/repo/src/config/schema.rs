//! The shape of Kubo's config file: every key, its type, and what an absent value is written as.
//!
//! The tables mirror the structures that Kubo 0.43.0 decodes the file into, in their order, so
//! that a new file has its keys where Kubo puts them.

mod tables;

pub(crate) use tables::{COMPOSABLE_PARAMS, CONFIG, DHT_PARAMS, HTTP_PARAMS};

/// The type of a value in the config file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A signed 64-bit integer; the name is Go's (`int` or `int64`).
    Int(&'static str),
    /// A string; the name is Go's, for error texts.
    Str(&'static str),
    /// An array.
    List(&'static Kind),
    /// An object with free keys; the name is Go's.
    Map(&'static str, &'static Kind),
    /// An object with known keys.
    Struct(&'static Struct),
    /// One string or an array of strings.
    Strings,
    /// `true`, `false`, or `null` for the default.
    Flag,
    /// A positive integer, `false` for off, or `null` for the default.
    Priority,
    /// An integer or `null`.
    OptInt,
    /// A string or `null`.
    OptStr,
    /// A byte size (`"5GiB"` or a number) or `null`.
    OptBytes,
    /// A duration (`"1h30m"`) or `null`.
    OptDuration,
    /// A duration.
    Duration,
    /// `enabled`, `disabled`, `legacy-v1` or empty.
    AutoNat,
    /// A key that was removed and must be empty: the text says what to do instead.
    Removed {
        /// What Kubo says when something is there.
        text: &'static str,
        /// `false` is harmless.
        allow_false: bool,
    },
    /// Whatever JSON it is.
    Any,
    /// Whatever JSON it is; Go holds it as bytes.
    Raw,
    /// A custom router: its parameters depend on its type.
    Router,
    /// A peer's ID with its addresses.
    Peer,
}

/// An object with known keys.
#[derive(Debug)]
pub(crate) struct Struct {
    /// Go's name for the type, without the package; error texts contain it.
    pub(crate) name: &'static str,
    /// The keys, in Go's order.
    pub(crate) fields: &'static [Field],
}

/// One key of a [`Struct`].
#[derive(Debug)]
pub(crate) struct Field {
    /// The key.
    pub(crate) name: &'static str,
    /// The type of its value.
    pub(crate) kind: Kind,
    /// `null` means "not there", whatever the type.
    pub(crate) pointer: bool,
    /// Left out of the file while it has its default.
    pub(crate) omit_empty: bool,
}

impl Struct {
    /// The place of the field of that name: of the exact one, else of one that differs in case, as
    /// Go's decoder finds it.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let exact = self.fields.iter().position(|f| f.name == name);
        exact.or_else(|| {
            self.fields
                .iter()
                .position(|f| f.name.eq_ignore_ascii_case(name))
        })
    }
}

impl Field {
    /// The field of a structure without a name; all of them hold flags or priorities.
    fn go_text(&self) -> String {
        let kind = match self.kind {
            Kind::Priority => "Priority",
            _ => "Flag",
        };
        format!(r#"{} config.{kind} "json:\",omitempty\"""#, self.name)
    }
}

impl Kind {
    /// Go's name for the type, for error texts.
    pub(crate) fn go_name(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Int(name) | Self::Str(name) | Self::Map(name, _) => (*name).to_owned(),
            Self::List(Self::Peer) => "[]peer.AddrInfo".to_owned(),
            Self::List(of) => format!("[]{}", of.go_name()),
            Self::Struct(s) if s.name.is_empty() => {
                let fields: Vec<String> = s.fields.iter().map(Field::go_text).collect();
                format!("struct {{ {} }}", fields.join("; "))
            }
            Self::Struct(s) => format!("config.{}", s.name),
            Self::Strings | Self::OptStr => "string".to_owned(),
            Self::Priority | Self::OptInt => "int64".to_owned(),
            Self::AutoNat => "config.AutoNATServiceMode".to_owned(),
            Self::Router => "config.Router".to_owned(),
            Self::Peer => "peer.addrInfoJson".to_owned(),
            Self::Flag
            | Self::OptBytes
            | Self::OptDuration
            | Self::Duration
            | Self::Removed { .. }
            | Self::Any
            | Self::Raw => "value".to_owned(),
        }
    }
}
