//! Blocks over HTTP: each of Kubo and Basalt as the gateway, and as the node that asks it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::content::Content;
use super::program::Program;
use super::settings::Settings;
use super::tally::Tally;
use crate::daemon::Daemon;
use crate::places;

/// The peer that the gateway is said to be. Nobody has its key.
const PROVIDER: &str = "12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2r";
/// What is counted of requests, under the same name in both.
const REQUESTS: &str = "exchange_httpnet_requests_total";

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("basalt-gateways-")
        .tempdir_in(&settings.dir)?;
    let (ours, kubo) = (settings.bin.clone(), places::kubo());
    for (name, from, to) in [
        ("from Basalt's gateway to Basalt", &ours, &ours),
        ("from Kubo's gateway to Basalt", &kubo, &ours),
        ("from Basalt's gateway to Kubo", &ours, &kubo),
    ] {
        let dir = folder.path().join(name);
        fs::create_dir(&dir)?;
        let size = if settings.whole { 256 << 20 } else { 8 << 20 };
        tally.check(name, fetch(from, to, &dir, settings.seed, size));
        fs::remove_dir_all(&dir)?;
    }
    for (name, key, value) in [
        (
            "a host that is denied is not asked",
            "Denylist",
            json!(["127.0.0.1"]),
        ),
        (
            "a host that is not allowed is not asked",
            "Allowlist",
            json!(["a.example"]),
        ),
        ("nobody is asked where that is off", "Enabled", json!(false)),
    ] {
        let dir = folder.path().join(key);
        fs::create_dir(&dir)?;
        tally.check(name, refused(&ours, &dir, key, &value.to_string()));
    }
    Ok(())
}

/// A node that knows nobody but the server of routing, if any.
fn node(bin: &Path, repo: PathBuf, router: Option<u16>) -> Result<Program> {
    let program = Program::new(bin, repo);
    program.say(&["init", "--profile=test,randomports"])?;
    let routing = match router {
        Some(_) => "auto",
        None => "none",
    };
    let routers: Vec<String> = router
        .iter()
        .map(|port| format!("http://127.0.0.1:{port}"))
        .collect();
    for (key, value) in [
        ("Addresses.Swarm", json!(["/ip4/127.0.0.1/tcp/0"])),
        ("Addresses.Gateway", json!("/ip4/127.0.0.1/tcp/0")),
        ("Bootstrap", json!([])),
        ("Routing.Type", json!(routing)),
        ("Routing.DelegatedRouters", json!(routers)),
        ("Gateway.NoFetch", json!(true)),
    ] {
        program.say(&["config", "--json", key, &value.to_string()])?;
    }
    Ok(program)
}

/// A server of routing, which says of everything that the gateway has it. Gives its port.
fn router(gateway: u16) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // It ends with the process.
            let Ok(stream) = stream else { return };
            thread::spawn(move || drop(answer(stream, gateway)));
        }
    });
    Ok(port)
}

fn answer(mut stream: TcpStream, gateway: u16) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().context("no request")??;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = match first.contains("/routing/v1/providers/") {
        true => {
            let record = json!({
                "Schema": "peer",
                "ID": PROVIDER,
                "Addrs": [format!("/ip4/127.0.0.1/tcp/{gateway}/http")],
                "Protocols": ["transport-ipfs-gateway-http"],
            });
            ("200 OK", json!({ "Providers": [record] }).to_string())
        }
        false => ("404 Not Found", "{}".to_owned()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    Ok(())
}

/// Serves by one, and fetches by the other.
fn fetch(from: &Path, to: &Path, dir: &Path, seed: u64, size: u64) -> Result<()> {
    let from = node(from, dir.join("from"), None)?;
    let serving = from.daemon(&[])?;
    let gateway = serving.gateway.context("it has no gateway")?;
    let to = node(to, dir.join("to"), Some(router(gateway)?))?;
    let asking = to.daemon(&[])?;

    let path = dir.join("file");
    let content = Content { seed, len: size };
    content.write(&mut fs::File::create(&path)?)?;
    let path = path.to_str().context("a path")?;
    let file = from.say(&["add", "-Q", "--cid-version=1", path])?;
    let come = dir.join("come");
    let come = come.to_str().context("a path")?;
    to.say(&["get", "--timeout=120s", "-o", come, file.trim()])?;
    ensure!(fs::read(path)? == fs::read(come)?, "the file differs");

    let tree = dir.join("tree");
    fs::create_dir(&tree)?;
    for number in 0..200 {
        fs::write(tree.join(number.to_string()), format!("file {number}"))?;
    }
    // CIDs of version 0 too.
    let tree = tree.to_str().context("a path")?;
    let tree = from.say(&["add", "-rQ", tree])?;
    to.say(&["pin", "add", "--timeout=120s", tree.trim()])?;
    let refs = |node: &Program| node.say(&["refs", "-r", "-u", "--offline", tree.trim()]);
    let (there, here) = (refs(&from)?, refs(&to)?);
    ensure!(
        there.lines().count() == here.lines().count(),
        "blocks are missing"
    );

    // By nobody but the gateway.
    let peers = to.say(&["swarm", "peers"])?;
    ensure!(peers.is_empty(), "connected with {peers}");
    let asked = requests(&asking)?;
    ensure!(asked >= 200.0, "{asked} requests");
    asking.stop()?;
    serving.stop()?;
    Ok(())
}

/// What Prometheus is told of requests.
fn requests(daemon: &Daemon) -> Result<f64> {
    let port = daemon.api.context("it has no RPC")?;
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(
        b"GET /debug/metrics/prometheus HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    )?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some(value) = line.strip_prefix(REQUESTS).map(str::trim) {
            return Ok(value.parse()?);
        }
    }
    Ok(0.0)
}

/// A node whose config forbids to ask the gateway asks it for nothing.
fn refused(bin: &Path, dir: &Path, key: &str, value: &str) -> Result<()> {
    let from = node(bin, dir.join("from"), None)?;
    let serving = from.daemon(&[])?;
    let gateway = serving.gateway.context("it has no gateway")?;
    let to = node(bin, dir.join("to"), Some(router(gateway)?))?;
    let key = format!("HTTPRetrieval.{key}");
    to.say(&["config", "--json", &key, value])?;
    let asking = to.daemon(&[])?;
    let text = dir.join("text");
    fs::write(&text, "a text")?;
    let cid = from.say(&["add", "-Q", text.to_str().context("a path")?])?;
    let said = to.run(&["cat", "--timeout=2s", cid.trim()])?;
    ensure!(!said.ok, "it was fetched");
    ensure!(requests(&asking)? == 0.0, "requests were made");
    asking.stop()?;
    serving.stop()?;
    Ok(())
}
