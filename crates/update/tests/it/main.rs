#![allow(clippy::unwrap_used, reason = "tests")]
//! A release server on this machine, and what is done with what it has.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use basalt_http::{Handler, Headers, Listener, Options, Request, Responder, serve};
use basalt_unixfs::Mtime;
use basalt_unixfs::tar::{Header, HeaderKind, Times};
use basalt_update::{Platform, Server, Stash, Version, replace};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha512};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const PLATFORM: Platform = Platform {
    os: "linux",
    arch: "amd64",
};

/// Answers by path and query.
#[derive(Default)]
struct Site(BTreeMap<String, (u16, Vec<u8>)>);

impl Handler for Site {
    async fn handle(&self, request: Request, out: Responder) {
        let (status, body) = match self.0.get(&request.target) {
            Some((status, body)) => (*status, body.clone()),
            None => (404, Vec::new()),
        };
        out.full(status, &Headers::new(), body).unwrap();
    }
}

fn archive(program: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    let header = Header {
        path: b"basalt/basalt".to_vec(),
        kind: HeaderKind::File(program.len() as u64),
        mode: 0o755,
        mtime: Mtime {
            seconds: 0,
            nanos: 0,
        },
    };
    out.write_all(&header.encode(Times::Seconds).unwrap())
        .unwrap();
    out.write_all(program).unwrap();
    let pad = program.len().next_multiple_of(512) - program.len();
    out.write_all(&vec![0; pad + 1024]).unwrap();
    out.finish().unwrap()
}

fn release(at: &str, tag: &str, early: bool, platforms: &[&str]) -> String {
    let asset = |platform: &&str| {
        let name = format!("basalt_{tag}_{platform}.tar.gz");
        format!(r#"{{"name":"{name}","size":1,"browser_download_url":"http://{at}/get/{name}"}}"#)
    };
    let assets: Vec<String> = platforms.iter().map(asset).collect();
    format!(
        r#"{{"tag_name":"{tag}","prerelease":{early},"assets":[{}]}}"#,
        assets.join(",")
    )
}

/// A server with releases 0.4.0 (for another platform), 0.3.0-rc1, 0.2.0, 0.1.0, and broken ones.
async fn server() -> (Server, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let ours: &[&str] = &["darwin-arm64", "linux-amd64"];
    let all = [
        ("v0.4.0", false, &["darwin-arm64"][..]),
        ("v0.3.0-rc1", true, ours),
        ("v0.2.0", false, ours),
        ("v0.1.0", false, ours),
    ];
    let texts: Vec<String> = all
        .iter()
        .map(|(tag, early, on)| release(&at, tag, *early, on))
        .collect();
    let list = format!("[{}]", texts.join(","));
    let mut site = Site::default();
    let mut put = |path: String, status: u16, body: Vec<u8>| {
        site.0.insert(path, (status, body));
    };
    for page in [1, 3, 10, 30, 90] {
        let query = format!("/releases?per_page={page}");
        put(query, 200, list.clone().into());
    }
    for ((tag, ..), text) in all.iter().zip(&texts) {
        put(format!("/releases/tags/{tag}"), 200, text.clone().into());
    }
    for tag in ["v0.6.0", "v0.7.0", "v0.8.0"] {
        let text = release(&at, tag, false, ours);
        put(format!("/releases/tags/{tag}"), 200, text.into());
    }
    put("/releases/tags/v0.9.0".into(), 200, b"<html>".to_vec());
    put("/limited?per_page=30".into(), 429, Vec::new());
    let file = |tag: &str| format!("/get/basalt_{tag}_linux-amd64.tar.gz");
    let good = archive(b"the new program");
    let sum = format!("{}  basalt.tar.gz\n", hex::encode(Sha512::digest(&good)));
    // 0.6.0 has another sum, 0.7.0 none, 0.8.0 is no archive.
    for tag in ["v0.2.0", "v0.6.0", "v0.7.0"] {
        put(file(tag), 200, good.clone());
    }
    put(format!("{}.sha512", file("v0.2.0")), 200, sum.into());
    put(
        format!("{}.sha512", file("v0.6.0")),
        200,
        "00".repeat(64).into(),
    );
    put(file("v0.8.0"), 200, b"nothing".to_vec());
    let sum = hex::encode(Sha512::digest(b"nothing"));
    put(format!("{}.sha512", file("v0.8.0")), 200, sum.into());
    tokio::spawn(serve(
        vec![Listener::Tcp(listener)],
        site,
        Options::default(),
        CancellationToken::new(),
    ));
    let server = Server::new(&format!("http://{at}/releases/")).unwrap();
    (server, at)
}

#[tokio::test]
async fn releases_are_listed() {
    let (server, at) = server().await;
    let tags = |count, early| {
        let server = server.clone();
        async move {
            let all = server.releases(count, early).await.unwrap();
            all.into_iter().map(|r| r.tag).collect::<Vec<_>>()
        }
    };
    assert_eq!(tags(10, false).await, ["v0.4.0", "v0.2.0", "v0.1.0"]);
    assert_eq!(tags(1, false).await, ["v0.4.0"]);
    assert_eq!(tags(10, true).await.len(), 4);
    let latest = server.latest(PLATFORM, false).await.unwrap();
    assert_eq!(latest.version(), "0.2.0");
    let latest = server.latest(PLATFORM, true).await.unwrap();
    assert_eq!(latest.version(), "0.3.0-rc1");
    let plan9 = Platform {
        os: "plan9",
        ..PLATFORM
    };
    let error = server.latest(plan9, true).await.unwrap_err().to_string();
    assert_eq!(error, "no release found with a binary for plan9/amd64");
    let limited = Server::new(&format!("http://{at}/limited")).unwrap();
    let error = limited.releases(10, false).await.unwrap_err().to_string();
    assert_eq!(error, "release server: rate limit exceeded");
    let none = Server::new("http://127.0.0.1:1").unwrap();
    let error = none.releases(10, false).await.unwrap_err().to_string();
    assert!(error.ends_with("connect: connection refused"), "{error}");
}

#[tokio::test]
async fn only_what_its_checksum_says_is_taken() {
    let (server, at) = server().await;
    let program = server.program("v0.2.0", PLATFORM).await.unwrap();
    assert_eq!(fs::read(program.path()).unwrap(), b"the new program");
    let error = async |tag: &str| server.program(tag, PLATFORM).await.unwrap_err().to_string();
    assert!(
        error("v0.6.0")
            .await
            .contains("SHA-512 mismatch: expected 0000")
    );
    let missing = error("v0.7.0").await;
    assert!(
        missing.contains("HTTP 404") && missing.ends_with(".sha512"),
        "{missing}"
    );
    assert!(error("v0.8.0").await.starts_with("extracting binary: "));
    assert!(
        error("v0.9.0")
            .await
            .contains("v0.9.0 not found: decoding releases: ")
    );
    let other = error("v0.4.0").await;
    assert!(other.contains("no binary for linux/amd64 yet"), "{other}");
    assert_eq!(
        error("v9.9.9").await,
        format!(
            "release v9.9.9 not found: the release server returned HTTP 404 for http://{at}/releases/tags/v9.9.9"
        )
    );
}

#[test]
fn programs_are_replaced_and_put_back() {
    let repo = tempfile::tempdir().unwrap();
    let program = repo.path().join("basalt");
    fs::write(&program, "old").unwrap();
    let stash = Stash::new(repo.path());
    assert_eq!(stash.list().unwrap(), None);
    let none = stash.latest().unwrap_err().to_string();
    let folder = repo.path().join("old-bin");
    assert_eq!(
        none,
        format!("no stashed binaries found in {}", folder.display())
    );

    let kept = stash.add(&program, "0.1.0").unwrap();
    assert_eq!(kept, folder.join("ipfs-0.1.0"));
    let new = repo.path().join("new");
    fs::write(&new, "new").unwrap();
    replace(&program, &new).unwrap();
    assert_eq!(fs::read(&program).unwrap(), b"new");
    assert_eq!(
        fs::metadata(&program).unwrap().permissions().mode() & 0o777,
        0o755
    );

    for name in ["ipfs-0.0.9", "ipfs-0.1.0-rc1", "ipfs-x", "other", "ipfs-"] {
        fs::write(folder.join(name), "x").unwrap();
    }
    fs::create_dir(folder.join("ipfs-9.0.0")).unwrap();
    let names: Vec<_> = stash.list().unwrap().unwrap();
    let names: Vec<_> = names.iter().map(|s| &*s.name).collect();
    assert_eq!(names, ["ipfs-0.1.0", "ipfs-0.1.0-rc1", "ipfs-0.0.9"]);
    let latest = stash.latest().unwrap();
    assert_eq!(latest.version, Version::parse("0.1.0").unwrap());
    replace(&program, &latest.path).unwrap();
    assert_eq!(fs::read(&program).unwrap(), b"old");
    latest.remove().unwrap();
    assert!(!latest.path.exists());

    // What fails leaves everything as it is.
    assert!(replace(&program, &repo.path().join("none")).is_err());
    assert!(replace(&repo.path().join("no/where"), &new).is_err());
    assert_eq!(fs::read(&program).unwrap(), b"old");
    let left = fs::read_dir(repo.path()).unwrap().count();
    assert_eq!(left, 3);
}
