//! `pin add`, `pin ls`, `pin rm`, `pin update` and `pin verify`.

use basalt_commands::Context;

use crate::ask::{ask, corrupt, leaf, lose, node, process, refused, told};

/// A directory of two files, one of them shared with another directory.
struct Dag {
    ctx: Context,
    dir: String,
    other: String,
    file: String,
    shared: String,
}

async fn dag() -> Dag {
    let ctx = process().await;
    let (file, shared) = (leaf(&ctx, "file").await, leaf(&ctx, "shared").await);
    let dir = node(&ctx, &[("a", file), ("b", shared)]).await;
    let other = node(&ctx, &[("b", shared)]).await;
    let [dir, other, file, shared] = [dir, other, file, shared].map(|cid| cid.to_string());
    Dag {
        ctx,
        dir,
        other,
        file,
        shared,
    }
}

#[tokio::test]
async fn pins_are_added_and_removed() {
    let Dag { ctx, dir, file, .. } = dag().await;
    assert_eq!(
        told(&ctx, &format!("pin/add?arg={dir}")).await,
        format!("{{\"Pins\":[\"{dir}\"]}}\n")
    );
    let text = told(
        &ctx,
        &format!("pin/add?arg={file}&recursive=false&encoding=text"),
    )
    .await;
    assert_eq!(text, format!("pinned {file} directly\n"));
    let (_, error) = refused(&ctx, &format!("pin/add?arg={dir}&recursive=false")).await;
    assert_eq!(error, format!("pin: {dir} already pinned recursively"));
    let (_, error) = refused(&ctx, &format!("pin/rm?arg={dir}&recursive=false")).await;
    assert_eq!(error, format!("{dir} is pinned recursively"));
    let text = told(&ctx, &format!("pin/rm?arg={dir}&arg={file}&encoding=text")).await;
    assert_eq!(text, format!("unpinned {dir}\nunpinned {file}\n"));
    let (_, error) = refused(&ctx, &format!("pin/rm?arg={dir}")).await;
    assert_eq!(error, "not pinned or pinned indirectly");
    let long = "x".repeat(256);
    let (_, error) = refused(&ctx, &format!("pin/add?arg={dir}&name={long}")).await;
    assert_eq!(error, "pin name is 256 bytes (max 255 bytes)");
    assert_eq!(told(&ctx, "pin/ls").await, "{}\n");
}

#[tokio::test]
async fn progress_is_told_at_the_end_at_least() {
    let Dag { ctx, dir, .. } = dag().await;
    let text = told(&ctx, &format!("pin/add?arg={dir}&progress")).await;
    let mut lines = text.lines();
    let progress: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(progress["Progress"], 3);
    assert!(progress["Bytes"].as_u64().unwrap() > 10);
    assert_eq!(lines.next().unwrap(), format!("{{\"Pins\":[\"{dir}\"]}}"));
    assert_eq!(lines.next(), None);
}

#[tokio::test]
async fn a_path_is_pinned_by_what_it_leads_to() {
    let Dag { ctx, dir, file, .. } = dag().await;
    let text = told(
        &ctx,
        &format!("pin/add?arg=/ipfs/{dir}/a&arg={dir}&encoding=text"),
    )
    .await;
    assert_eq!(
        text,
        format!("pinned {file} recursively\npinned {dir} recursively\n")
    );
    let (_, error) = refused(&ctx, "pin/add?arg=nonsense").await;
    assert_eq!(
        error,
        "invalid path \"nonsense\": path does not have enough components"
    );
}

#[tokio::test]
async fn what_cannot_be_had_is_not_pinned() {
    let Dag {
        ctx, dir, shared, ..
    } = dag().await;
    lose(&ctx, &shared.parse().unwrap()).await;
    let (_, error) = refused(&ctx, &format!("pin/add?arg={dir}")).await;
    let missing = format!("block was not found locally (offline): ipld: could not find {shared}");
    assert_eq!(error, format!("pin: {missing}"));
    assert_eq!(told(&ctx, "pin/ls").await, "{}\n");
}

#[tokio::test]
async fn the_list_is_one_object_or_a_stream() {
    let Dag {
        ctx,
        dir,
        other,
        file,
        shared,
    } = dag().await;
    told(&ctx, &format!("pin/add?arg={dir}&name=first")).await;
    told(
        &ctx,
        &format!("pin/add?arg={other}&recursive=false&name=second"),
    )
    .await;

    let all: serde_json::Value = serde_json::from_str(&told(&ctx, "pin/ls").await).unwrap();
    assert_eq!(all["Keys"].as_object().unwrap().len(), 4);
    assert_eq!(
        all["Keys"][&dir],
        serde_json::json!({"Type": "recursive", "Name": ""})
    );
    assert_eq!(
        all["Keys"][&other],
        serde_json::json!({"Type": "direct", "Name": ""})
    );
    assert_eq!(
        all["Keys"][&file],
        serde_json::json!({"Type": "indirect", "Name": ""})
    );

    let stream = told(&ctx, "pin/ls?stream&names").await;
    let rows: Vec<&str> = stream.lines().collect();
    assert_eq!(rows.len(), 4);
    assert_eq!(
        rows[0],
        format!(r#"{{"Cid":"{dir}","Name":"first","Type":"recursive"}}"#)
    );
    assert_eq!(
        rows[1],
        format!(r#"{{"Cid":"{other}","Name":"second","Type":"direct"}}"#)
    );
    assert!(rows.contains(&&*format!(r#"{{"Cid":"{shared}","Type":"indirect"}}"#)));

    let text = told(&ctx, "pin/ls?encoding=text&type=recursive&names").await;
    assert_eq!(text, format!("{dir} recursive first\n"));
    let text = told(&ctx, "pin/ls?encoding=text&stream&type=direct").await;
    assert_eq!(text, format!("{other} direct\n"));
    let text = told(&ctx, "pin/ls?encoding=text&quiet&type=direct").await;
    assert_eq!(text, format!("{other}\n"));
    let sorted = told(&ctx, "pin/ls?encoding=text").await;
    assert!(sorted.lines().is_sorted());
}

#[tokio::test]
async fn a_name_is_looked_for() {
    let Dag {
        ctx,
        dir,
        other,
        shared,
        ..
    } = dag().await;
    told(&ctx, &format!("pin/add?arg={dir}&name=first")).await;
    told(&ctx, &format!("pin/add?arg={other}&name=second")).await;
    // What has no name is not gone through, so that nothing is missed.
    lose(&ctx, &shared.parse().unwrap()).await;
    let text = told(&ctx, "pin/ls?encoding=text&name=eco").await;
    assert_eq!(text, format!("{other} recursive second\n"));
    assert_eq!(told(&ctx, "pin/ls?encoding=text&name=Eco").await, "");
    assert_eq!(told(&ctx, "pin/ls?name=irs&type=indirect").await, "{}\n");
}

/// ipfs-cluster asks like this and reads these words.
#[tokio::test]
async fn a_path_may_be_asked_for() {
    let Dag {
        ctx,
        dir,
        file,
        other,
        ..
    } = dag().await;
    told(&ctx, &format!("pin/add?arg={dir}&name=n")).await;
    let row = told(
        &ctx,
        &format!("pin/ls?stream=true&arg={dir}&type=recursive"),
    )
    .await;
    assert_eq!(
        row,
        format!("{{\"Cid\":\"{dir}\",\"Type\":\"recursive\"}}\n")
    );
    let row = told(
        &ctx,
        &format!("pin/ls?arg={file}&arg={dir}&encoding=text&stream&names"),
    )
    .await;
    assert_eq!(
        row,
        format!("{file} indirect through {dir}\n{dir} recursive n\n")
    );
    for (arg, kind) in [
        (&other, "recursive"),
        (&file, "recursive"),
        (&dir, "direct"),
        (&dir, "internal"),
    ] {
        let (text, error) = refused(&ctx, &format!("pin/ls?stream&arg={arg}&type={kind}")).await;
        assert_eq!((&*text, error), ("", format!("path '{arg}' is not pinned")));
    }
    let (_, error) = refused(&ctx, "pin/ls?type=bogus").await;
    assert_eq!(
        error,
        "invalid type 'bogus', must be one of {direct, indirect, recursive, all}"
    );
}

#[tokio::test]
async fn a_pin_is_replaced() {
    let Dag {
        ctx, dir, other, ..
    } = dag().await;
    told(&ctx, &format!("pin/add?arg={dir}&name=n")).await;
    let both = format!("pin/update?arg={dir}&arg={other}");
    let kept = told(&ctx, &format!("{both}&unpin=false")).await;
    assert_eq!(kept, format!("{{\"Pins\":[\"{dir}\",\"{other}\"]}}\n"));
    told(&ctx, &format!("pin/rm?arg={other}")).await;
    let text = told(&ctx, &format!("{both}&encoding=text")).await;
    assert_eq!(text, format!("updated {dir} to {other}\n"));
    let text = told(&ctx, "pin/ls?encoding=text&names&type=recursive").await;
    assert_eq!(text, format!("{other} recursive n\n"));
    let (_, error) = refused(&ctx, &both).await;
    assert_eq!(error, "'from' cid was not recursively pinned already");
    lose(&ctx, &dir.parse().unwrap()).await;
    let (_, error) = refused(&ctx, &format!("pin/update?arg={other}&arg={dir}")).await;
    let missing = format!("block was not found locally (offline): ipld: could not find {dir}");
    assert_eq!(error, format!("get {dir}: {missing}"));
}

#[tokio::test]
async fn broken_pins_are_named_with_what_is_broken() {
    let Dag {
        ctx,
        dir,
        other,
        file,
        ..
    } = dag().await;
    told(&ctx, &format!("pin/add?arg={dir}&arg={other}")).await;
    assert_eq!(told(&ctx, "pin/verify").await, "");
    let good = told(&ctx, "pin/verify?verbose&encoding=text").await;
    assert_eq!(good.lines().count(), 2);
    assert!(good.contains(&format!("{dir} ok\n")));

    lose(&ctx, &file.parse().unwrap()).await;
    let missing = format!("block was not found locally (offline): ipld: could not find {file}");
    let text = told(&ctx, "pin/verify?encoding=text").await;
    assert_eq!(text, format!("{dir} broken\n  {file}: {missing}\n"));
    assert_eq!(
        told(&ctx, "pin/verify?encoding=text&quiet").await,
        format!("{dir}\n")
    );
    let json = told(&ctx, "pin/verify").await;
    let bad = format!(r#"{{"Cid":"{dir}","BadNodes":[{{"Cid":"{file}","Err":"{missing}"}}]}}"#);
    assert_eq!(json, format!("{bad}\n"));
    assert_eq!(
        told(&ctx, "pin/verify?quiet").await,
        format!("{{\"Cid\":\"{dir}\"}}\n")
    );
    let whole = told(&ctx, "pin/verify?verbose").await;
    assert!(
        whole.contains(&format!("{{\"Cid\":\"{other}\",\"Ok\":true}}\n")),
        "{whole}"
    );
    let (_, error) = refused(&ctx, "pin/verify?verbose&quiet").await;
    assert_eq!(
        error,
        "the --verbose and --quiet options can not be used at the same time"
    );
}

#[tokio::test]
async fn what_cannot_be_decoded_is_no_reason_to_stop() {
    let Dag {
        ctx, dir, other, ..
    } = dag().await;
    told(&ctx, &format!("pin/add?arg={dir}&arg={other}")).await;
    corrupt(&ctx, &dir.parse().unwrap()).await;
    let (text, end) = ask(&ctx, "pin/verify?verbose&encoding=text").await;
    assert!(end.is_ok());
    assert!(
        text.contains(&format!("{dir} broken\n")) && text.contains(&format!("{other} ok\n")),
        "{text}"
    );
}

#[tokio::test]
async fn a_damaged_record_is_told_and_the_others_are_checked() {
    let Dag {
        ctx, dir, other, ..
    } = dag().await;
    told(&ctx, &format!("pin/add?arg={dir}&arg={other}")).await;
    let mut batch = basalt::blockstore::Batch::default();
    batch.put(&b"pins/r/\x00"[..], &b"\xff"[..]);
    ctx.node()
        .await
        .unwrap()
        .records()
        .write(batch)
        .await
        .unwrap();
    let text = told(&ctx, "pin/verify?verbose&encoding=text").await;
    assert!(
        text.starts_with("error: the record of a pin is damaged: "),
        "{text}"
    );
    assert!(
        text.contains(&format!("{dir} ok\n")) && text.contains(&format!("{other} ok\n")),
        "{text}"
    );
}
