//! Commands run through the table, as the RPC runs them, on a node in memory.

use std::path::PathBuf;
use std::sync::Arc;

use basalt::block::{Block, Hasher, codec};
use basalt::{Cid, Node};
use basalt_commands::{Context, Encoding, Error, Frame, Meta, Reply, Request, parse};
use tokio_util::sync::CancellationToken;

/// A process whose node lives in memory.
pub(crate) async fn process() -> Context {
    of(Node::builder().open().await.unwrap())
}

/// A process of this node.
pub(crate) fn of(node: Node) -> Context {
    Context::daemon(PathBuf::from("/repo"), None, node, CancellationToken::new())
}

/// Puts a raw block.
pub(crate) async fn leaf(ctx: &Context, text: &str) -> Cid {
    put(ctx, codec::RAW, text.as_bytes().to_vec()).await
}

/// Puts a dag-pb block whose links have these names.
pub(crate) async fn node(ctx: &Context, links: &[(&str, Cid)]) -> Cid {
    let mut data = Vec::new();
    for (name, cid) in links {
        let cid = cid.to_bytes();
        let mut link = vec![0x0a, u8::try_from(cid.len()).unwrap()];
        link.extend(cid);
        link.extend([0x12, u8::try_from(name.len()).unwrap()]);
        link.extend(name.as_bytes());
        data.extend([0x12, u8::try_from(link.len()).unwrap()]);
        data.extend(link);
    }
    put(ctx, codec::DAG_PB, data).await
}

async fn put(ctx: &Context, codec: u64, data: Vec<u8>) -> Cid {
    let block = Block::hash(1, codec, Hasher::SHA2_256, data.into()).unwrap();
    let cid = *block.cid();
    ctx.node()
        .await
        .unwrap()
        .blocks()
        .put_many(vec![block])
        .await
        .unwrap();
    cid
}

/// Removes blocks behind the back of the pins.
pub(crate) async fn lose(ctx: &Context, cid: &Cid) {
    let store = ctx.node().await.unwrap().blocks().store().clone();
    store.delete_many(&[*cid.hash()]).await.unwrap();
}

/// Keeps wrong bytes under the name of a block.
pub(crate) async fn corrupt(ctx: &Context, cid: &Cid) {
    lose(ctx, cid).await;
    let store = ctx.node().await.unwrap().blocks().store().clone();
    store
        .put_many(vec![Block::unchecked(*cid, "wrong".into())])
        .await
        .unwrap();
}

/// Runs `path?query` to its end: what it wrote, and how it ended. `encoding=text` asks for text.
pub(crate) async fn ask(ctx: &Context, call: &str) -> (String, Result<(), Error>) {
    let (path, query) = call.split_once('?').unwrap_or((call, ""));
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "true")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let request = parse::rpc(path, &pairs, None).unwrap();
    answered(ctx, request).await
}

/// Runs a command that must succeed.
pub(crate) async fn told(ctx: &Context, call: &str) -> String {
    let (text, end) = ask(ctx, call).await;
    assert!(end.is_ok(), "{call}: {end:?} after {text}");
    text
}

/// Runs a command that must fail, and says what it wrote and its error.
pub(crate) async fn refused(ctx: &Context, call: &str) -> (String, String) {
    let (text, end) = ask(ctx, call).await;
    (text, end.expect_err(call).message)
}

/// Runs a request to its end: what it wrote, and how it ended.
pub(crate) async fn answered(ctx: &Context, request: Request) -> (String, Result<(), Error>) {
    let Request { entry, meta, files } = request;
    let encoding = match meta.globals.encoding.as_deref() {
        Some("text") => Encoding::Text,
        _ => Encoding::Json,
    };
    let mut encoder = entry.encoder(&meta, encoding);
    let mut reply: Reply = entry.call(
        ctx.clone(),
        Request {
            entry,
            meta: meta.clone(),
            files,
        },
    );
    let mut out = Vec::new();
    let end = loop {
        match reply.next().await {
            Ok(None) => break encoder.end(&mut out),
            Ok(Some(Frame::Event(event) | Frame::Single(event))) => {
                let from = out.len();
                if let Err(error) = encoder.event(event, &mut out) {
                    break Err(error);
                }
                if encoding == Encoding::Json {
                    comes_back(entry, &meta, &out[from..]);
                }
            }
            Ok(Some(Frame::Bytes(bytes))) => out.extend_from_slice(&bytes),
            Ok(Some(_)) => {}
            Err(error) => break Err(error),
        }
    };
    (String::from_utf8(out).unwrap(), end)
}

/// A client reads every event as it was sent.
fn comes_back(entry: &'static dyn basalt_commands::Entry, meta: &Arc<Meta>, json: &[u8]) {
    let event = entry.decode(json).unwrap();
    let mut again = Vec::new();
    entry
        .encoder(meta, Encoding::Json)
        .event(event, &mut again)
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&again),
        String::from_utf8_lossy(json)
    );
}
