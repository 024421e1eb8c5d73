//! The gateway over streams, asked through a tunnel.

use std::fs;

use anyhow::{Result, ensure};

use super::Pair;
use super::tunnels::forward;
use crate::http::{Request, Response, send};

fn get(port: u16, target: &str, accept: &str) -> Result<Response> {
    let request = Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        headers: vec![("Accept".to_owned(), accept.to_owned())],
        body: None,
    };
    send(port, &request, false)
}

pub(super) fn served(pair: &Pair) -> Result<()> {
    let path = pair.dir.join("content");
    let content: Vec<u8> = (0..600_000u32).flat_map(u32::to_be_bytes).collect();
    fs::write(&path, &content)?;
    let cid = pair.from.add(&path, &["--cid-version=1"])?;
    fs::write(&path, "elsewhere")?;
    let elsewhere = pair.to.add(&path, &["--cid-version=1"])?;
    let port = forward(&pair.to, &pair.from, "/http/1.1")?;
    let status = |target: &str, accept: &str, wanted: u16| -> Result<Response> {
        let answer = get(port, target, accept)?;
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == wanted && !answer.cut,
            "{target}: {} {said}",
            answer.status
        );
        Ok(answer)
    };
    let known = status("/.well-known/libp2p/protocols", "application/json", 200)?;
    let known: serde_json::Value = serde_json::from_slice(&known.body)?;
    ensure!(known["/ipfs/gateway"]["path"] == "/", "{known}");
    let block = status(&format!("/ipfs/{cid}?format=raw"), "*/*", 200)?;
    let root = pair
        .from
        .program
        .command(&["block", "get", &cid])
        .output()?;
    ensure!(block.body == root.stdout, "another block came");
    let car = status(&format!("/ipfs/{cid}"), "application/vnd.ipld.car", 200)?;
    let whole = pair.dir.join("come.car");
    fs::write(&whole, &car.body)?;
    let imported = pair
        .to
        .say(&["dag", "import", "--stats", &whole.to_string_lossy()])?;
    ensure!(imported.contains(&cid), "{imported}");
    let come = pair
        .to
        .program
        .command(&["cat", "--offline", &cid])
        .output()?;
    ensure!(come.stdout == content, "something else came");
    // What is not here is not fetched, and nothing is made readable.
    status(&format!("/ipfs/{elsewhere}?format=raw"), "*/*", 404)?;
    status(&format!("/ipfs/{cid}"), "*/*", 406)?;
    status("/ipns/example.com", "*/*", 404)?;
    status("/", "*/*", 404)?;
    Ok(())
}
