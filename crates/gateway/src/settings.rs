//! What the config says of the gateway.

use std::collections::BTreeMap;
use std::time::Duration;

use basalt_http::Headers;

/// The settings of a gateway. The defaults are Kubo's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `Gateway.HTTPHeaders`: fields of every answer.
    pub headers: BTreeMap<String, Vec<String>>,
    /// `Gateway.RootRedirect`: where a request for nothing in particular is led.
    pub root_redirect: Option<String>,
    /// `Gateway.NoDNSLink`: hosts that nobody configured are not looked up in the DNS.
    pub no_dns_link: bool,
    /// `Gateway.DeserializedResponses`: whether files, directories and such are shown at all, or
    /// only what a client can verify.
    pub deserialized_responses: bool,
    /// `Gateway.AllowCodecConversion`: whether blocks are shown in other codecs than their own.
    pub allow_codec_conversion: bool,
    /// `Gateway.DisableHTMLErrors`: errors are plain text for browsers too.
    pub disable_html_errors: bool,
    /// `Gateway.RetrievalTimeout`: how long content may take to come, at first and in between.
    pub retrieval_timeout: Option<Duration>,
    /// `Gateway.MaxRequestDuration`: how long an answer may take in all.
    pub max_request_duration: Duration,
    /// `Gateway.MaxConcurrentRequests`; 0 for as many as come.
    pub max_concurrent_requests: usize,
    /// `Gateway.MaxRangeRequestFileSize`: of larger files no ranges are given; 0 for no limit.
    pub max_range_request_file_size: u64,
    /// `Gateway.DiagnosticServiceURL`: where a browser is led to find out why content did not come.
    pub diagnostic_service_url: String,
    /// `Gateway.PublicGateways`, the implicit ones included: hosts that are known.
    pub public_gateways: BTreeMap<String, PublicGateway>,
    /// What `/version` says after `Client Version: `.
    pub agent: String,
}

/// What a known host serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicGateway {
    /// The paths that are content.
    pub paths: Vec<String>,
    /// Whether each root has a subdomain of its own.
    pub use_subdomains: bool,
    /// Whether the host itself is not looked up in the DNS.
    pub no_dns_link: bool,
    /// Whether domains are put into one label.
    pub inline_dns_link: bool,
    /// As in [`Settings`], for this host.
    pub deserialized_responses: bool,
}

impl PublicGateway {
    /// What `localhost` is where the config says nothing of it.
    pub fn local() -> Self {
        Self {
            paths: ["/ipfs/", "/ipns/", "/p2p/"].map(str::to_owned).to_vec(),
            use_subdomains: true,
            no_dns_link: false,
            inline_dns_link: false,
            deserialized_responses: false,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            headers: BTreeMap::new(),
            root_redirect: None,
            no_dns_link: false,
            deserialized_responses: true,
            allow_codec_conversion: false,
            disable_html_errors: false,
            retrieval_timeout: Some(Duration::from_secs(30)),
            max_request_duration: Duration::from_secs(3600),
            max_concurrent_requests: 4096,
            max_range_request_file_size: 0,
            diagnostic_service_url: "https://check.ipfs.network".to_owned(),
            public_gateways: [("localhost".to_owned(), PublicGateway::local())].into(),
            agent: String::new(),
        }
    }
}

const ALLOW_HEADERS: &str = "Access-Control-Allow-Headers";
const EXPOSE_HEADERS: &str = "Access-Control-Expose-Headers";
const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";
const ALLOW_METHODS: &str = "Access-Control-Allow-Methods";

impl Settings {
    /// The fields of every answer: those of the config, and what lets pages of any origin read it.
    pub(crate) fn common_headers(&self) -> Headers {
        let mut all: BTreeMap<String, Vec<String>> = self
            .headers
            .iter()
            .map(|(name, values)| (canonical(name), values.clone()))
            .collect();
        let mut default = |name: &str, values: &[&str]| {
            all.entry(name.to_owned())
                .or_insert_with(|| values.iter().map(|v| (*v).to_owned()).collect());
        };
        default(ALLOW_ORIGIN, &["*"]);
        default(ALLOW_METHODS, &["GET", "HEAD", "OPTIONS"]);
        let mut extend = |name: &str, values: &[&str]| {
            let have = all.entry(name.to_owned()).or_default();
            have.extend(values.iter().map(|v| (*v).to_owned()));
            let mut names: Vec<String> = have.iter().map(|name| canonical(name)).collect();
            names.sort_unstable();
            names.dedup();
            *have = names;
        };
        extend(
            ALLOW_HEADERS,
            &["Content-Type", "User-Agent", "Range", "X-Requested-With"],
        );
        extend(
            EXPOSE_HEADERS,
            &[
                "Content-Length",
                "Content-Range",
                "X-Chunked-Output",
                "X-Stream-Output",
                "X-Ipfs-Path",
                "X-Ipfs-Roots",
            ],
        );
        let mut headers = Headers::new();
        for (name, values) in &all {
            values.iter().for_each(|value| headers.append(name, value));
        }
        headers
    }
}

/// A name of a field as Go writes it: each word with a capital. What is no name stays.
fn canonical(name: &str) -> String {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !name.bytes().all(token) {
        return name.to_owned();
    }
    let mut first = true;
    let cased = name.chars().map(|c| {
        let cased = if first {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        };
        first = c == '-';
        cased
    });
    cased.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_config_says_joins_what_browsers_need() {
        let mut settings = Settings::default();
        let set = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
        settings.headers = [
            set("access-control-allow-origin", "https://x"),
            set("Access-Control-Allow-Headers", "x-own"),
            set("X-Foo", "bar"),
        ]
        .into();
        let headers = settings.common_headers();
        let all = |name: &str| -> Vec<String> {
            let values = headers.all(name);
            values
                .map(|v| String::from_utf8_lossy(v).into_owned())
                .collect()
        };
        assert_eq!(all("Access-Control-Allow-Origin"), ["https://x"]);
        assert_eq!(
            all("Access-Control-Allow-Headers"),
            [
                "Content-Type",
                "Range",
                "User-Agent",
                "X-Own",
                "X-Requested-With"
            ]
        );
        assert_eq!(
            all("Access-Control-Allow-Methods"),
            ["GET", "HEAD", "OPTIONS"]
        );
        assert_eq!(all("x-foo"), ["bar"]);
    }
}
