//! Hosts that are domains, looked up in a DNS of the test's own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt_blockstore::MemoryStore;
use basalt_exchange::BlockService;
use basalt_gateway::{Denylists, Settings};
use basalt_ipns::{Dns, Texts};

use crate::served::{Served, directory, file, names};

struct Zone(HashMap<String, String>);

#[async_trait]
impl Dns for Zone {
    async fn texts(&self, domain: &str) -> Result<Texts, String> {
        let text = self.0.get(domain).cloned();
        Ok(Texts {
            texts: text.into_iter().collect(),
            ttl: Duration::from_secs(77),
        })
    }

    async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, String> {
        Ok(Vec::new())
    }
}

async fn site(rules: &str) -> Served {
    let store = Arc::new(MemoryStore::default());
    let index = file(&store, b"<h1>home", 100).await;
    let redirects = file(&store, rules.as_bytes(), 1000).await;
    let entries = [("index.html", index), ("_redirects", redirects)];
    let root = directory(&store, &entries, 0).await;
    let zone = [
        (
            "_dnslink.site.test.".to_owned(),
            format!("dnslink=/ipfs/{root}"),
        ),
        (
            "_dnslink.alias.test.".to_owned(),
            "dnslink=/ipns/site.test".to_owned(),
        ),
    ];
    let names = names(&store).with_dns(Arc::new(Zone(zone.into())));
    let blocks = BlockService::local(store);
    Served::new(Settings::default(), blocks, names, Denylists::default()).await
}

#[tokio::test]
async fn a_domain_shows_what_it_links_to() {
    let served = site("/old /new 302\n/* /index.html 200\n").await;
    for host in ["site.test", "alias.test", "site.test:8080"] {
        let answer = served.get("/", &format!("Host: {host}\r\n")).await.unwrap();
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "<h1>home"),
            "{host}"
        );
        assert_eq!(answer.header("cache-control"), Some("public, max-age=77"));
    }
    let host = "Host: site.test\r\n";
    let answer = served.get("/old?a=b", host).await.unwrap();
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("/new?a=b"))
    );
    let answer = served.get("/any/where", host).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "<h1>home"));
    let answer = served.get("/", "Host: none.test\r\n").await.unwrap();
    assert_eq!(answer.status, 404);
    let inlined = "Host: localhost\r\nX-Forwarded-Proto: https\r\n";
    let answer = served.get("/ipns/site.test/x", inlined).await.unwrap();
    assert_eq!(
        answer.header("location"),
        Some("https://site-test.ipns.localhost/x")
    );
}

#[tokio::test]
async fn rules_cannot_lead_in_circles_or_out() {
    let served = site("/a /b 200\n/b /a 200\n").await;
    let answer = served.get("/a", "Host: site.test\r\n").await.unwrap();
    assert_eq!(answer.status, 404);
    let served = site("/a /../../ipns/other.test 200\n").await;
    let answer = served.get("/a", "Host: site.test\r\n").await.unwrap();
    assert!(answer.status >= 400, "{}", answer.status);
    let served = site(&"#".repeat(70_000)).await;
    let answer = served.get("/a", "Host: site.test\r\n").await.unwrap();
    assert_eq!(answer.status, 500);
    assert!(
        answer
            .text()
            .contains("redirects file size cannot exceed 65536 bytes")
    );
}
