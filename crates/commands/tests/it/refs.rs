//! `refs`, `refs local` and `repo ls`.

use crate::ask::{leaf, lose, node, process, refused, told};

#[tokio::test]
async fn links_are_listed_depth_first() {
    let ctx = process().await;
    let (x, y) = (leaf(&ctx, "x").await, leaf(&ctx, "y").await);
    let inner = node(&ctx, &[("x", x), ("y", y)]).await;
    let root = node(&ctx, &[("inner", inner), ("x", x)]).await;

    let text = told(&ctx, &format!("refs?arg={root}&encoding=text")).await;
    assert_eq!(text, format!("{inner}\n{x}\n"));
    let text = told(&ctx, &format!("refs?arg={root}&recursive&encoding=text")).await;
    assert_eq!(text, format!("{inner}\n{x}\n{y}\n{x}\n"));
    let text = told(
        &ctx,
        &format!("refs?arg={root}&arg={inner}&recursive&unique&encoding=text"),
    )
    .await;
    assert_eq!(text, format!("{inner}\n{x}\n{y}\n"));
    let text = told(
        &ctx,
        &format!("refs?arg=/ipfs/{root}/inner&edges&encoding=text"),
    )
    .await;
    assert_eq!(text, format!("{inner} -> {x}\n{inner} -> {y}\n"));
    let text = told(&ctx, &format!("refs?arg={root}&recursive&max-depth=0")).await;
    assert_eq!(text, "");
    let json = told(
        &ctx,
        &format!("refs?arg={inner}&format=<linkname>:<src>-<dst>"),
    )
    .await;
    let row = |name: &str, cid| format!("{{\"Ref\":\"{name}:{inner}-{cid}\",\"Err\":\"\"}}\n");
    assert_eq!(json, row("x", x) + &row("y", y));
    let (_, error) = refused(&ctx, &format!("refs?arg={root}&edges&format=x")).await;
    assert_eq!(error, "using format argument with edges is not allowed");
}

#[tokio::test]
async fn a_missing_block_ends_the_links_of_its_root_only() {
    let ctx = process().await;
    let (x, y) = (leaf(&ctx, "x").await, leaf(&ctx, "y").await);
    let (a, b) = (node(&ctx, &[("x", x)]).await, node(&ctx, &[("y", y)]).await);
    lose(&ctx, &x).await;
    let missing = "failed to fetch all nodes".to_owned();
    let call = format!("refs?arg={a}&arg={b}");
    let expected =
        format!("{{\"Ref\":\"\",\"Err\":\"{missing}\"}}\n{{\"Ref\":\"{y}\",\"Err\":\"\"}}\n");
    assert_eq!(told(&ctx, &call).await, expected);
    // Text has no place for it.
    let (text, error) = refused(&ctx, &format!("{call}&encoding=text")).await;
    assert_eq!((text, error), (String::new(), missing));
}

#[tokio::test]
async fn every_block_is_listed_as_raw() {
    let ctx = process().await;
    let x = leaf(&ctx, "x").await;
    assert_eq!(
        told(&ctx, "refs/local").await,
        format!("{{\"Ref\":\"{x}\",\"Err\":\"\"}}\n")
    );
    node(&ctx, &[("x", x)]).await;
    for call in ["refs/local?encoding=text", "repo/ls?encoding=text"] {
        let text = told(&ctx, call).await;
        assert_eq!(text.lines().count(), 2);
        assert!(
            text.lines().all(|line| line.starts_with("bafkrei")),
            "{text}"
        );
    }
    let text = told(&ctx, "repo/ls?cid-base=base36&encoding=text").await;
    assert!(text.lines().all(|line| line.starts_with('k')), "{text}");
}
