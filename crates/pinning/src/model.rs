//! What is sent and what comes. Services leave out fields and send `null`; a reader takes both.

use std::fmt;

use basalt_block::{Base, Cid, cid_text};
use serde::{Deserialize, Deserializer, Serialize};

/// What became of a request to pin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// The service did not say.
    #[default]
    Unknown,
    /// It waits for its turn.
    Queued,
    /// The service fetches it.
    Pinning,
    /// The service has it.
    Pinned,
    /// The service could not get it.
    Failed,
}

impl Status {
    /// Every status that a service may give, in the order of a pin's life.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Pinning, Self::Pinned, Self::Failed];

    /// The status of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Its name; empty for [`Status::Unknown`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Queued => "queued",
            Self::Pinning => "pinning",
            Self::Pinned => "pinned",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::of_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("{name} is not a valid Status")))
    }
}

/// A pin that is asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Draft {
    cid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    origins: Vec<String>,
}

impl Draft {
    /// A pin of everything under `cid`.
    pub fn new(cid: &Cid) -> Self {
        Self {
            cid: wire_text(cid),
            name: String::new(),
            origins: Vec::new(),
        }
    }

    /// The pin's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Multiaddrs of peers that have it.
    pub fn origins(mut self, origins: Vec<String>) -> Self {
        self.origins = origins;
        self
    }
}

/// A CID as services are told it: one of version 0 as it is, others in base32.
pub(crate) fn wire_text(cid: &Cid) -> String {
    cid_text(cid, Base::Base32Lower)
}

/// A pin that a service knows.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Pin {
    /// Its CID, as the service writes it.
    #[serde(default, deserialize_with = "or_default")]
    pub cid: String,
    /// Its name; empty for none.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
}

/// A request to pin, and what became of it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PinStatus {
    /// What names the request.
    #[serde(rename = "requestid", default, deserialize_with = "or_default")]
    pub request_id: String,
    /// What became of it.
    #[serde(default)]
    pub status: Status,
    /// When the service got it, in RFC 3339.
    #[serde(default = "never", deserialize_with = "or_never")]
    pub created: String,
    /// What was asked.
    #[serde(default, deserialize_with = "or_default")]
    pub pin: Pin,
    /// Multiaddrs of the service's nodes, which may be connected to.
    #[serde(default, deserialize_with = "or_default")]
    pub delegates: Vec<String>,
}

/// A page of a list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Page {
    /// How many pins there are, on this page and after it.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) count: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) results: Vec<PinStatus>,
}

/// What a service says when it refuses.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Failure {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) error: FailureError,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct FailureError {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) reason: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) details: String,
}

fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// The moment of a request without one, as Go writes it.
fn never() -> String {
    "0001-01-01T00:00:00Z".to_owned()
}

fn or_never<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_else(never))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_services_leave_out() {
        let status: PinStatus = serde_json::from_str("{}").unwrap();
        assert_eq!(
            (status.status, &*status.created),
            (Status::Unknown, &*never())
        );
        let text = r#"{"requestid":"1","status":"pinned","created":null,"pin":{"cid":"b","name":null,"meta":null},"delegates":null,"info":{"a":"b"}}"#;
        let status: PinStatus = serde_json::from_str(text).unwrap();
        assert_eq!(status.pin.cid, "b");
        assert!(status.pin.name.is_empty() && status.delegates.is_empty());
        let error = serde_json::from_str::<PinStatus>(r#"{"status":"done"}"#).unwrap_err();
        assert!(error.to_string().starts_with("done is not a valid Status"));
        let page: Page = serde_json::from_str(r#"{"count":3,"results":null}"#).unwrap();
        assert_eq!((page.count, page.results.len()), (3, 0));
        let failure: Failure = serde_json::from_str(r#"{"error":{"reason":"R"}}"#).unwrap();
        assert_eq!(failure.error.reason, "R");
    }

    #[test]
    fn a_draft_says_only_what_is_known() {
        let cid: Cid = "bafkqaaa".parse().unwrap();
        let json = |draft: &Draft| serde_json::to_string(draft).unwrap();
        assert_eq!(json(&Draft::new(&cid)), r#"{"cid":"bafkqaaa"}"#);
        let draft = Draft::new(&cid).name("n").origins(vec!["/x".to_owned()]);
        assert_eq!(
            json(&draft),
            r#"{"cid":"bafkqaaa","name":"n","origins":["/x"]}"#
        );
    }
}
