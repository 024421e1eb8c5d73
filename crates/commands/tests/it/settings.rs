//! `config` and its kin, and `id`, on a repo on disk.

use std::path::Path;

use basalt::repo::InitOptions;
use basalt_commands::files::{FileEntry, Files, NodeKind};
use basalt_commands::{Context, Result, parse};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::ask::{answered, refused, told};

async fn repo() -> (tempfile::TempDir, Context) {
    let dir = tempfile::tempdir().unwrap();
    basalt::Node::init(dir.path(), InitOptions::default(), |_| {})
        .await
        .unwrap();
    let ctx = Context::new(dir.path().to_owned(), None, None);
    (dir, ctx)
}

fn config_file(dir: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join("config")).unwrap()).unwrap()
}

/// One file.
struct One(Option<Bytes>, bool);

#[async_trait::async_trait]
impl Files for One {
    async fn next(&mut self) -> Result<Option<FileEntry>> {
        let first = !std::mem::replace(&mut self.1, true);
        Ok(first.then(|| FileEntry {
            path: Bytes::from_static(b"file"),
            kind: NodeKind::File,
            mode: None,
            mtime: None,
            abspath: None,
            size: None,
        }))
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        Ok(self.0.take())
    }
}

async fn replace(ctx: &Context, text: &str) -> Result<(), String> {
    let files = One(Some(text.to_owned().into()), false);
    let request = parse::rpc("config/replace", &[], Some(Box::new(files))).unwrap();
    let (_, end) = answered(ctx, request).await;
    end.map_err(|e| e.message)
}

#[tokio::test]
async fn keys_are_shown_and_set() {
    let (dir, ctx) = repo().await;
    let max = "config?arg=Datastore.StorageMax";
    assert_eq!(
        told(&ctx, max).await,
        "{\"Key\":\"Datastore.StorageMax\",\"Value\":\"10GB\"}\n"
    );
    assert_eq!(told(&ctx, &format!("{max}&encoding=text")).await, "10GB\n");
    assert_eq!(
        told(&ctx, &format!("{max}&arg=5GB&encoding=text")).await,
        ""
    );
    assert_eq!(config_file(dir.path())["Datastore"]["StorageMax"], "5GB");
    told(&ctx, "config?arg=Gateway.NoFetch&arg=true&bool").await;
    told(&ctx, "config?arg=Swarm.ConnMgr.HighWater&arg=7&json").await;
    assert_eq!(
        told(&ctx, "config?arg=Swarm.ConnMgr&encoding=text").await,
        "{\n  \"HighWater\": 7\n}\n"
    );
    assert_eq!(config_file(dir.path())["Gateway"]["NoFetch"], json!(true));
}

#[tokio::test]
async fn refusals_leave_the_file_alone() {
    let (dir, ctx) = repo().await;
    let before = config_file(dir.path());
    for (call, error) in [
        (
            "config?arg=Nope",
            "failed to get config value: \"Nope not found\"",
        ),
        (
            "config?arg=Identity.PrivKey",
            "cannot show or change private key through API",
        ),
        (
            "config?arg=Bootstrap&arg=x&expand-auto",
            "--expand-auto can only be used for reading config values, not for setting them",
        ),
        (
            "config?arg=Gateway.NoFetch&arg=tru&json",
            "failed to unmarshal json. invalid character ' ' in literal true (expecting 'e')",
        ),
        ("config/profile/apply?arg=nope", "nope is not a profile"),
    ] {
        assert_eq!(
            refused(&ctx, call).await,
            (String::new(), error.to_owned()),
            "{call}"
        );
    }
    assert_eq!(
        replace(&ctx, "x").await.unwrap_err(),
        "failed to decode file as config"
    );
    assert_eq!(config_file(dir.path()), before);
}

#[tokio::test]
async fn what_is_shown_can_be_put_back() {
    let (dir, ctx) = repo().await;
    let before = config_file(dir.path());
    let shown = told(&ctx, "config/show").await;
    assert!(!shown.contains("PrivKey"));
    replace(&ctx, &shown).await.unwrap();
    assert_eq!(config_file(dir.path())["Identity"], before["Identity"]);
    // An option of the command above is taken here too.
    let expanded = told(&ctx, "config/show?expand-auto").await;
    assert!(
        shown.contains("\"auto\"") && !expanded.contains("\"auto\""),
        "{expanded}"
    );
}

#[tokio::test]
async fn a_broken_file_is_shown_all_the_same() {
    let (dir, ctx) = repo().await;
    std::fs::write(
        dir.path().join("config"),
        "{\"Bootstrap\":5,\"Identity\":{\"PrivKey\":\"x\"}}",
    )
    .unwrap();
    assert_eq!(
        told(&ctx, "config/show").await,
        "{\"Bootstrap\":5,\"Identity\":{}}\n"
    );
    std::fs::remove_file(dir.path().join("config")).unwrap();
    let (_, error) = refused(&ctx, "config/show").await;
    assert!(
        error.ends_with("/config: no such file or directory"),
        "{error}"
    );
}

#[tokio::test]
async fn a_daemon_shows_no_files_from_elsewhere() {
    let (dir, _) = repo().await;
    let node = basalt::Node::builder()
        .repo(dir.path())
        .open()
        .await
        .unwrap();
    let ctx = Context::daemon(dir.path().to_owned(), None, node, Default::default());
    std::fs::write(dir.path().join("other"), "{\"a\":1}").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = elsewhere.path().join("secrets");
    std::fs::write(&outside, "{\"b\":2}").unwrap();
    std::os::unix::fs::symlink(&outside, dir.path().join("link")).unwrap();
    let show = |file: &Path| format!("config/show?config-file={}", file.display());
    assert_eq!(
        told(&ctx, &show(&dir.path().join("other"))).await,
        "{\"a\":1}\n"
    );
    for file in [
        outside,
        dir.path().join("link"),
        dir.path().join("../x"),
        dir.path().join("none"),
    ] {
        let (text, error) = refused(&ctx, &show(&file)).await;
        assert!(
            text.is_empty() && error.contains("is not in the daemon's repository"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_profile_is_applied() {
    let (dir, ctx) = repo().await;
    let before = config_file(dir.path());
    let diff = told(&ctx, "config/profile/apply?arg=test&dry-run&encoding=text").await;
    assert!(
        diff.contains("** \"API\": \"/ip4/127.0.0.1/tcp/0\""),
        "{diff}"
    );
    assert_eq!(config_file(dir.path()), before);
    let change: Value =
        serde_json::from_str(&told(&ctx, "config/profile/apply?arg=test").await).unwrap();
    assert_eq!(change["NewCfg"]["Addresses"]["API"], "/ip4/127.0.0.1/tcp/0");
    assert_eq!(config_file(dir.path())["Bootstrap"], json!([]));
}

#[tokio::test]
async fn help_names_every_profile() {
    let help = basalt_commands::help::text(&["config".to_owned(), "profile".to_owned()], true, 80);
    for profile in basalt::repo::config::profiles() {
        assert!(
            help.contains(&format!("  {}\n", profile.name)),
            "{} in\n{help}",
            profile.name
        );
    }
}

#[tokio::test]
async fn a_node_says_who_it_is() {
    let (dir, ctx) = repo().await;
    let own = config_file(dir.path())["Identity"]["PeerID"]
        .as_str()
        .unwrap()
        .to_owned();
    let told_id: Value = serde_json::from_str(&told(&ctx, "id").await).unwrap();
    assert_eq!(told_id["ID"], own);
    assert_eq!(told_id["Addresses"], Value::Null);
    assert_eq!(
        told_id["AgentVersion"],
        format!("kubo/0.43.0/basalt-{}", basalt::VERSION)
    );
    assert_eq!(
        told(&ctx, "id?encoding=text&format=<id>\\n<pver>").await,
        format!("{own}\n<pver>")
    );
    let based = told(&ctx, "id?encoding=text&format=<id>&peerid-base=k").await;
    assert!(based.starts_with("k51"), "{based}");
    let (_, error) = refused(&ctx, "id?arg=nope").await;
    assert_eq!(error, "invalid peer id");
    let (_, error) = refused(&ctx, "id?peerid-base=zz").await;
    assert_eq!(error, "unsupported multibase encoding: zz");
}

/// Recorded from `ipfs id --offline` of Kubo 0.43.0.
#[tokio::test]
async fn another_peer_is_known_by_its_id_alone() {
    let (_dir, ctx) = repo().await;
    let peer = "12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8";
    assert_eq!(
        told(&ctx, &format!("id?arg={peer}&offline")).await,
        format!(
            "{{\"ID\":\"{peer}\",\"PublicKey\":\"CAESIJQIDFkoSlrS7My3rd1iIfrHqSQ6p9oCzlN4zEAXKMqR\",\"Addresses\":[\"/p2p/{peer}\"],\"AgentVersion\":\"\",\"Protocols\":null}}\n"
        )
    );
    let (_, error) = refused(&ctx, &format!("id?arg={peer}")).await;
    assert!(error.contains("without a running daemon"), "{error}");
}
