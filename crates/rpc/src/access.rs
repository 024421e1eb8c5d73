//! Who may use the RPC: origins, user agents, secrets.
//!
//! A web page that a browser shows must not control the node behind the user's back. Browsers say
//! in `Origin` or `Referer` which page a request comes from; a request of a browser without either
//! is refused.

use std::collections::BTreeMap;

use basalt::repo::Config;

use crate::http::{Headers, Request, authorization};

/// Extensions that come with IPFS Companion.
const COMPANION: [&str; 2] = [
    "chrome-extension://nibjojkomfdiaoajekhjakgkdhaomnch",
    "chrome-extension://hjoieblefckbooibpepigmacodalfndh",
];
const SECRET_NEEDED: &str = "Kubo RPC Access Denied: Please provide a valid authorization token as defined in the API.Authorizations configuration.";

/// The rules of one listener.
#[derive(Debug, Clone)]
pub struct Access {
    origins: Vec<String>,
    methods: Vec<String>,
    credentials: bool,
    extra: Vec<(String, String)>,
    /// `Authorization` values and the paths they open; empty where no secret is needed.
    secrets: BTreeMap<String, Vec<String>>,
}

impl Access {
    /// The rules of `API.HTTPHeaders` and `API.Authorizations`, for a listener on `port`.
    pub fn new(config: &Config, port: Option<u16>) -> Self {
        let headers = config.headers("API.HTTPHeaders");
        let of = |name: &str| {
            let found = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            found.map(|(_, values)| values.clone()).unwrap_or_default()
        };
        let mut origins = of("Access-Control-Allow-Origin");
        if let Ok(origin) = std::env::var("API_ORIGIN") {
            origins.push(origin);
        }
        let port = port.map_or_else(|| "<port>".to_owned(), |p| p.to_string());
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            origins.extend(["http", "https"].map(|scheme| format!("{scheme}://{host}:{port}")));
        }
        origins.extend(COMPANION.map(str::to_owned));
        let mut methods = of("Access-Control-Allow-Methods");
        if methods.is_empty() {
            methods.push("POST".to_owned());
        }
        let own = |name: &str| {
            [
                "access-control-allow-origin",
                "access-control-allow-methods",
                "access-control-allow-credentials",
                "server",
            ]
            .contains(&name.to_ascii_lowercase().as_str())
        };
        let users = config.rpc_authorizations();
        Self {
            origins,
            methods,
            credentials: of("Access-Control-Allow-Credentials")
                .iter()
                .any(|v| v.eq_ignore_ascii_case("true")),
            extra: headers
                .iter()
                .filter(|(name, _)| !own(name))
                .flat_map(|(name, values)| values.iter().map(move |v| (name.clone(), v.clone())))
                .collect(),
            secrets: users
                .values()
                .map(|u| (authorization(&u.secret), u.allowed_paths.clone()))
                .collect(),
        }
    }

    /// Why a request is refused, if it is. `path` is the whole path.
    pub(crate) fn secret_refusal(&self, request: &Request, path: &str) -> Option<&'static str> {
        if self.secrets.is_empty() {
            return None;
        }
        let given = request.headers.get("Authorization").unwrap_or_default();
        let paths = self.secrets.get(&*given);
        let open = paths.is_some_and(|paths| {
            path == "/api/v0/version"
                || paths.iter().any(|prefix| path.starts_with(prefix.as_str()))
        });
        (!open).then_some(SECRET_NEEDED)
    }

    /// Whether a browser's page, or something that looks like one, is kept out.
    pub(crate) fn is_forbidden(&self, headers: &Headers) -> bool {
        let origin = headers.get("Origin").filter(|o| !o.is_empty());
        let referer = headers.get("Referer").filter(|r| !r.is_empty());
        if let Some(origin) = &origin
            && !self.allows(origin)
        {
            return true;
        }
        if let Some(referer) = &referer {
            return !origin_of(referer).is_some_and(|origin| self.allows(&origin));
        }
        let agent = headers.get("User-Agent").unwrap_or_default();
        origin.is_none() && agent.starts_with("Mozilla") && !agent.contains("Electron")
    }

    fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|o| o == "*" || o == origin)
    }

    /// The headers that tell a browser what it may do with an answer.
    pub(crate) fn cors(&self, request: &Headers, answer: &mut Headers) {
        answer.append("Vary", "Origin");
        let Some(origin) = request.get("Origin").filter(|o| self.allows(o)) else {
            return;
        };
        let any = self.origins.iter().any(|o| o == "*");
        answer.set(
            "Access-Control-Allow-Origin",
            if any {
                "*".as_bytes()
            } else {
                origin.as_bytes()
            },
        );
        if self.credentials {
            answer.set("Access-Control-Allow-Credentials", "true");
        }
    }

    /// The answer to a browser that asks beforehand; `None` if it does not.
    pub(crate) fn preflight(&self, request: &Headers) -> Option<Headers> {
        let method = request.get("Access-Control-Request-Method")?;
        let mut answer = Headers::new();
        answer.set(
            "Vary",
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        );
        let origin = request.get("Origin").filter(|o| self.allows(o));
        let wanted = request.get("Access-Control-Request-Headers");
        if let Some(origin) = origin
            && wanted.as_deref().is_none_or(are_plain)
            && self.methods.iter().any(|m| m.eq_ignore_ascii_case(&method))
        {
            let any = self.origins.iter().any(|o| o == "*");
            answer.set(
                "Access-Control-Allow-Origin",
                if any {
                    "*".as_bytes()
                } else {
                    origin.as_bytes()
                },
            );
            answer.set("Access-Control-Allow-Methods", method.to_ascii_uppercase());
            if let Some(wanted) = wanted.as_deref().filter(|names| !names.is_empty()) {
                answer.set("Access-Control-Allow-Headers", wanted.as_bytes());
            }
            if self.credentials {
                answer.set("Access-Control-Allow-Credentials", "true");
            }
        }
        Some(answer)
    }

    /// The headers that `API.HTTPHeaders` adds to every answer of a command.
    pub(crate) fn extra(&self, answer: &mut Headers) {
        for (name, value) in &self.extra {
            answer.append(name, value);
        }
        answer.set("Server", format!("kubo/{}", basalt::KUBO_VERSION));
    }
}

/// The headers that a page may send, sorted.
const PLAIN: [&str; 4] = ["accept", "content-type", "origin", "x-requested-with"];

/// Whether a browser asks for no other headers. It names them sorted, in small letters.
fn are_plain(wanted: &str) -> bool {
    let mut left = PLAIN.iter();
    let mut names = wanted.split(',').map(|name| name.trim_matches([' ', '\t']));
    names.all(|name| name.is_empty() || left.any(|plain| *plain == name))
}

/// Scheme and host of a URL.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit('@').next()?;
    Some(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        let config = Config::parse(br#"{"API":{"HTTPHeaders":{"X-Own":["a"]}}}"#).unwrap();
        Access::new(&config, Some(5001))
    }

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        pairs.iter().for_each(|(n, v)| headers.append(n, v));
        headers
    }

    #[test]
    fn foreign_pages_and_bare_browsers_are_kept_out() {
        let forbidden = |pairs: &[(&str, &str)]| access().is_forbidden(&headers(pairs));
        assert!(forbidden(&[("Origin", "http://evil.example")]));
        assert!(forbidden(&[("Referer", "http://evil.example/x")]));
        assert!(forbidden(&[("User-Agent", "Mozilla/5.0")]));
        assert!(forbidden(&[
            ("Origin", "http://localhost:5001"),
            ("Referer", "http://evil.example/")
        ]));
        assert!(!forbidden(&[
            ("Origin", "http://localhost:5001"),
            ("User-Agent", "Mozilla/5.0")
        ]));
        assert!(!forbidden(&[("Referer", "http://127.0.0.1:5001/webui")]));
        assert!(!forbidden(&[("User-Agent", "curl/8")]));
        assert!(!forbidden(&[]));
    }

    #[test]
    fn a_page_learns_what_it_may_do() {
        let asked = headers(&[
            ("Origin", "http://localhost:5001"),
            ("Access-Control-Request-Method", "post"),
            (
                "Access-Control-Request-Headers",
                "content-type, x-requested-with",
            ),
        ]);
        let answer = access().preflight(&asked).unwrap();
        assert_eq!(
            answer.get("Access-Control-Allow-Origin").unwrap(),
            "http://localhost:5001"
        );
        assert_eq!(answer.get("Access-Control-Allow-Methods").unwrap(), "POST");
        let own_header = headers(&[
            ("Origin", "http://localhost:5001"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "x-a"),
        ]);
        assert!(
            !access()
                .preflight(&own_header)
                .unwrap()
                .contains("Access-Control-Allow-Origin")
        );
        let foreign = headers(&[
            ("Origin", "http://x"),
            ("Access-Control-Request-Method", "POST"),
        ]);
        assert!(
            !access()
                .preflight(&foreign)
                .unwrap()
                .contains("Access-Control-Allow-Origin")
        );
    }
}
