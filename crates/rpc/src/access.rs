//! Who may use the RPC: origins, user agents, secrets.
//!
//! A web page that a browser shows must not control the node behind the user's back. Browsers say
//! in `Origin` or `Referer` which page a request comes from; a request of a browser without either
//! is refused.

use std::collections::BTreeMap;

use basalt::repo::Config;

use basalt_http::{Headers, Request, authorization};

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
    extra: Vec<(String, Vec<String>)>,
    /// Whether a secret is needed at all.
    limited: bool,
    /// `Authorization` values and the paths they open.
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
        if let Ok(origin) = std::env::var("API_ORIGIN")
            && !origin.is_empty()
        {
            tracing::warn!(target: "basalt::rpc", "API_ORIGIN is deprecated: set API.HTTPHeaders in the config");
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
                .last()
                .is_some_and(|v| v.eq_ignore_ascii_case("true")),
            extra: headers
                .iter()
                .filter(|(name, _)| !own(name))
                .map(|(name, values)| (name.clone(), values.clone()))
                .collect(),
            limited: !users.is_empty(),
            secrets: users
                .values()
                .map(|u| (authorization(&u.secret), u.allowed_paths.clone()))
                // A secret that says nothing opens nothing, and the others stay in force.
                .filter(|(header, _)| !header.is_empty())
                .collect(),
        }
    }

    /// Why a request is refused, if it is. `path` is the whole path.
    pub(crate) fn secret_refusal(&self, request: &Request, path: &str) -> Option<&'static str> {
        if !self.limited {
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

    /// Whether answers may be read by pages of an origin. A browser writes origins in lower case
    /// and a config may hold patterns of one star.
    fn shows(&self, origin: &str) -> bool {
        let origin = origin.to_lowercase();
        self.origins.iter().any(|allowed| {
            let allowed = allowed.to_lowercase();
            match allowed.split_once('*') {
                None => allowed == origin,
                Some((before, after)) => {
                    origin.len() >= before.len() + after.len()
                        && origin.starts_with(before)
                        && origin.ends_with(after)
                }
            }
        })
    }

    fn shows_method(&self, method: &str) -> bool {
        method == "OPTIONS" || self.methods.iter().any(|m| m == method)
    }

    fn show(&self, origin: &[u8], answer: &mut Headers) {
        let any = self.origins.iter().any(|o| o == "*");
        let origin = if any { b"*" } else { origin };
        answer.set("Access-Control-Allow-Origin", origin);
        if self.credentials {
            answer.set("Access-Control-Allow-Credentials", "true");
        }
    }

    /// The headers that tell a browser what it may do with an answer.
    pub(crate) fn cors(&self, method: &str, request: &Headers, answer: &mut Headers) {
        answer.append("Vary", "Origin");
        let origin = request.get("Origin").filter(|o| !o.is_empty());
        if let Some(origin) = origin
            && self.shows(&origin)
            && self.shows_method(method)
        {
            self.show(origin.as_bytes(), answer);
        }
    }

    /// The answer to a browser that asks beforehand; `None` if it does not.
    pub(crate) fn preflight(&self, request: &Headers) -> Option<Headers> {
        let method = request.get("Access-Control-Request-Method")?;
        if method.is_empty() {
            return None;
        }
        let mut answer = Headers::new();
        answer.set(
            "Vary",
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        );
        let Some(origin) = request.get("Origin").filter(|o| !o.is_empty()) else {
            return Some(answer);
        };
        let wanted: Vec<_> = request.all("Access-Control-Request-Headers").collect();
        if self.shows(&origin) && self.shows_method(&method) && are_allowed(&wanted) {
            self.show(origin.as_bytes(), &mut answer);
            answer.set("Access-Control-Allow-Methods", method.as_bytes());
            if wanted.first().is_some_and(|first| !first.is_empty()) {
                for names in wanted {
                    answer.append("Access-Control-Allow-Headers", names);
                }
            }
        }
        Some(answer)
    }

    /// The headers that `API.HTTPHeaders` adds to every answer of a command.
    pub(crate) fn extra(&self, answer: &mut Headers) {
        for (name, values) in &self.extra {
            answer.remove(name);
            values.iter().for_each(|value| answer.append(name, value));
        }
        answer.set("Server", format!("kubo/{}", basalt::KUBO_VERSION));
    }
}

/// Header fields that a page of another origin may send, in the order in which browsers, which sort
/// them, name them.
const FIELDS: [&[u8]; 4] = [b"accept", b"content-type", b"origin", b"x-requested-with"];
/// Empty names that are put up with.
const EMPTY: usize = 16;

/// Whether the names are some of [`FIELDS`], in lower case, sorted, each once.
fn are_allowed(lists: &[&[u8]]) -> bool {
    let mut from = 0;
    let mut empty = 0;
    for name in lists.iter().flat_map(|list| list.split(|b| *b == b',')) {
        let name = name.strip_prefix(b" ").unwrap_or(name);
        let name = name.strip_suffix(b" ").unwrap_or(name);
        if name.is_empty() {
            empty += 1;
            if empty > EMPTY {
                return false;
            }
            continue;
        }
        match FIELDS[from..].iter().position(|field| *field == name) {
            Some(at) => from += at + 1,
            None => return false,
        }
    }
    true
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

    fn preflight(pairs: &[(&str, &str)]) -> Headers {
        access().preflight(&headers(pairs)).unwrap()
    }

    #[test]
    fn a_page_learns_what_it_may_do() {
        let ours = ("Origin", "http://localhost:5001");
        let asked = [
            ours,
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type"),
        ];
        let answer = preflight(&asked);
        assert_eq!(
            answer.get("Access-Control-Allow-Origin").unwrap(),
            "http://localhost:5001"
        );
        assert_eq!(answer.get("Access-Control-Allow-Methods").unwrap(), "POST");
        for refused in [
            [("Origin", "http://x"), asked[1], asked[2]],
            [ours, ("Access-Control-Request-Method", "post"), asked[2]],
            [ours, ("Access-Control-Request-Method", "PUT"), asked[2]],
            [ours, asked[1], ("Access-Control-Request-Headers", "x-own")],
            [ours, asked[1], ("Access-Control-Request-Headers", "Accept")],
        ] {
            let answer = preflight(&refused);
            assert!(
                !answer.contains("Access-Control-Allow-Origin"),
                "{refused:?}"
            );
            assert!(answer.contains("Vary"));
        }
        let nobody = headers(&[("Origin", "http://localhost:5001")]);
        assert!(access().preflight(&nobody).is_none());
    }

    #[test]
    fn names_of_fields_are_sorted_and_known() {
        for good in ["", "accept", "accept,origin", "accept, content-type", ",,"] {
            assert!(are_allowed(&[good.as_bytes()]), "{good}");
        }
        assert!(are_allowed(&[b"accept", b"origin"]));
        for bad in [
            "origin,accept",
            "accept,accept",
            "accept,  origin",
            "Origin",
        ] {
            assert!(!are_allowed(&[bad.as_bytes()]), "{bad}");
        }
        assert!(!are_allowed(&[",".repeat(20).as_bytes()]));
    }

    #[test]
    fn a_pattern_shows_answers_and_opens_nothing() {
        let text =
            br#"{"API":{"HTTPHeaders":{"Access-Control-Allow-Origin":["http://*.example.com"]}}}"#;
        let access = Access::new(&Config::parse(text).unwrap(), None);
        let asked = headers(&[("Origin", "http://A.example.com")]);
        let mut answer = Headers::new();
        access.cors("POST", &asked, &mut answer);
        assert_eq!(
            answer.get("Access-Control-Allow-Origin").unwrap(),
            "http://A.example.com"
        );
        assert!(access.is_forbidden(&asked));
    }

    #[test]
    fn a_secret_that_says_nothing_locks_all_the_same() {
        let text = br#"{"API":{"Authorizations":{"u":{"AuthSecret":"digest:x","AllowedPaths":["/api/v0"]}}}}"#;
        let access = Access::new(&Config::parse(text).unwrap(), None);
        assert!(access.limited && access.secrets.is_empty());
    }
}
