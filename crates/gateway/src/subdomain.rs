//! Each root in an origin of its own: paths are led to subdomains, and subdomains to the one way to
//! write a root in a label. <https://specs.ipfs.tech/http-gateways/subdomain-gateway/>

use basalt_block::{Base, Cid, Version, cid_text, codec, parse_cid};
use basalt_http::Headers;

use crate::answer::{Answer, Refusal, Result};
use crate::ask::{Ask, Origin};
use crate::backend::Backend;
use crate::go_url::escape_path;
use crate::host::{self, Hosts, Subdomain, has_dns_link, is_domain_and_no_key};
use crate::namespace::{label_of, name_cid, protocol_handler};
use crate::settings::Settings;

/// The longest label of a domain.
const MAX_LABEL: usize = 63;

/// What follows from the host of a request.
pub(crate) enum Routed {
    /// The request, with the path that the host makes of it.
    Ask(Ask),
    /// An answer already.
    Answer(Answer),
}

/// Looks at the host of a request.
pub(crate) async fn route(
    settings: &Settings,
    hosts: &Hosts,
    backend: &Backend,
    mut ask: Ask,
) -> Result<Routed> {
    if let Some(answer) = protocol_handler(&ask)? {
        return Ok(Routed::Answer(answer));
    }
    let host = ask.host();
    if let Some(gateway) = hosts.known(&host) {
        if host::has_prefix(&ask.path, &gateway.paths) {
            if gateway.use_subdomains {
                let to = url(&host, &ask.path, &ask, gateway.inline_dns_link, backend).await?;
                if let Some(to) = to {
                    return Ok(moved(&ask, &to));
                }
            }
            ask.known_host = Some(host);
            return Ok(Routed::Ask(ask));
        }
        if !gateway.no_dns_link && has_dns_link(backend, &host).await {
            return Ok(Routed::Ask(website(ask, host)));
        }
        return Ok(not_found());
    }
    if let Some(found) = hosts.subdomain(&host) {
        return below(&found, backend, ask).await;
    }
    if !settings.no_dns_link && has_dns_link(backend, &host).await {
        return Ok(Routed::Ask(website(ask, host)));
    }
    Ok(Routed::Ask(ask))
}

/// A request for a root that stands in the host.
async fn below(found: &Subdomain<'_>, backend: &Backend, mut ask: Ask) -> Result<Routed> {
    let Subdomain {
        gateway,
        host,
        namespace,
        root,
    } = found;
    let inline = gateway.inline_dns_link;
    if root.is_empty() {
        // No root is a path that is not clean.
        let path = [format!("/{namespace}/").as_bytes(), &ask.path].concat();
        let clean = basalt_http::mux::clean(&escape_path(&path));
        let to = basalt_http::mux::with_query(&clean, &ask.query);
        let answer = Answer::redirect(&ask.method, 307, Headers::new(), &to);
        return Ok(Routed::Answer(answer));
    }
    let mut prefix = format!("/{namespace}/{root}").into_bytes();
    if !gateway.use_subdomains || !host::has_prefix(&prefix, &gateway.paths) {
        return Ok(not_found());
    }
    if let Ok((cid, _)) = parse_cid(root) {
        let label = label(root, &cid)?;
        let path = |root: &str| [format!("/{namespace}/{root}").as_bytes(), &ask.path].concat();
        let is_key = cid.codec() == codec::LIBP2P_KEY;
        let to = if !ask.header("Host").starts_with(&label) {
            url(host, &path(&label), &ask, inline, backend).await?
        } else if host::is_key_namespace(namespace) && !is_key {
            url(host, &path(root), &ask, inline, backend).await?
        } else {
            None
        };
        if let Some(to) = to {
            return Ok(moved(&ask, &to));
        }
    } else if namespace == "ipns" && !root.contains('.') && root.contains('-') {
        let domain = without_inlining(root);
        if has_dns_link(backend, &domain).await || !has_dns_link(backend, root).await {
            prefix = format!("/ipns/{domain}").into_bytes();
        }
    }
    prefix.extend_from_slice(&ask.path);
    ask.path = prefix;
    ask.origin = Origin::Subdomain(host.clone());
    ask.known_host = Some(host.clone());
    Ok(Routed::Ask(ask))
}

/// A request for a website of its own domain.
fn website(mut ask: Ask, host: String) -> Ask {
    let name = host::without_port(&host);
    ask.path = [format!("/ipns/{name}").as_bytes(), &ask.path].concat();
    ask.origin = Origin::DnsLink(host.clone());
    ask.known_host = Some(host);
    ask
}

fn moved(ask: &Ask, to: &str) -> Routed {
    Routed::Answer(Answer::redirect(&ask.method, 301, Headers::new(), to))
}

fn not_found() -> Routed {
    Routed::Answer(Answer::plain(404, Headers::new(), "404 page not found"))
}

fn is_https(ask: &Ask) -> bool {
    ask.header("X-Forwarded-Proto") == "https"
}

/// A CID as it fits into a label: as it is, or in base36, which is shorter.
fn label(text: &str, cid: &Cid) -> Result<String> {
    if text.len() <= MAX_LABEL {
        return Ok(text.to_owned());
    }
    let text = label_of(cid.codec(), cid, Base::Base36Lower);
    if text.len() <= MAX_LABEL {
        return Ok(text);
    }
    let why = format!("CID incompatible with DNS label length limit of 63: {text}");
    Err(Refusal::new(400, why))
}

/// Where the root of a path has its own origin below `host`; `None` where it has none.
async fn url(
    host: &str,
    path: &[u8],
    ask: &Ask,
    inline: bool,
    backend: &Backend,
) -> Result<Option<String>> {
    let mut parts = path.splitn(4, |b| *b == b'/');
    let (Some(_), Some(namespace), Some(root)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(None);
    };
    let rest = parts.next().unwrap_or_default();
    let namespace = String::from_utf8_lossy(namespace).into_owned();
    let mut root = String::from_utf8_lossy(root).into_owned();
    if !host::is_namespace(&namespace) {
        return Ok(None);
    }
    let is_key = host::is_key_namespace(&namespace);
    if is_key
        && !is_domain_and_no_key(&root)
        && let Some(cid) = name_cid(&root)
    {
        root = cid_text(&cid, Base::Base32Lower);
    }
    let https = is_https(ask);
    if let Ok((cid, _)) = parse_cid(&root) {
        let (base, code) = match is_key {
            true => (Base::Base36Lower, codec::LIBP2P_KEY),
            false => (Base::Base32Lower, cid.codec()),
        };
        debug_assert!(matches!(cid.version(), Version::V0 | Version::V1));
        let cid = Cid::new_v1(code, *cid.hash());
        root = label(&cid_text(&cid, base), &cid)?;
    } else {
        if namespace == "ipns" && !root.contains('.') && root.contains('-') {
            let domain = without_inlining(&root);
            if has_dns_link(backend, &domain).await {
                root = domain;
            }
        }
        let inlines = (inline || https) && namespace == "ipns" && root.contains('.');
        if inlines && has_dns_link(backend, &root).await {
            root = inlined(&root)?;
        } else if !inlines && namespace == "ipfs" {
            return Ok(None);
        }
    }
    if root.is_empty() {
        return Ok(None);
    }
    let authority = format!("{root}.{namespace}.{host}");
    if !is_authority(&authority) {
        let why = format!("parse \"http://{authority}/\": invalid character in host name");
        return Err(Refusal::new(400, why));
    }
    let scheme = if https { "https" } else { "http" };
    let mut to = format!("{scheme}://{authority}/{}", escape_path(rest));
    if !ask.query.is_empty() {
        to.push('?');
        to.push_str(&ask.query);
    }
    Ok(Some(to))
}

/// Whether a text may stand where a URL has its host and port.
fn is_authority(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80 || b"-_.~!$&'()*+,;=:[]".contains(&b);
    let port = match text.rsplit_once(':') {
        Some((_, port)) => port.bytes().all(|b| b.is_ascii_digit()),
        None => true,
    };
    port && text.bytes().all(good)
}

/// A domain as one label: `my.v-long.example.com` is `my-v--long-example-com`.
fn inlined(domain: &str) -> Result<String> {
    let label = domain.replace('-', "--").replace('.', "-");
    if label.len() > MAX_LABEL {
        let quoted = basalt_ipld::go_quote(&label);
        let why =
            format!("inlined DNSLink incompatible with DNS label length limit of 63: {quoted}");
        return Err(Refusal::new(400, why));
    }
    Ok(label)
}

/// The domain of such a label.
fn without_inlining(label: &str) -> String {
    let mut out = String::with_capacity(label.len());
    let mut chars = label.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '-' if chars.next_if_eq(&'-').is_some() => out.push('-'),
            '-' => out.push('.'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn domains_become_labels() {
        let label = inlined("my.v-long.example.com").unwrap_or_default();
        assert_eq!(label, "my-v--long-example-com");
        assert_eq!(without_inlining(&label), "my.v-long.example.com");
        assert!(inlined(&"a.".repeat(40)).is_err());
    }

    proptest! {
        #[test]
        fn and_back(domain in "[a-z]([a-z-]{0,4}[a-z])?(\\.[a-z]([a-z-]{0,4}[a-z])?){0,4}") {
            if let Ok(label) = inlined(&domain) {
                prop_assert_eq!(without_inlining(&label), domain);
            }
        }
    }
}
