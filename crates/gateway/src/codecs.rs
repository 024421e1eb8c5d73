//! Documents: blocks of JSON, CBOR and their DAG forms, as they are or in another codec.

use basalt_block::{Block, codec};
use basalt_http::Headers;
use basalt_ipld::codec as codecs;

use crate::answer::{Answer, Body, Refusal, Result};
use crate::cache::{self, set_last_modified};
use crate::format::{Format, media_type_of};
use crate::go_url;
use crate::metrics::Kind;
use crate::namespace::Visit;
use crate::page;
use crate::raw::{self, set_disposition};
use crate::resolve::Found;

const DOCUMENT: &[Kind] = &[Kind::Any, Kind::Document];

const HINT: &str =
    "codec conversion is not supported, fetch raw block with ?format=raw and convert client-side";

/// Answers with a block in the codec that was asked for.
pub(crate) async fn serve(visit: &Visit<'_>, mut headers: Headers) -> Result<Answer> {
    let (found, block) = visit.block(&mut headers).await?;
    render(visit, headers, &found, block)
}

/// Shows a block in the codec that was asked for, or in its own.
pub(crate) fn render(
    visit: &Visit<'_>,
    mut headers: Headers,
    found: &Found,
    block: Block,
) -> Result<Answer> {
    let (cid, format) = (&found.cid, visit.wanted.format);
    let code = cid.codec();
    if !found.remainder.is_empty() {
        let remainder = found.remainder.join(&b'/');
        let remainder = String::from_utf8_lossy(&remainder);
        let text = format!(
            "{:?} of \"/ipfs/{cid}/{remainder}\" could not be returned: reading IPLD Kinds other than Links (CBOR Tag 42) is not implemented: try reading \"/ipfs/{cid}\" instead",
            format!("/{remainder}"),
        );
        return Err(Refusal::new(501, text).with(&headers));
    }
    let media = match format {
        Format::Default => media_type_of(code).unwrap_or_default(),
        format => format.media_type(),
    };
    match format {
        // The validator has the codec's name either way.
        Format::Default => visit.fresh.apply(&mut headers, cid, Format::Default),
        format => visit.fresh.apply(&mut headers, cid, format),
    }
    disposition(visit, &mut headers, found, media);
    headers.set("Content-Type", media);
    headers.set("X-Content-Type-Options", "nosniff");

    let as_it_is = |headers| {
        let answer = raw::bytes(visit, headers, block.clone())?;
        Ok(answer.counted(DOCUMENT))
    };
    if format == Format::Default {
        let is_dag = matches!(code, codec::DAG_JSON | codec::DAG_CBOR);
        if is_dag && visit.ask.accepts_html() && visit.ask.param("download") != "true" {
            return page(visit, headers, found, &block);
        }
        return as_it_is(headers);
    }
    let plain_form = match format {
        Format::Json => matches!(code, codecs::JSON | codec::DAG_JSON),
        Format::Cbor => matches!(code, codecs::CBOR | codec::DAG_CBOR),
        _ => false,
    };
    if plain_form {
        return as_it_is(headers);
    }
    let Some(to) = format.codec() else {
        let text = "converting to requested format is not supported";
        return Err(Refusal::new(400, text).with(&headers));
    };
    if to == code {
        return as_it_is(headers);
    }
    if !visit.settings.allow_codec_conversion {
        let name = codecs::name(code).map_or_else(|| format!("Code({code})"), str::to_owned);
        let text = format!("format {media:?} requested but block has codec {name:?}: {HINT}");
        return Err(Refusal::new(406, text).with(&headers));
    }
    let converted = basalt_ipld::decode(code, block.data())
        .and_then(|value| basalt_ipld::encode(to, &value))
        .map_err(|e| Refusal::of(&e.into()).with(&headers))?;
    set_last_modified(&mut headers, visit.fresh.last_modified());
    Ok(Answer::new(200, headers, Body::Full(converted.into())).counted(DOCUMENT))
}

fn disposition(visit: &Visit<'_>, headers: &mut Headers, found: &Found, media: &str) {
    let extension = match media.ends_with("json") {
        true => ".json",
        false => ".cbor",
    };
    let name = match visit.ask.param("filename") {
        "" => format!("{}{extension}", found.cid),
        name => name.to_owned(),
    };
    let inline = extension == ".json" && visit.ask.param("download") != "true";
    set_disposition(headers, if inline { "inline" } else { "attachment" }, &name);
}

/// A page that shows the block, for browsers.
fn page(visit: &Visit<'_>, mut headers: Headers, found: &Found, block: &Block) -> Result<Answer> {
    if let Some(to) = with_slash(visit) {
        return Ok(Answer::redirect(&visit.ask.method, 301, headers, &to));
    }
    headers.set("Content-Type", "text/html");
    headers.remove("Content-Disposition");
    headers.set("Etag", cache::dag_etag(&found.cid));
    headers.remove("Cache-Control");
    let body = page::dag::render(visit, block);
    Ok(Answer::new(200, headers, Body::Full(body.into())))
}

/// Where a path without the slash at its end leads, which relative links need.
pub(crate) fn with_slash(visit: &Visit<'_>) -> Option<String> {
    let ask = visit.ask;
    if ask.raw.ends_with('/') {
        return None;
    }
    let mut to = go_url::rewrite_path(&ask.raw, &ask.original);
    to.push('/');
    if !ask.query.is_empty() {
        to.push('?');
        to.push_str(&go_url::escape_segment(ask.query.as_bytes()));
    }
    Some(to)
}
