//! What is asked of a gateway, and what its answers mean.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basalt_block::{Base, Block, Cid, Version, cid_text};
use basalt_http::{Answer, date};

/// How long a server is left alone that says that it is busy, but not for how long.
const REST: Duration = Duration::from_secs(1);
/// The longest that it is left alone, whatever it says.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// The CID of nothing, which a gateway gives without looking for it.
const PROBE: &str = "bafkqaaa";

/// The media type of a block.
pub(crate) const RAW: &str = "application/vnd.ipld.raw";

/// What came of a request for a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// The block; it is what its CID says.
    Block(Block),
    /// The server has it.
    Has,
    /// The server has not got it, or does not give it.
    Lacks,
    /// The server wants to be left alone for so long.
    Busy(Duration),
    /// The server does not work, or lies.
    Failed(String),
}

/// The path of a block.
pub(crate) fn path(cid: &Cid) -> String {
    let base = match cid.version() {
        Version::V0 => Base::Base58Btc,
        Version::V1 => Base::Base32Lower,
    };
    format!("/ipfs/{}?format=raw", cid_text(cid, base))
}

/// The path that every gateway answers.
pub(crate) fn probe_path() -> String {
    format!("/ipfs/{PROBE}?format=raw")
}

/// What an answer says of a block.
pub(crate) fn read(cid: &Cid, head: bool, answer: &Answer) -> Said {
    match answer.status {
        200 if head => Said::Has,
        200 => match Block::verified(*cid, answer.body.clone()) {
            Ok(block) => Said::Block(block),
            Err(error) => Said::Failed(error.to_string()),
        },
        // Redirections are not followed: who provides says where.
        301 | 302 | 303 | 307 | 308 | 403 | 404 | 410 | 451 => Said::Lacks,
        _ if is_absence(&answer.body) => Said::Lacks,
        429 | 502 | 503 | 504 => Said::Busy(rest(answer)),
        status => Said::Failed(format!("status {status}")),
    }
}

/// Whether the answer to a probe is that of a gateway.
pub(crate) fn is_gateway(answer: &Answer) -> bool {
    match answer.status {
        200 | 204 | 410 => true,
        500 => is_absence(&answer.body),
        _ => false,
    }
}

/// Some servers say with an error of theirs that they have not got a block; these are their words.
fn is_absence(body: &[u8]) -> bool {
    let words: [&[u8]; 4] = [
        b"ipld: could not find node",
        b"peer does not have",
        b"getting pieces containing cid",
        b"failed to load root node",
    ];
    words.iter().any(|words| body.starts_with(words))
}

/// How long a server asks to be left alone.
fn rest(answer: &Answer) -> Duration {
    let said = answer.headers.get("Retry-After").unwrap_or_default();
    let wait = match said.trim().parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => date::parse(said.trim()).and_then(until),
    };
    wait.filter(|wait| !wait.is_zero())
        .unwrap_or(REST)
        .min(LONGEST_REST)
}

/// How long it is until a time, in seconds since 1970, that is to come.
fn until(at: i64) -> Option<Duration> {
    let at = UNIX_EPOCH + Duration::from_secs(at.try_into().ok()?);
    at.duration_since(SystemTime::now()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_block::{Hasher, codec};
    use basalt_http::Headers;

    fn answer(status: u16, field: Option<&str>, body: &'static str) -> Answer {
        let headers = field.map(|value| ("Retry-After", value));
        Answer {
            status,
            headers: Headers::from_iter(headers),
            body: body.into(),
        }
    }

    #[test]
    fn answers_are_understood() {
        let block = Block::hash(1, codec::RAW, Hasher::SHA2_256, "hello".into()).unwrap();
        let cid = *block.cid();
        let said = |status, body| read(&cid, false, &answer(status, None, body));
        assert_eq!(said(200, "hello"), Said::Block(block));
        assert!(matches!(said(200, "jello"), Said::Failed(_)));
        assert!(matches!(said(200, ""), Said::Failed(_)));
        for status in [404, 410, 403, 451, 301, 308] {
            assert_eq!(said(status, "x"), Said::Lacks);
        }
        assert_eq!(said(500, "ipld: could not find node"), Said::Lacks);
        assert_eq!(said(504, "failed to load root node: x"), Said::Lacks);
        assert_eq!(said(503, ""), Said::Busy(REST));
        assert_eq!(said(500, "x"), Said::Failed("status 500".to_owned()));
        assert!(matches!(said(206, "hello"), Said::Failed(_)));
        assert_eq!(read(&cid, true, &answer(200, None, "")), Said::Has);
        assert_eq!(path(&cid), format!("/ipfs/{cid}?format=raw"));
    }

    #[test]
    fn rests_are_bounded() {
        let rests = |said| rest(&answer(429, Some(said), ""));
        assert_eq!(rests("7"), Duration::from_secs(7));
        assert_eq!(rests("99999999"), LONGEST_REST);
        assert_eq!(rests("18446744073709551616"), REST);
        assert_eq!(rests("Fri, 31 Dec 9999 23:59:59 GMT"), LONGEST_REST);
        for nothing in ["0", "-1", "soon", "", "Thu, 01 Jan 1970 00:00:00 GMT"] {
            assert_eq!(rests(nothing), REST, "{nothing}");
        }
    }

    #[test]
    fn gateways_answer_probes() {
        for (status, body, is) in [
            (200, "", true),
            (204, "", true),
            (410, "", true),
            (404, "", false),
            (301, "", false),
            (500, "oops", false),
            (500, "peer does not have it", true),
        ] {
            assert_eq!(is_gateway(&answer(status, None, body)), is, "{status}");
        }
    }
}
