//! In which form content is asked for.

use basalt_block::codec;
use basalt_http::{Headers, media_type};
use basalt_ipld::codec as codecs;

use crate::ask::Ask;

/// A form of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// As a browser shows it.
    Default,
    Raw,
    Car,
    Tar,
    Json,
    Cbor,
    DagJson,
    DagCbor,
    IpnsRecord,
    /// One that only looks like one of them.
    Unknown,
}

/// Name in a query, media type.
const FORMATS: [(Format, &str, &str); 8] = [
    (Format::Raw, "raw", "application/vnd.ipld.raw"),
    (Format::Car, "car", "application/vnd.ipld.car"),
    (Format::Tar, "tar", "application/x-tar"),
    (Format::Json, "json", "application/json"),
    (Format::Cbor, "cbor", "application/cbor"),
    (Format::DagJson, "dag-json", "application/vnd.ipld.dag-json"),
    (Format::DagCbor, "dag-cbor", "application/vnd.ipld.dag-cbor"),
    (
        Format::IpnsRecord,
        "ipns-record",
        "application/vnd.ipfs.ipns-record",
    ),
];

impl Format {
    /// The media type; empty for those that have none.
    pub(crate) fn media_type(self) -> &'static str {
        let known = FORMATS.iter().find(|(format, ..)| *format == self);
        known.map_or("", |(_, _, media)| media)
    }

    /// The name in a query.
    pub(crate) fn name(self) -> &'static str {
        let known = FORMATS.iter().find(|(format, ..)| *format == self);
        known.map_or("", |(_, name, _)| name)
    }

    /// The codec of that name.
    pub(crate) fn codec(self) -> Option<u64> {
        match self {
            Self::DagJson => Some(codec::DAG_JSON),
            Self::DagCbor => Some(codec::DAG_CBOR),
            _ => None,
        }
    }

    fn of_media_type(media: &str) -> Self {
        let known = FORMATS.iter().find(|(_, _, known)| *known == media);
        known.map_or(Self::Unknown, |(format, ..)| *format)
    }
}

/// The media type of a document by its codec.
pub(crate) fn media_type_of(code: u64) -> Option<&'static str> {
    let format = match code {
        codecs::JSON => Format::Json,
        codecs::CBOR => Format::Cbor,
        codec::DAG_JSON => Format::DagJson,
        codec::DAG_CBOR => Format::DagCbor,
        _ => return None,
    };
    Some(format.media_type())
}

/// What a request wants, and what it says about it.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) format: Format,
    /// The parameters of the media type.
    pub(crate) params: Vec<(String, String)>,
}

impl Wanted {
    /// Reads `?format=`, which comes first, and `Accept`.
    ///
    /// # Errors
    /// What is wrong with `Accept`.
    pub(crate) fn of(ask: &Ask) -> Result<Self, String> {
        let accepted = accepted(&ask.headers)?;
        let named = FORMATS
            .iter()
            .find(|(_, name, _)| *name == ask.param("format"));
        Ok(match (named, accepted) {
            (Some((format, _, media)), Some((accepted, params))) if *media == accepted => Self {
                format: *format,
                params,
            },
            (Some((format, ..)), _) => Self {
                format: *format,
                params: Vec::new(),
            },
            (None, Some((accepted, params))) => Self {
                format: Format::of_media_type(&accepted),
                params,
            },
            (None, None) => Self {
                format: Format::Default,
                params: Vec::new(),
            },
        })
    }

    /// A parameter of the media type.
    pub(crate) fn param(&self, name: &str) -> &str {
        let mut found = self.params.iter().filter(|(have, _)| have == name);
        found.next().map_or("", |(_, value)| value)
    }

    /// `Content-Location`: where the same answer is without `Accept`.
    pub(crate) fn location(&self, ask: &Ask) -> Option<String> {
        if self.format == Format::Default
            || ask.param("format") == self.format.name() && self.format != Format::Unknown
        {
            return None;
        }
        let format = self.format.name();
        let mut pairs: Vec<(String, String)> = ask.pairs.clone();
        pairs.retain(|(name, _)| name != "format");
        pairs.push(("format".to_owned(), format.to_owned()));
        for (name, value) in &self.params {
            let name = format!("{format}-{name}");
            if !pairs.iter().any(|(have, _)| *have == name) {
                pairs.push((name, value.clone()));
            }
        }
        // Sorted by name, and stably, as Go writes queries.
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        let query = basalt_http::query::encode(pairs.iter().map(|(n, v)| (&**n, &**v)));
        let path = String::from_utf8_lossy(&ask.original);
        Some(format!("{path}?{query}"))
    }
}

/// A media type and its parameters.
type Accepted = (String, Vec<(String, String)>);

/// The first of the media types that are accepted which is one of ours.
fn accepted(headers: &Headers) -> Result<Option<Accepted>, String> {
    const OURS: [&str; 5] = [
        "application/vnd.ipld",
        "application/vnd.ipfs",
        "application/x-tar",
        "application/json",
        "application/cbor",
    ];
    for value in headers.all("Accept") {
        let value = String::from_utf8_lossy(value);
        for one in value.split(',').map(str::trim) {
            if OURS.iter().any(|prefix| one.starts_with(prefix)) {
                return media_type::parse(one).map(Some);
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::Origin;

    fn ask(query: &str, accept: &[&str]) -> Ask {
        Ask {
            method: "GET".into(),
            path: b"/ipfs/x".into(),
            original: b"/ipfs/x".into(),
            raw: "/ipfs/x".into(),
            query: query.into(),
            pairs: basalt_http::query::parse(query),
            headers: accept.iter().map(|value| ("Accept", *value)).collect(),
            origin: Origin::Path,
            known_host: None,
            began: std::time::Instant::now(),
        }
    }

    fn format(query: &str, accept: &[&str]) -> Format {
        Wanted::of(&ask(query, accept)).unwrap().format
    }

    #[test]
    fn the_query_comes_before_the_header() {
        assert_eq!(format("", &[]), Format::Default);
        assert_eq!(format("", &["text/html,*/*"]), Format::Default);
        assert_eq!(
            format("format=raw", &["application/vnd.ipld.car"]),
            Format::Raw
        );
        assert_eq!(
            format("format=bogus", &["application/vnd.ipld.car"]),
            Format::Car
        );
        assert_eq!(format("format=bogus", &[]), Format::Default);
        assert_eq!(
            format(
                "",
                &[
                    "text/html, application/vnd.ipld.car; order=dfs",
                    "application/json"
                ]
            ),
            Format::Car
        );
        assert_eq!(format("", &["application/vnd.ipld.bogus"]), Format::Unknown);
        assert!(Wanted::of(&ask("", &["application/json; ="])).is_err());
    }

    #[test]
    fn the_location_says_what_the_header_said() {
        let ask = ask("a=b", &["application/vnd.ipld.car; version=1; order=dfs"]);
        let location = Wanted::of(&ask).unwrap().location(&ask);
        assert_eq!(
            location.as_deref(),
            Some("/ipfs/x?a=b&car-order=dfs&car-version=1&format=car")
        );
    }
}
