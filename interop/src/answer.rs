//! What a step answered, as the lines that are recorded and compared.

use crate::cli::Ended;
use crate::http::{Request, Response};
use crate::mask::{self, Places};
use crate::rules::{Rules, Stderr, Stdout};

/// The response headers that clients of the RPC read.
pub(crate) const HEADERS: [&str; 17] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "allow",
    "content-disposition",
    "content-encoding",
    "content-type",
    "location",
    "server",
    "trailer",
    "transfer-encoding",
    "vary",
    "x-chunked-output",
    "x-content-length",
    "x-stream-output",
];

/// Exit code, stdout and the part of stderr that counts.
pub(crate) fn cli(ended: &Ended, rules: &Rules, places: &Places) -> Vec<String> {
    let mut lines = vec![match ended.code {
        Some(code) => format!("exit {code}"),
        None => "exit: by a signal, or the time was over".to_owned(),
    }];
    let output = mask::output(&ended.stdout, rules, places);
    lines.extend(output.into_iter().map(|line| format!("| {line}")));
    let stderr = String::from_utf8_lossy(&ended.stderr);
    let error = stderr.lines().find(|line| line.starts_with("Error:"));
    match rules.stderr {
        Stderr::Ignore => {}
        Stderr::Class => lines.extend(error.map(|_| "! (an error)".to_owned())),
        Stderr::Error => {
            lines.extend(error.map(|error| format!("! {}", mask::line(error, rules, places))));
        }
        Stderr::Full => lines.extend(
            stderr
                .lines()
                .map(|line| format!("! {}", mask::line(line, rules, places))),
        ),
    }
    lines
}

/// The response headers that clients of the gateway read.
const GATEWAY: [&str; 17] = [
    "accept-ranges",
    "allow",
    "cache-control",
    "content-disposition",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
    "location",
    "retry-after",
    "transfer-encoding",
    "x-content-type-options",
    "x-ipfs-path",
    "x-ipfs-roots",
    "x-own",
];

/// The same for pages of other origins, which are told what they may read.
const CROSS_ORIGIN: [&str; 5] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "allow",
];

/// What counts of an answer of the gateway.
pub(crate) fn gateway_headers(request: &Request) -> &'static [&'static str] {
    let is_origin = |(name, _): &(String, String)| name.eq_ignore_ascii_case("origin");
    match request.headers.iter().any(is_origin) {
        true => &CROSS_ORIGIN,
        false => &GATEWAY,
    }
}

/// Status, the headers that clients read, body and trailers.
pub(crate) fn http(
    response: &Response,
    read: &[&str],
    rules: &Rules,
    places: &Places,
) -> Vec<String> {
    let mut lines = vec![format!("status {}", response.status)];
    let mut headers: Vec<String> = response
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| read.contains(&name.as_str()))
        // How long a page is depends on how it looks.
        .filter(|(name, _)| {
            let is_length = name == "content-length" || name == "transfer-encoding";
            !(rules.stdout == Stdout::Page && is_length)
        })
        .map(|(name, value)| format!("{name}: {}", mask::line(value, rules, places)))
        .collect();
    headers.sort();
    lines.extend(headers);
    let output = mask::output(&response.body, rules, places);
    lines.extend(output.into_iter().map(|line| format!("| {line}")));
    let trailers = response.trailers.iter().map(|(name, value)| {
        let value = mask::line(value, rules, places);
        format!("trailer {}: {value}", name.to_ascii_lowercase())
    });
    lines.extend(trailers);
    if response.cut {
        lines.push("\\ cut before the last chunk".to_owned());
    }
    lines
}
