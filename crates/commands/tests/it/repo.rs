//! `repo gc`, `repo stat`, `repo verify`, `repo version` and `stats repo`.

use std::sync::Arc;

use basalt::block::{Block, Cid};
use basalt::exchange::{Error, Event, Exchange};
use basalt_commands::Context;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use crate::ask::{ask, corrupt, leaf, lose, node, of, process, refused, told};

#[tokio::test]
async fn what_nothing_keeps_is_collected() {
    let ctx = process().await;
    let kept = leaf(&ctx, "kept").await;
    told(&ctx, &format!("pin/add?arg={kept}")).await;
    let lost = leaf(&ctx, "lost").await;
    assert_eq!(
        told(&ctx, "repo/gc").await,
        format!("{{\"Key\":{{\"/\":\"{lost}\"}}}}\n")
    );
    for (option, answer) in [
        ("", format!("removed {lost}\n")),
        ("&quiet", format!("{lost}\n")),
        ("&silent", String::new()),
    ] {
        leaf(&ctx, "lost").await;
        assert_eq!(
            told(&ctx, &format!("repo/gc?encoding=text{option}")).await,
            answer
        );
        assert_eq!(
            told(&ctx, "refs/local?encoding=text").await,
            format!("{kept}\n")
        );
    }
}

#[tokio::test]
async fn nothing_is_collected_while_it_is_not_known_what_is_kept() {
    let ctx = process().await;
    let inner = node(&ctx, &[]).await;
    let root = node(&ctx, &[("inner", inner)]).await;
    told(&ctx, &format!("pin/add?arg={root}")).await;
    leaf(&ctx, "not pinned").await;
    lose(&ctx, &inner).await;
    let first = format!(
        "could not retrieve links for {inner}: block was not found locally (offline): ipld: could not find {inner}"
    );
    let last = "garbage collection aborted: could not retrieve some links";
    let (text, error) = refused(&ctx, "repo/gc").await;
    assert_eq!((text, error), (String::new(), format!("{first}; {last}")));
    let (text, error) = refused(&ctx, "repo/gc?stream-errors").await;
    assert_eq!(
        text,
        format!("{{\"Key\":null,\"Error\":\"{first}\"}}\n{{\"Key\":null,\"Error\":\"{last}\"}}\n")
    );
    assert_eq!(error, "encountered errors during gc run");
    let (text, _) = refused(&ctx, "repo/gc?stream-errors&encoding=text").await;
    assert_eq!(text, format!("Error: {first}\nError: {last}\n"));
    assert_eq!(told(&ctx, "refs/local").await.lines().count(), 2);
}

#[tokio::test]
async fn figures_are_shown() {
    let ctx = process().await;
    leaf(&ctx, "x").await;
    let max = u64::MAX;
    let json = format!(
        "{{\"RepoSize\":0,\"StorageMax\":{max},\"NumObjects\":1,\"RepoPath\":\"/repo\",\"Version\":\"fs-repo@18\"}}\n"
    );
    assert_eq!(told(&ctx, "repo/stat").await, json);
    assert_eq!(told(&ctx, "stats/repo").await, json);
    let sizes = told(&ctx, "repo/stat?size-only=true").await;
    assert_eq!(
        sizes,
        format!(
            "{{\"RepoSize\":0,\"StorageMax\":{max},\"NumObjects\":0,\"RepoPath\":\"\",\"Version\":\"\"}}\n"
        )
    );
    let text = told(&ctx, "stats/repo?human&encoding=text").await;
    assert_eq!(
        text,
        "NumObjects: 1\nRepoSize:   0 B\nStorageMax: 18 EB\nRepoPath:   /repo\nVersion:    fs-repo@18\n"
    );
    let text = told(&ctx, "repo/stat?size-only&encoding=text").await;
    assert_eq!(text, format!("RepoSize:   0\nStorageMax: {max}\n"));
}

#[tokio::test]
async fn the_version_is_kubos() {
    let ctx = process().await;
    assert_eq!(told(&ctx, "repo/version").await, "{\"Version\":\"18\"}\n");
    assert_eq!(
        told(&ctx, "repo/version?encoding=text").await,
        "ipfs repo version fs-repo@18\n"
    );
    assert_eq!(
        told(&ctx, "repo/version?encoding=text&quiet").await,
        "fs-repo@18\n"
    );
}

fn last(text: &str) -> &str {
    text.split('\r').next_back().unwrap()
}

#[tokio::test]
async fn bad_blocks_are_named_and_dropped() {
    let ctx = process().await;
    let (good, bad) = (leaf(&ctx, "good").await, leaf(&ctx, "bad").await);
    let text = told(&ctx, "repo/verify?encoding=text").await;
    assert_eq!(
        text,
        "1 blocks processed.\r2 blocks processed.\rverify complete, all blocks validated.\n"
    );
    corrupt(&ctx, &bad).await;
    let was =
        format!("block {bad} was corrupt (block in storage has different hash than requested");
    let (text, error) = refused(&ctx, "repo/verify?encoding=text").await;
    assert!(
        text.contains(&was) && text.ends_with("2 blocks processed.\r"),
        "{text}"
    );
    assert_eq!(error, "verify complete, 1 blocks corrupt");

    let json = told(&ctx, "repo/verify?drop").await;
    assert!(json.contains("{\"Msg\":\"\",\"Progress\":1}\n"), "{json}");
    assert!(json.contains("), removed\",\"Progress\":0}\n"), "{json}");
    assert!(
        json.ends_with(
            "{\"Msg\":\"verify complete, 1 blocks corrupt, 1 removed\",\"Progress\":0}\n"
        ),
        "{json}"
    );
    assert_eq!(
        told(&ctx, "refs/local?encoding=text").await,
        format!("{good}\n")
    );
    let text = told(&ctx, "repo/verify?drop&encoding=text").await;
    assert_eq!(last(&text), "verify complete, all blocks validated.\n");
}

#[tokio::test]
async fn a_block_under_a_lease_is_not_dropped() {
    let ctx = process().await;
    let bad = leaf(&ctx, "bad").await;
    corrupt(&ctx, &bad).await;
    let lease = ctx.node().await.unwrap().blocks().lease();
    // An import that comes to the same block relies on it from now on.
    leaf(&ctx, "bad").await;
    let (text, error) = refused(&ctx, "repo/verify?drop&encoding=text").await;
    assert!(text.contains("), failed to remove ("), "{text}");
    assert_eq!(
        error,
        "verify complete, 1 blocks corrupt, 1 failed to remove"
    );
    drop(lease);
    told(&ctx, "repo/verify?drop").await;
}

/// Somebody who has one block, and is silent about another.
struct Peer {
    has: Block,
    silent: Cid,
}

impl Exchange for Peer {
    fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, Event> {
        let (has, silent) = (self.has.clone(), self.silent);
        stream::iter(cids)
            .then(move |cid| {
                let has = has.clone();
                async move {
                    if cid == silent {
                        std::future::pending::<()>().await;
                    }
                    if cid == *has.cid() {
                        Event::Block(has)
                    } else {
                        Event::Failed(cid, Box::new(Error::NotFound(cid)))
                    }
                }
            })
            .boxed()
    }
}

async fn with_peer() -> (Context, [Cid; 3]) {
    let ctx = process().await;
    let bad = [
        leaf(&ctx, "known").await,
        leaf(&ctx, "unknown").await,
        leaf(&ctx, "silent").await,
    ];
    let has = ctx
        .node()
        .await
        .unwrap()
        .blocks()
        .get(&bad[0])
        .await
        .unwrap();
    let peer = Arc::new(Peer {
        has,
        silent: bad[2],
    });
    let ctx = of(basalt::Node::builder().exchange(peer).open().await.unwrap());
    (ctx, bad)
}

#[tokio::test]
async fn bad_blocks_are_healed() {
    let (ctx, [known, ..]) = with_peer().await;
    corrupt(&ctx, &known).await;
    let text = told(&ctx, "repo/verify?heal&encoding=text").await;
    assert!(text.contains("), removed, healed\n"), "{text}");
    assert_eq!(
        last(&text),
        "verify complete, 1 blocks corrupt, 1 removed, 1 healed\n"
    );
    let text = told(&ctx, "repo/verify?encoding=text").await;
    assert_eq!(last(&text), "verify complete, all blocks validated.\n");
}

#[tokio::test]
async fn what_nobody_has_is_not_healed() {
    let (ctx, bad) = with_peer().await;
    for cid in &bad {
        corrupt(&ctx, cid).await;
    }
    let (text, error) = refused(&ctx, "repo/verify?heal&heal-timeout=50ms&encoding=text").await;
    let [_, unknown, silent] = bad;
    assert!(
        text.contains(&format!(
            ", removed, failed to heal (ipld: could not find {unknown})\n"
        )),
        "{text}"
    );
    assert!(
        text.contains(&format!("block {silent} was corrupt")),
        "{text}"
    );
    assert!(
        text.contains(", removed, failed to heal (context deadline exceeded)\n"),
        "{text}"
    );
    assert_eq!(
        error,
        "verify complete, 3 blocks corrupt, 3 removed, 1 healed, 2 failed to heal"
    );
    // They stay removed: what is left is sound.
    told(&ctx, "repo/verify").await;
}

#[tokio::test]
async fn healing_needs_others() {
    let ctx = process().await;
    let (_, error) = refused(&ctx, "repo/verify?heal").await;
    assert_eq!(
        error,
        "this command must be run in online mode. Try running 'ipfs daemon' first"
    );
    let (ctx, _) = with_peer().await;
    assert!(ask(&ctx, "repo/verify?heal&offline").await.1.is_err());
    let (_, error) = refused(&ctx, "repo/verify?heal-timeout=x").await;
    assert_eq!(error, "invalid heal-timeout: time: invalid duration \"x\"");
    let (_, error) = refused(&ctx, "repo/verify?heal-timeout=-1s").await;
    assert_eq!(error, "heal-timeout must be >= 0");
}
