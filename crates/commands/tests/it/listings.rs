//! Listings of directories that are kept: the same again while nothing changes, and never an old one.

use basalt_commands::{Context, Encoding, Frame, parse};

use crate::ask::{leaf, process, told};

/// What `files ls -l` of a directory answers as JSON, all of it.
async fn listed(ctx: &Context) -> serde_json::Value {
    let pairs = [("arg", "/many"), ("long", "true")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = parse::rpc("files/ls", &pairs, None).unwrap();
    let entry = request.entry;
    let mut encoder = entry.encoder(&request.meta, Encoding::Json);
    let mut reply = entry.call(ctx.clone(), request);
    let mut out = Vec::new();
    while let Some(frame) = reply.next().await.unwrap() {
        if let Frame::Event(event) | Frame::Single(event) = frame {
            encoder.event(event, &mut out).unwrap();
        }
    }
    encoder.end(&mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

async fn link(ctx: &Context, name: &str, text: &str) {
    let cid = leaf(ctx, text).await;
    told(ctx, &format!("files/cp?arg=/ipfs/{cid}&arg=/many/{name}")).await;
}

#[tokio::test]
async fn an_unchanged_directory_is_listed_the_same_and_a_changed_one_anew() {
    let ctx = process().await;
    told(&ctx, "files/mkdir?arg=/many").await;
    assert_eq!(listed(&ctx).await["Entries"], serde_json::Value::Null);
    for n in 0..80 {
        link(&ctx, &format!("name-{n:03}"), &format!("text {n}")).await;
    }
    let first = listed(&ctx).await;
    let rows = first["Entries"].as_array().unwrap();
    assert_eq!(rows.len(), 80);
    let row = rows.iter().find(|row| row["Name"] == "name-007").unwrap();
    assert_eq!((&row["Type"], &row["Size"]), (&0.into(), &6.into()));
    assert!(row["Hash"].as_str().unwrap().starts_with("bafkrei"));
    assert_eq!(listed(&ctx).await, first);

    told(&ctx, "files/rm?arg=/many/name-007").await;
    link(&ctx, "new \"name\"", "new text").await;
    let second = listed(&ctx).await;
    let names = |listing: &serde_json::Value| -> Vec<String> {
        let rows = listing["Entries"].as_array().unwrap();
        rows.iter()
            .map(|row| row["Name"].as_str().unwrap().to_owned())
            .collect()
    };
    let now = names(&second);
    assert_eq!(now.len(), 80);
    assert!(now.contains(&"new \"name\"".to_owned()));
    assert!(!now.contains(&"name-007".to_owned()));
    assert_eq!(listed(&ctx).await, second);

    // Text is made of the rows, whatever is kept.
    let text = told(&ctx, "files/ls?arg=/many&long=true&encoding=text").await;
    assert_eq!(text.lines().count(), 80);
    assert!(text.starts_with("name-000\tbafkrei"), "{text}");
}
