//! Content paths: `/ipfs/<cid>/a/b` and the other ways to write them.

use std::{borrow::Cow, fmt};

use basalt_block::{Cid, parse_cid};

use crate::{Error, PathRefused};

/// What the first component of a path says about the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// A CID, and names as UnixFS has them.
    Ipfs,
    /// A key or a domain, whose meaning changes.
    Ipns,
    /// A CID, and names as the IPLD data model has them.
    Ipld,
}

impl Namespace {
    const ALL: [Self; 3] = [Self::Ipfs, Self::Ipns, Self::Ipld];

    /// The name as it stands in a path.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipfs => "ipfs",
            Self::Ipns => "ipns",
            Self::Ipld => "ipld",
        }
    }
}

/// A clean path: a namespace, a root and the segments behind it.
///
/// Segments are bytes, because names in a DAG are. The root keeps the spelling it was given in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    text: Vec<u8>,
    namespace: Namespace,
    cid: Option<Cid>,
}

impl Path {
    /// Reads a canonical path, `/ipfs/…`, `/ipns/…` or `/ipld/…`. Dots and needless slashes go,
    /// one slash at the end stays.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, Error> {
        let text = text.as_ref();
        parse(text).map_err(|reason| Error::Path {
            path: text.to_vec(),
            reason,
        })
    }

    /// Reads a canonical path or a URI, `ipfs://…` or `ipfs:…`. The scheme's letters may be
    /// upper case; what follows is taken as it is, percent signs too.
    pub fn parse_uri(text: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::parse(without_scheme(text.as_ref()))
    }

    /// Reads what a user may give for content: a path, a URI, or a CID with or without segments.
    pub fn parse_argument(text: impl AsRef<[u8]>) -> Result<Self, Error> {
        let text = text.as_ref();
        Self::parse_uri(text).or_else(|e| Self::parse([b"/ipfs/", text].concat()).map_err(|_| e))
    }

    /// The path of a block: `/ipfs/<cid>`.
    pub fn from_cid(cid: Cid) -> Self {
        Self {
            text: format!("/ipfs/{cid}").into_bytes(),
            namespace: Namespace::Ipfs,
            cid: Some(cid),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// Whether what the path means may change.
    pub fn is_mutable(&self) -> bool {
        self.cid.is_none()
    }

    /// The root, if it is a CID, which it is outside of `/ipns`.
    pub fn root_cid(&self) -> Option<&Cid> {
        self.cid.as_ref()
    }

    /// The root, or the error that a path of `/ipns` is where an immutable one is needed.
    pub fn immutable_root(&self) -> Result<&Cid, Error> {
        self.cid.as_ref().ok_or_else(|| Error::Path {
            path: self.text.clone(),
            reason: PathRefused::ExpectedImmutable,
        })
    }

    /// The root as it was given.
    pub fn root(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.components().nth(1).unwrap_or_default())
    }

    /// What follows the root, never empty segments.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        self.components().skip(2)
    }

    fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|b| *b == b'/').filter(|s| !s.is_empty())
    }

    /// Whether the path ends in a slash.
    pub fn has_trailing_slash(&self) -> bool {
        self.text.ends_with(b"/")
    }

    /// The whole path.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// This path with more segments, which may have slashes and dots of their own.
    pub fn join<S: AsRef<[u8]>>(
        &self,
        segments: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let mut text = self.text.clone();
        if text.ends_with(b"/") {
            text.pop();
        }
        for segment in segments {
            text.push(b'/');
            text.extend_from_slice(segment.as_ref());
        }
        Self::parse(text)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl std::str::FromStr for Path {
    type Err = Error;

    /// As [`Path::parse_argument`].
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse_argument(text)
    }
}

fn parse(text: &[u8]) -> Result<Path, PathRefused> {
    let segments = clean(text);
    let [namespace, root, ..] = segments.as_slice() else {
        return Err(PathRefused::InsufficientComponents);
    };
    if !text.starts_with(b"/") {
        return Err(PathRefused::InsufficientComponents);
    }
    let namespace = Namespace::ALL
        .into_iter()
        .find(|known| known.as_str().as_bytes() == *namespace)
        .ok_or_else(|| PathRefused::UnknownNamespace(namespace.to_vec()))?;
    let cid = match namespace {
        Namespace::Ipns => None,
        _ => Some(root_cid(root)?),
    };
    let mut canonical = Vec::with_capacity(text.len() + 1);
    for segment in &segments {
        canonical.push(b'/');
        canonical.extend_from_slice(segment);
    }
    if text.ends_with(b"/") {
        canonical.push(b'/');
    }
    Ok(Path {
        text: canonical,
        namespace,
        cid,
    })
}

fn root_cid(text: &[u8]) -> Result<Cid, PathRefused> {
    parse_cid(&String::from_utf8_lossy(text))
        .map(|(cid, _)| cid)
        .map_err(PathRefused::Root)
}

/// The segments that remain when `.`, `..` and empty ones are worked out.
fn clean(text: &[u8]) -> Vec<&[u8]> {
    let mut segments = Vec::new();
    for segment in text.split(|b| *b == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    segments
}

fn without_scheme(text: &[u8]) -> Cow<'_, [u8]> {
    for namespace in Namespace::ALL {
        let name = namespace.as_str().as_bytes();
        if let Some((scheme, b':')) = text
            .get(..=name.len())
            .and_then(|s| s.split_last())
            .map(|(c, s)| (s, *c))
            && scheme.eq_ignore_ascii_case(name)
        {
            let rest = &text[name.len() + 1..];
            let rest = rest.strip_prefix(b"//").unwrap_or(rest);
            return Cow::Owned([b"/", name, b"/", rest].concat());
        }
    }
    Cow::Borrowed(text)
}
