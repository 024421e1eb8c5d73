//! An error as a page.

use std::fmt::Write;

use basalt_http::{mux::escaped, reason};

use super::{END, begin};

/// The page. `inspect` is a link that may help, and its text.
pub(crate) fn render(status: u16, text: &str, inspect: Option<(&str, &str)>) -> String {
    let reason = reason(status);
    let mut out = String::new();
    begin(
        &mut out,
        &format!("{status} {reason}"),
        "A gateway to IPFS.",
    );
    let _ = write!(
        out,
        "<h1>{status} {reason}</h1>\n<pre>{}</pre>\n<p>{}</p>\n<p><a class=\"button\" href=\"\">Try again</a>",
        escaped(text),
        advice(status)
    );
    if let Some((to, label)) = inspect {
        let _ = write!(
            out,
            "<a class=\"button\" href=\"{}\" rel=\"noopener noreferrer\">{}</a>",
            escaped(to),
            escaped(label)
        );
    }
    out.push_str("</p>\n");
    out.push_str(END);
    out
}

/// What can be done about it.
fn advice(status: u16) -> &'static str {
    match status {
        400 => "The address, or something that came with it, is not as it should be.",
        404 => "The content has nothing of that name, or a part of it cannot be found.",
        406 => "This gateway gives out verifiable pieces only: ask for a raw block or a CAR.",
        410 | 451 => "The operator of this gateway does not give this content out.",
        429 => "This gateway is busy. Wait a minute.",
        501 => "This gateway cannot do that.",
        502..=504 => "Nobody who has the content could be reached in time. It may come later.",
        _ => "Something went wrong on the way to the content.",
    }
}

/// The error for programs (RFC 9457).
pub(crate) fn problem(status: u16, text: &str) -> String {
    let quoted = |text: &str| {
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                c if c < ' ' => {
                    let _ = write!(out, "\\u{:04x}", c as u32);
                }
                c => out.push(c),
            }
        }
        out.push('"');
        out
    };
    format!(
        "{{\"type\":\"about:blank\",\"title\":{},\"status\":{status},\"detail\":{}}}\n",
        quoted(reason(status)),
        quoted(text)
    )
}
