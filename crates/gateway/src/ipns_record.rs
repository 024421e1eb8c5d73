//! The signed record of a name: `application/vnd.ipfs.ipns-record`.

use basalt_block::{Version, codec, parse_cid};
use basalt_http::{Headers, date, xxhash};
use basalt_ipld::{Namespace, codec as codecs};
use basalt_ipns::Name;

use crate::answer::{Answer, Body, Refusal, Result};
use crate::cache;
use crate::conditions;
use crate::format::Format;
use crate::metrics::Kind;
use crate::namespace::Visit;
use crate::raw::set_disposition;

/// Answers with the best record that is known of the name.
pub(crate) async fn serve(visit: &Visit<'_>, mut headers: Headers) -> Result<Answer> {
    let refuse = |status: u16, text: String| Refusal::new(status, text).with(&headers);
    let path = visit.path;
    if path.namespace() != Namespace::Ipns {
        return Err(refuse(400, format!("{path} is not an IPNS link")));
    }
    if path.segments().next().is_some() {
        return Err(refuse(400, "cannot find ipns key for subpath".to_owned()));
    }
    let key = path.root().into_owned();
    let (cid, _) = parse_cid(&key).map_err(|e| refuse(400, e))?;
    if cid.version() == Version::V1 && cid.codec() != codec::LIBP2P_KEY {
        let code = cid.codec();
        let name = codecs::name(code).map_or_else(|| format!("Code({code})"), str::to_owned);
        let text = format!(
            "CID codec {name:?} is not allowed for IPNS Names, use  \"libp2p-key\" instead"
        );
        return Err(refuse(400, text));
    }
    let name: Name = key
        .parse()
        .map_err(|e: basalt_ipns::Error| refuse(400, e.to_string()))?;
    let names = &visit.backend.names;
    let record = names.record(&name, &visit.backend.find()).await;
    let record = record.map_err(|e| match e {
        basalt_ipns::Error::NoRecord => refuse(500, "routing: not found".to_owned()),
        e => refuse(500, e.to_string()),
    })?;

    let etag = xxhash::base32(xxhash::hash64(record.bytes()));
    headers.set("Etag", &etag);
    if conditions::lists(&visit.ask.header("If-None-Match"), &etag) {
        return Ok(Answer::bare(304, headers));
    }
    match record.ttl() {
        Ok(_) => {
            let age = record.kept_for().as_secs();
            headers.set("Cache-Control", format!("public, max-age={age}"));
        }
        Err(_) => headers.set("Last-Modified", date::format(cache::now().unsigned_abs())),
    }
    let file = match visit.ask.param("filename") {
        "" => format!("{key}.ipns-record"),
        name => name.to_owned(),
    };
    set_disposition(&mut headers, "attachment", &file);
    headers.set("Content-Type", Format::IpnsRecord.media_type());
    headers.set("X-Content-Type-Options", "nosniff");
    let answer = Answer::new(200, headers, Body::Full(record.bytes().clone()));
    Ok(answer.counted(&[Kind::Any, Kind::IpnsRecord]))
}
