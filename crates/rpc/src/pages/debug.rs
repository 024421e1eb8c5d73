//! `/debug/*`: what looks into the process. Where Go's runtime shows what a Rust process does not
//! have, the answer says so.

use std::os::unix::ffi::OsStrExt;

use basalt_commands::threads;

use crate::answer::chunked;
use basalt_http::Result;
use basalt_http::mux::plain;
use basalt_http::{Headers, Request, Responder, query};

/// Answers a request below `/debug/`, or gives the responder back where nothing is there.
pub(super) async fn answer(
    path: &str,
    request: &Request,
    responder: Responder,
) -> Result<Option<Responder>> {
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    match path {
        "/debug/vars" | "/debug/pprof/" if !reads => not_allowed(responder)?,
        "/debug/vars" => {
            let mut headers = Headers::new();
            headers.set("Content-Type", "application/json; charset=utf-8");
            chunked(responder, &headers, vars()).await?;
        }
        "/debug/stack" => chunked(responder, &plain_text(), stacks()).await?,
        "/debug/metrics/oc" => {
            let mut headers = Headers::new();
            headers.set("Content-Type", crate::metrics::MEDIA_TYPE);
            responder.full(200, &headers, "")?;
        }
        path if path.starts_with("/debug/pprof-mutex/") => {
            knob("fraction", "mutexes", request, responder)?;
        }
        path if path.starts_with("/debug/pprof-block/") => {
            knob("rate", "waiting", request, responder)?;
        }
        path => match path.strip_prefix("/debug/pprof/") {
            Some(_) if !reads => not_allowed(responder)?,
            Some(name) => profile(name, responder).await?,
            None => return Ok(Some(responder)),
        },
    }
    Ok(None)
}

fn not_allowed(responder: Responder) -> Result<()> {
    let mut headers = Headers::new();
    headers.set("Allow", "GET, HEAD");
    plain(responder, 405, headers, "Method Not Allowed")
}

fn plain_text() -> Headers {
    let mut headers = Headers::new();
    headers.set("Content-Type", "text/plain; charset=utf-8");
    headers
}

fn text(responder: Responder, body: impl Into<bytes::Bytes>) -> Result<()> {
    let mut headers = plain_text();
    headers.set("X-Content-Type-Options", "nosniff");
    responder.full(200, &headers, body)
}

fn stacks() -> String {
    threads().unwrap_or_else(|e| format!("the threads cannot be read: {e}\n"))
}

fn vars() -> String {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024);
    // Of Go's figures only the memory that the system has given has a meaning here.
    format!(
        "{{\n\"cmdline\": {},\n\"memstats\": {}\n}}\n",
        serde_json::json!(words),
        serde_json::json!({ "Sys": resident }),
    )
}

/// Profiles of Go's runtime. The lists of threads stands in for those of goroutines and threads.
async fn profile(name: &str, responder: Responder) -> Result<()> {
    match name {
        "" => {
            let mut headers = Headers::new();
            headers.set("Content-Type", "text/html; charset=utf-8");
            headers.set("X-Content-Type-Options", "nosniff");
            chunked(responder, &headers, INDEX).await
        }
        "cmdline" => {
            let words: Vec<_> = std::env::args_os().collect();
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            text(responder, words.join(&0))
        }
        "symbol" => text(responder, "num_symbols: 0\n"),
        "goroutine" | "threadcreate" => text(responder, stacks()),
        _ => {
            let mut headers = Headers::new();
            headers.set("X-Go-Pprof", "1");
            plain(responder, 404, headers, "Unknown profile")
        }
    }
}

const INDEX: &str = "<html>
<head>
<title>/debug/pprof/</title>
</head>
<body>
/debug/pprof/
<p>This is Basalt, which has no Go runtime to profile. What there is:</p>
<ul>
<li><a href='cmdline'>cmdline</a>: the words that the program was called with</li>
<li><a href='threadcreate?debug=1'>threadcreate</a>: its threads and what they wait for, also as
<a href='goroutine?debug=1'>goroutine</a> and <a href='/debug/stack'>/debug/stack</a></li>
<li><a href='/debug/vars'>/debug/vars</a>, <a href='/debug/metrics/prometheus'>/debug/metrics/prometheus</a>:
figures</li>
</ul>
<p>'ipfs diag profile' collects what there is about processor and memory.</p>
</body>
</html>
";

/// A rate of a profile of Go's. Asked for rightly, it is refused: there is no such profile.
fn knob(name: &str, what: &str, request: &Request, responder: Responder) -> Result<()> {
    if request.method != "POST" {
        return plain(responder, 405, Headers::new(), "only POST allowed");
    }
    let pairs = query::parse(request.query());
    let value = pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim());
    let Some(value) = value.filter(|v| !v.is_empty()) else {
        let why = format!("parameter '{name}' must be set");
        return plain(responder, 400, Headers::new(), &why);
    };
    if value.parse::<i64>().is_err() {
        let quoted = basalt::repo::go_quote(value);
        let why = format!("strconv.Atoi: parsing {quoted}: invalid syntax");
        return plain(responder, 400, Headers::new(), &why);
    }
    let why = format!("this program has no profile of {what}");
    plain(responder, 501, Headers::new(), &why)
}
