//! Records of names.

use basalt_block::{Base, Cid, cid_text, codec, parse_cid};
use basalt_http::{Request, date, xxhash};
use basalt_ipld::codec as codecs;
use basalt_ipns::{MAX_RECORD_SIZE, Moment, Name, Record};
use bytes::BytesMut;
use tokio::time::timeout;

use super::answers::Answers;
use super::{Server, TIME};

const RECORD: &str = "application/vnd.ipfs.ipns-record";
/// Seconds for which a record is kept that does not say for how long.
const UNSAID: i64 = 300;

impl Server {
    /// Gives the best record of a name.
    pub(super) async fn name(
        &self,
        text: &str,
        request: &Request,
        mut answers: Answers,
    ) -> basalt_http::Result<()> {
        let accept = request.headers.get("Accept").unwrap_or_default();
        if !accept.is_empty() && !accept.contains("*/*") && !accept.contains(RECORD) {
            let why = "content type in 'Accept' header is not supported, retry with 'application/vnd.ipfs.ipns-record'";
            return answers.refused(406, why);
        }
        let (cid, name) = match name_of(text) {
            Ok(found) => found,
            Err(why) => return answers.wrong(why),
        };
        let bytes = match timeout(TIME, self.0.router.record(&name)).await {
            Ok(Ok(Some(bytes))) => bytes,
            Ok(Ok(None)) => return answers.no_record(),
            Ok(Err(why)) => return answers.failed(&why),
            Err(_) => return answers.too_late(),
        };
        let record = match Record::decode(bytes) {
            Ok(record) => record,
            Err(error) => return answers.failed(&error.to_string()),
        };
        let now = Moment::now();
        let ttl = record.ttl().map_or(UNSAID, |nanos| nanos / 1_000_000_000);
        let left = match record.validity() {
            Ok(end) => {
                let seconds = u64::try_from(end.secs).unwrap_or(0);
                answers.headers.set("Expires", date::format(seconds));
                end.since(now).as_secs()
            }
            Err(_) => 0,
        };
        match left {
            // Nobody may keep what is not valid any more.
            0 => answers.headers.set("Cache-Control", "no-store"),
            left => {
                let fresh = u64::try_from(ttl).unwrap_or(0).min(left);
                answers.keep([fresh, left - fresh, left - fresh]);
            }
        }
        let headers = &mut answers.headers;
        headers.set("Last-Modified", date::now());
        let etag = format!("\"{:x}\"", xxhash::hash64(record.bytes()));
        headers.set("Etag", etag);
        headers.set("Content-Type", RECORD);
        let file = cid_text(&cid, Base::Base36Lower);
        let disposition = format!("attachment; filename=\"{file}.ipns-record\"");
        headers.set("Content-Disposition", disposition);
        headers.append("Vary", "Accept");
        answers.body(record.bytes().clone())
    }

    /// Takes a record of a name.
    pub(super) async fn put_name(
        &self,
        text: &str,
        request: &mut Request,
        answers: Answers,
    ) -> basalt_http::Result<()> {
        let kind = request.headers.get("Content-Type").unwrap_or_default();
        if !kind.contains(RECORD) {
            let why = "content type in 'Content-Type' header is missing or not supported";
            return answers.refused(406, why);
        }
        let (_, name) = match name_of(text) {
            Ok(found) => found,
            Err(why) => return answers.wrong(why),
        };
        let mut bytes = BytesMut::new();
        while bytes.len() < MAX_RECORD_SIZE
            && let Some(chunk) = request.body.chunk().await?
        {
            let left = MAX_RECORD_SIZE - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(left)]);
        }
        let record = Record::decode(bytes.freeze());
        let record = record.and_then(|record| {
            record.validate(&name, Moment::now())?;
            Ok(record)
        });
        let record = match record {
            Ok(record) => record,
            Err(error) => return answers.wrong(format!("provided record is invalid: {error}")),
        };
        match timeout(TIME, self.0.router.put_record(&name, &record)).await {
            Ok(Ok(())) => answers.body(""),
            Ok(Err(why)) => answers.failed(&why),
            Err(_) => answers.too_late(),
        }
    }
}

/// Reads a CID of a key.
fn name_of(text: &str) -> Result<(Cid, Name), String> {
    let (cid, _) = parse_cid(text).map_err(|why| format!("unable to parse CID: {why}"))?;
    let code = cid.codec();
    if code != codec::LIBP2P_KEY {
        let name = codecs::name(code).map_or_else(|| format!("Code({code})"), str::to_owned);
        return Err(format!(
            "peer ID CID is not valid: CID codec {name:?} is not allowed for IPNS Names, use  \"libp2p-key\" instead"
        ));
    }
    let key = [b"/ipns/", cid.hash().to_bytes().as_slice()].concat();
    let name = Name::from_routing_key(&key).map_err(|e| e.to_string())?;
    Ok((cid, name))
}
