//! Servers of `/routing/v1`: that of Basalt, asked by Kubo, and that of Kubo, asked by Basalt. Who asks
//! has no DHT of its own.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::peer::Peer;
use super::soon;
use crate::places;
use crate::proof::settings::Settings;
use crate::proof::tally::Tally;

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let began = Instant::now();
    let folder = tempfile::Builder::new()
        .prefix("basalt-delegated-")
        .tempdir_in(&settings.dir)?;
    let (ours, kubo) = (settings.bin.clone(), places::kubo());
    for (name, server, client) in [
        ("Kubo asks Basalt", &ours, &kubo),
        ("Basalt asks Kubo", &kubo, &ours),
        ("Basalt asks Basalt", &ours, &ours),
    ] {
        let dir = folder.path().join(name);
        std::fs::create_dir(&dir)?;
        let server = Peer::start(server, dir.join("server"), &[])?;
        let provider = Peer::start(&kubo, dir.join("provider"), &[])?;
        provider.connect(&server)?;
        let url = server.gateway()?;
        let text = format!("{name}, {}", settings.seed);
        let cid = provider.give(&text)?;
        let known = Known {
            server: &server,
            provider: &provider,
            cid: &cid,
            text: &text,
        };
        for (kind, config) in [
            ("delegated", delegated(&url)),
            ("custom, one", custom(&url, false)),
            ("custom, composed", custom(&url, true)),
        ] {
            let what = format!("{name}, {kind}");
            known.asked_by(client, &dir.join(kind), &config, &what, tally)?;
        }
        provider.stop()?;
        server.stop()?;
    }
    tally.figure("seconds", began.elapsed().as_secs());
    Ok(())
}

/// `Routing.Type=delegated`.
fn delegated(url: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("Routing.Type", json!("delegated")),
        ("Routing.DelegatedRouters", json!([url])),
        ("Ipns.DelegatedPublishers", json!([url])),
        ("Provide.Enabled", json!(false)),
    ]
}

/// `Routing.Type=custom`: a server alone, or one after a router that does not answer, beside a DHT.
fn custom(url: &str, composed: bool) -> Vec<(&'static str, Value)> {
    let method = json!({"RouterName": if composed { "all" } else { "http" }});
    let routers = json!({
        "http": {"Type": "http", "Parameters": {"Endpoint": url}},
        "gone": {"Type": "http", "Parameters": {"Endpoint": "http://127.0.0.1:9"}},
        "lan": {"Type": "dht", "Parameters": {"Mode": "client", "PublicIPNetwork": false}},
        "in order": {"Type": "sequential", "Parameters": {"Routers": [
            {"RouterName": "gone", "IgnoreErrors": true, "Timeout": "2s"},
            {"RouterName": "http", "Timeout": "20s"},
        ]}},
        "all": {"Type": "parallel", "Parameters": {"Routers": [
            {"RouterName": "lan", "IgnoreErrors": true, "Timeout": "20s"},
            {"RouterName": "in order", "Timeout": "30s", "ExecuteAfter": "10ms"},
        ]}},
    });
    vec![
        ("Routing.Routers", routers),
        (
            "Routing.Methods",
            json!({
                "provide": method, "find-providers": method, "find-peers": method,
                "get-ipns": method, "put-ipns": method,
            }),
        ),
        ("Routing.Type", json!("custom")),
    ]
}

/// What a server can be asked for.
struct Known<'a> {
    server: &'a Peer,
    provider: &'a Peer,
    cid: &'a str,
    text: &'a str,
}

impl Known<'_> {
    fn asked_by(
        &self,
        bin: &Path,
        repo: &Path,
        config: &[(&str, Value)],
        name: &str,
        tally: &mut Tally,
    ) -> Result<()> {
        let client = Peer::start(bin, repo.to_owned(), config)?;
        let mut check = |what: &str, outcome: Result<()>| {
            tally.check(&format!("{name}: {what}"), outcome);
        };
        check("providers", client.finds(self.cid, self.provider));
        check("a peer", client.locates(self.provider));
        let fetched = soon(|| {
            let come = client.say(&["cat", "--timeout=20s", self.cid])?;
            ensure!(come == self.text, "{come:?}");
            Ok(())
        });
        check("a file", fetched);
        let theirs = self.provider.publishes("self", self.cid)?;
        check("a name", client.resolves(&theirs, self.cid));
        let own = client.publishes("self", self.cid);
        let own = own.and_then(|own| self.server.resolves(&own, self.cid));
        check("a name of its own", own);
        client.stop()
    }
}
