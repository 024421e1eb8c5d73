//! A block as a page.

use std::fmt::Write;

use basalt_block::Block;
use basalt_http::mux::escaped;
use basalt_ipld::{Value, codec, decode_block};

use super::{END, begin};
use crate::ask::Origin;
use crate::namespace::Visit;

/// Deeper values, and more of them, are not shown.
const MAX_DEPTH: usize = 64;
const MAX_SHOWN: usize = 10_000;

/// The page.
pub(crate) fn render(visit: &Visit<'_>, block: &Block) -> String {
    let cid = block.cid();
    let code = cid.codec();
    let mut out = String::new();
    let path = visit.path.to_string();
    begin(&mut out, &path, "A block of IPLD data on IPFS.");
    let name = codec::name(code).unwrap_or("unknown");
    let _ = write!(
        out,
        "<h1>{}</h1>\n<p class=\"dim\">CID <span class=\"ipfs-hash\" translate=\"no\">{cid}</span> \
         &middot; codec {name} (0x{code:x})</p>\n<p>",
        escaped(&path)
    );
    let mut forms = vec![("raw", "Raw block"), ("car", "CAR")];
    if visit.settings.allow_codec_conversion {
        forms.extend([("dag-json", "DAG-JSON"), ("dag-cbor", "DAG-CBOR")]);
    } else {
        forms.push((name, "As it is"));
    }
    for (form, label) in forms {
        let _ = write!(
            out,
            "<a class=\"button\" href=\"?format={form}\" rel=\"nofollow\">{label}</a>"
        );
    }
    out.push_str("</p>\n");
    let gateway = match &visit.ask.origin {
        Origin::Path => String::new(),
        Origin::Subdomain(host) | Origin::DnsLink(host) => format!("//{}", escaped(host)),
    };
    if let Ok(value) = decode_block(code, block.data()) {
        let mut tree = Tree {
            out,
            gateway,
            left: MAX_SHOWN,
        };
        tree.value(&value, 0);
        out = tree.out;
    }
    out.push_str(END);
    out
}

struct Tree {
    out: String,
    gateway: String,
    left: usize,
}

impl Tree {
    fn value(&mut self, value: &Value, depth: usize) {
        if self.left == 0 || depth > MAX_DEPTH {
            self.out.push_str("&hellip;");
            return;
        }
        self.left -= 1;
        match value {
            Value::Map(map) => {
                self.out.push_str("<ul class=\"tree\">\n");
                for (name, child) in map {
                    let name = String::from_utf8_lossy(name.as_bytes());
                    let _ = write!(self.out, "<li><b>{}</b>: ", escaped(&name));
                    self.value(child, depth + 1);
                    self.out.push_str("</li>\n");
                }
                self.out.push_str("</ul>\n");
            }
            Value::List(list) => {
                self.out.push_str("<ul class=\"tree\">\n");
                for (number, child) in list.iter().enumerate() {
                    let _ = write!(self.out, "<li><span class=\"dim\">{number}</span>: ");
                    self.value(child, depth + 1);
                    self.out.push_str("</li>\n");
                }
                self.out.push_str("</ul>\n");
            }
            Value::Link(cid) => {
                let _ = write!(
                    self.out,
                    "<a class=\"ipfs-hash\" translate=\"no\" href=\"{}/ipfs/{cid}\">{cid}</a>",
                    self.gateway
                );
            }
            Value::Bytes(bytes) => {
                let _ = write!(self.out, "<span class=\"dim\">{} bytes</span>", bytes.len());
            }
            other => {
                let text = match basalt_ipld::encode(codec::DAG_JSON, other) {
                    Ok(text) => String::from_utf8_lossy(&text).into_owned(),
                    Err(_) => "?".to_owned(),
                };
                let _ = write!(self.out, "<code>{}</code>", escaped(&text));
            }
        }
    }
}
