//! Where the library of magic numbers and Kubo's say different things, what Kubo's says.

/// What a file begins with, and what it is then.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x00\x00\x02\x00", "image/x-icon"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"BUFR", "application/bufr"),
    (b"GRIB", "application/grib"),
    (b"AT&TFORM", "image/vnd.djvu"),
    (b"drpm", "application/x-rpm"),
    (b"%FDF", "application/vnd.fdf"),
    (b".RMF", "application/vnd.rn-realmedia-vbr"),
    (b"#EXTM3U", "application/vnd.apple.mpegurl"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote"),
    (b"Creative Voice File", "audio/x-unknown"),
    (b"-----BEGIN PKCS7", "application/pkcs7-signature"),
    (b"ID3", "audio/mpeg"),
    (b"\x00\x01\x00\x00Standard ACE DB", "application/x-msaccess"),
];

/// The brand behind `ftyp`, and what it is.
const BRANDS: &[(&[u8], &str)] = &[
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"hevc", "image/heic-sequence"),
    (b"hevx", "image/heic-sequence"),
    (b"mif1", "image/heif"),
    (b"heim", "image/heif"),
    (b"heis", "image/heif"),
    (b"avic", "image/heif"),
    (b"msf1", "image/heif-sequence"),
    (b"3gp1", "video/3gpp"),
    (b"MSNV", "audio/mp4"),
    (b"NDAS", "audio/mp4"),
];

/// What binary content is, where its beginning says it.
pub(super) fn binary(head: &[u8]) -> Option<&'static str> {
    let magic = MAGIC.iter().find(|(magic, _)| head.starts_with(magic));
    if let Some((_, media)) = magic {
        return Some(media);
    }
    if head.get(4..8) == Some(b"ftyp") {
        let brand = BRANDS
            .iter()
            .find(|(brand, _)| head.get(8..12) == Some(brand));
        return brand.map(|(_, media)| *media);
    }
    match head {
        // A Lotus sheet; others begin as a cursor does.
        [0, 0, 0x1a, 0, ..] => Some("application/vnd.lotus-1-2-3"),
        // MPEG frames without a tag before them.
        [0xff, second, _, ..] if matches!(second & 0xfe, 0xfa | 0xf2 | 0xe2) => Some("audio/mpeg"),
        _ => None,
    }
}

/// What a text is, given what the library says of it.
pub(super) fn text(head: &[u8], told: &str) -> Option<String> {
    if !is_text(head) {
        return None;
    }
    let plain = || format!("text/plain{}", charset(head));
    let essence = told.split(';').next().unwrap_or_default();
    let script = matches!(
        essence,
        "text/x-python"
            | "text/x-perl"
            | "text/x-ruby"
            | "text/x-lua"
            | "text/x-shellscript"
            | "text/x-tcl"
            | "text/javascript"
            | "application/javascript"
    );
    if script || essence == "text/plain" || essence == "application/octet-stream" {
        if head.starts_with(b"#!") {
            let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
            let tcl = [&b"tcl"[..], b"wish"]
                .iter()
                .any(|name| line.ends_with(name));
            return match (tcl, script) {
                (true, _) => Some("text/x-tcl".to_owned()),
                (false, true) => None,
                (false, false) => Some(plain()),
            };
        }
        if let Some(media) = markup(head).or_else(|| table(head)).or_else(|| mail(head)) {
            return Some(media.to_owned());
        }
        return Some(plain());
    }
    let start = String::from_utf8_lossy(&head[..head.len().min(1024)]);
    let has = |part: &str| start.contains(part);
    match essence {
        "application/json" => {
            let squeezed: String = start.split_whitespace().collect();
            let kinds = [
                "Feature",
                "FeatureCollection",
                "Point",
                "LineString",
                "Polygon",
                "MultiPoint",
                "MultiLineString",
                "MultiPolygon",
                "GeometryCollection",
            ];
            if kinds
                .iter()
                .any(|kind| squeezed.contains(&format!("\"type\":\"{kind}\"")))
            {
                Some("application/geo+json".to_owned())
            } else if squeezed.contains("\"asset\":{\"version\":\"") {
                Some("model/gltf+json".to_owned())
            } else {
                None
            }
        }
        "text/xml" | "application/xml" => {
            let lower = start.to_lowercase();
            if has("xmlns:gml=\"http://www.opengis.net/gml") {
                Some("application/gml+xml".to_owned())
            } else if has("<Ontology") && has("http://www.w3.org/2002/07/owl#") {
                Some("application/owl+xml".to_owned())
            } else if lower.contains("<!doctype html") || lower.contains("<html xmlns=") {
                Some("application/xhtml+xml".to_owned())
            } else {
                None
            }
        }
        _ => None,
    }
}

/// No byte that texts do not have (<https://mimesniff.spec.whatwg.org/#binary-data-byte>), or a mark
/// of their encoding.
fn is_text(head: &[u8]) -> bool {
    mark(head).is_some()
        || !head
            .iter()
            .any(|b| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f))
}

/// The encoding that the first bytes say.
fn mark(head: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 5] = [
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\x00\x00\xfe\xff", "utf-32be"),
        (b"\xff\xfe\x00\x00", "utf-32le"),
        (b"\xfe\xff", "utf-16be"),
        (b"\xff\xfe", "utf-16le"),
    ];
    let found = MARKS.iter().find(|(mark, _)| head.starts_with(mark));
    found.map(|(_, name)| *name)
}

fn charset(head: &[u8]) -> String {
    let head = &head[..head.len().min(1024)];
    let name = mark(head).or_else(|| match std::str::from_utf8(head) {
        Ok(_) => Some("utf-8"),
        // The last character may be cut.
        Err(error) if error.error_len().is_none() => Some("utf-8"),
        Err(_) if head.contains(&0x7f) => None,
        Err(_) if head.iter().any(|b| matches!(b, 0x80..=0x9f)) => Some("windows-1252"),
        Err(_) => Some("iso-8859-1"),
    });
    name.map_or_else(String::new, |name| format!("; charset={name}"))
}

/// HTML whose first tag is a comment.
fn markup(head: &[u8]) -> Option<&'static str> {
    let start = head.trim_ascii_start();
    let next = start.strip_prefix(b"<!--")?.first();
    next.is_some_and(|b| b.is_ascii_whitespace() || *b == b'>')
        .then_some("text/html")
}

/// Two lines or more of as many fields each.
fn table(head: &[u8]) -> Option<&'static str> {
    let head = std::str::from_utf8(head).ok()?;
    // The last line may be cut.
    let whole = head.len() < 3072;
    let mut lines: Vec<&str> = head.lines().collect();
    if !whole {
        lines.pop();
    }
    let mut lines = lines
        .into_iter()
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let rows: Vec<&str> = lines.by_ref().take(10).collect();
    for (comma, media) in [(',', "text/csv"), ('\t', "text/tab-separated-values")] {
        let fields = |line: &str| {
            let mut quoted = false;
            let split = line.chars().filter(|c| {
                quoted ^= *c == '"';
                *c == comma && !quoted
            });
            split.count() + 1
        };
        let wanted = fields(rows.first()?);
        if wanted >= 2 && rows.len() >= 2 && rows.iter().all(|row| fields(row) == wanted) {
            return Some(media);
        }
    }
    None
}

/// Two lines that mails begin with.
fn mail(head: &[u8]) -> Option<&'static str> {
    const EXACT: [&str; 9] = [
        "From: ",
        "To: ",
        "Date: ",
        "Subject: ",
        "Received: ",
        "Relay-Version: ",
        "Content-Type: ",
        "Content-Transfer-Encoding: ",
        "Forward to",
    ];
    const ANY_CASE: [&str; 3] = ["cc: ", "delivered-to: ", "return-path: "];
    let head = std::str::from_utf8(head).ok()?;
    let is_field = |line: &str| {
        let lower = line.to_lowercase();
        EXACT.iter().any(|field| line.starts_with(field))
            || ANY_CASE.iter().any(|field| lower.starts_with(field))
    };
    let mut lines = head.lines();
    (is_field(lines.next()?) && lines.take(20).any(is_field)).then_some("message/rfc822")
}

#[cfg(test)]
mod tests {
    use super::super::of_content;

    #[test]
    fn what_kubo_says() {
        for (content, media) in [
            (&b"1,2\r\n3,4\r\n"[..], "text/csv"),
            (b"a\tb\nc\td\n", "text/tab-separated-values"),
            (b"just, a text", "text/plain; charset=utf-8"),
            (b"\xff\xfb\xc8\x00", "audio/mpeg"),
            (b"\x00\x00\x00\x18ftypheim", "image/heif"),
            (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
            (b"\xe6\xf8\xe5 latin", "text/plain; charset=iso-8859-1"),
            (b"import things", "text/plain; charset=utf-8"),
            (b"#!/usr/bin/python\n", "text/x-python"),
            (b"{\"type\": \"Feature\"}", "application/geo+json"),
            (
                b"<?xml version=\"1.0\"?><!DOCTYPE html>",
                "application/xhtml+xml",
            ),
            (b"To: a@b\nSubject: c\n\nd", "message/rfc822"),
            (b"<!-- a --><html>", "text/html"),
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"\x00\x01\x02\xff", "application/octet-stream"),
            (b"", "text/plain"),
        ] {
            assert_eq!(of_content(content), media, "{}", content.escape_ascii());
        }
    }
}
