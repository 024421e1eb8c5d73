use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use basalt_block::{Hasher, Multihash, codec};
use basalt_blockstore::MemoryStore;
use bytes::Bytes;

use super::*;
use crate::Sought;

fn raw(data: &str) -> Block {
    let data = Bytes::copy_from_slice(data.as_bytes());
    Block::hash(1, codec::RAW, Hasher::SHA2_256, data).unwrap()
}

/// Has some blocks, lies about some, and knows nothing of the rest.
#[derive(Default)]
struct Peer {
    has: HashMap<Multihash, Bytes>,
    asked: AtomicUsize,
    told: Mutex<Vec<Cid>>,
}

#[async_trait]
impl Exchange for Peer {
    fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, Event> {
        self.asked.fetch_add(cids.len(), Ordering::Relaxed);
        let events: Vec<Event> = cids
            .into_iter()
            .rev()
            .filter_map(|cid| {
                let data = self.has.get(cid.hash())?.clone();
                Some(Event::Block(Block::unchecked(cid, data)))
            })
            .collect();
        stream::iter(events).boxed()
    }

    async fn notify(&self, cids: &[Cid]) {
        self.told.lock().unwrap().extend(cids);
    }
}

fn with_peer(blocks: &[(&Block, &str)]) -> (BlockService, Arc<Peer>) {
    let mut peer = Peer::default();
    for (block, data) in blocks {
        let data = Bytes::copy_from_slice(data.as_bytes());
        peer.has.insert(*block.multihash(), data);
    }
    let peer = Arc::new(peer);
    let store = Arc::new(MemoryStore::default());
    (BlockService::new(store, peer.clone()), peer)
}

#[tokio::test]
async fn what_is_fetched_is_kept_and_announced_once() {
    let a = raw("a");
    let (service, peer) = with_peer(&[(&a, "a")]);
    assert_eq!(service.get(a.cid()).await.unwrap(), a);
    assert_eq!(service.get(a.cid()).await.unwrap(), a);
    assert_eq!(service.stat(a.cid()).await.unwrap().size, 1);
    assert_eq!(peer.asked.load(Ordering::Relaxed), 1);
    assert_eq!(*peer.told.lock().unwrap(), [*a.cid()]);
    assert!(service.offline().get(a.cid()).await.is_ok());
}

#[tokio::test]
async fn a_lie_is_refused_and_not_kept() {
    let a = raw("a");
    let (service, _) = with_peer(&[(&a, "b")]);
    let error = service.get(a.cid()).await.unwrap_err();
    assert!(matches!(
        error,
        Error::Block(basalt_block::Error::Mismatch(..))
    ));
    assert_eq!(service.stat_local(&[*a.cid()]).await.unwrap(), [None]);
}

#[tokio::test]
async fn what_nobody_has_is_named_in_kubos_words() {
    let a = raw("hello");
    let (service, _) = with_peer(&[]);
    let cid = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq";
    let error = service.get(a.cid()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("ipld: could not find {cid}"));
    let error = service.offline().get(a.cid()).await.unwrap_err();
    let text = "block was not found locally (offline): ipld: could not find";
    assert_eq!(error.to_string(), format!("{text} {cid}"));
    assert_eq!(error.missing(), Some(a.cid()));
    assert!(service.offline().stat(a.cid()).await.is_err());
}

#[tokio::test]
async fn identity_cids_need_no_store_and_weak_cids_get_no_answer() {
    let (service, peer) = with_peer(&[]);
    let inline = Block::hash(1, codec::RAW, Hasher::IDENTITY, "in the name".into()).unwrap();
    assert_eq!(service.get(inline.cid()).await.unwrap(), inline);
    assert_eq!(service.stat(inline.cid()).await.unwrap().size, 11);
    service.put_many(vec![inline.clone()]).await.unwrap();
    assert_eq!(service.store().usage().blocks, 0);

    let weak = Cid::new_v1(codec::RAW, Multihash::wrap(0xd5, &[0; 16]).unwrap());
    let error = service.get(&weak).await.unwrap_err().to_string();
    assert_eq!(error, "potentially insecure hash functions not allowed");
    let short = Cid::new_v1(codec::RAW, Multihash::wrap(0x12, &[0; 16]).unwrap());
    let error = service.get_many(&[short]).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "digest too small: sha2-256 digest got 16 bytes, minimum 20"
    );
    let put = service
        .put_many(vec![Block::unchecked(short, Bytes::new())])
        .await;
    assert!(put.is_err());
    assert_eq!(peer.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn many_come_in_order_or_as_they_are_found() {
    let blocks: Vec<Block> = (0..200).map(|i| raw(&format!("block {i}"))).collect();
    let texts: Vec<String> = (0..200).map(|i| format!("block {i}")).collect();
    let far: Vec<(&Block, &str)> = blocks
        .iter()
        .zip(&texts)
        .map(|(b, t)| (b, t.as_str()))
        .filter(|(b, _)| b.multihash().digest()[0] % 2 == 0)
        .collect();
    let (service, peer) = with_peer(&far);
    let near = blocks.iter().filter(|b| b.multihash().digest()[0] % 2 == 1);
    service.put_many(near.cloned().collect()).await.unwrap();

    let mut cids: Vec<Cid> = blocks.iter().map(|b| *b.cid()).collect();
    let streamed: Vec<Block> = service.stream(cids.clone()).try_collect().await.unwrap();
    assert_eq!(streamed.len(), 200);
    assert_eq!(peer.asked.load(Ordering::Relaxed), far.len());
    let names: HashSet<Cid> = streamed.iter().map(|b| *b.cid()).collect();
    assert_eq!(names.len(), 200);

    // Twice in one request, and by another codec.
    cids.push(cids[0]);
    cids.push(Cid::new_v1(codec::DAG_PB, *cids[0].hash()));
    let got = service.get_many(&cids).await.unwrap();
    assert_eq!(got[..200], blocks[..]);
    assert_eq!(*got[201].cid(), cids[201]);

    let missing = raw("nobody has this");
    cids.insert(3, *missing.cid());
    let error = service.get_many(&cids).await.unwrap_err();
    assert_eq!(error.missing(), Some(missing.cid()));
    let ended: Vec<_> = service.stream(cids).collect().await;
    assert!(ended.last().unwrap().is_err());
    assert_eq!(ended.len(), 203);
}

#[tokio::test]
async fn hash_on_read_finds_wrong_bytes_in_the_store() {
    let a = raw("a");
    let store = Arc::new(MemoryStore::default());
    let wrong = Block::unchecked(*a.cid(), "not a".into());
    store.put_many(vec![wrong]).await.unwrap();
    let service = BlockService::local(store);
    assert!(service.get(a.cid()).await.is_ok());
    let service = service.hash_on_read(true);
    let error = service.get(a.cid()).await.unwrap_err().to_string();
    assert!(error.contains(&a.cid().to_string()), "{error}");
    assert!(error.contains("different hash than requested"), "{error}");
    assert!(
        service
            .stream(vec![*a.cid()])
            .next()
            .await
            .unwrap()
            .is_err()
    );
}

#[tokio::test]
async fn who_waits_is_told_what_for() {
    struct Slow(Block);
    impl Exchange for Slow {
        fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, Event> {
            let since = std::time::Duration::from_secs(3);
            let waiting = Waiting {
                cid: cids[0],
                asked: 2,
                peers: vec!["a".into(), "b".into()],
                since,
                sought: Sought::default(),
            };
            stream::iter([Event::Waiting(waiting), Event::Block(self.0.clone())]).boxed()
        }
    }
    let a = raw("a");
    let seen: Arc<Mutex<Vec<Waiting>>> = Arc::default();
    let sink = seen.clone();
    let store = Arc::new(MemoryStore::default());
    let service = BlockService::new(store, Arc::new(Slow(a.clone())))
        .observed(Arc::new(move |w| sink.lock().unwrap().push(w.clone())));
    assert_eq!(service.get(a.cid()).await.unwrap(), a);
    assert_eq!(seen.lock().unwrap()[0].asked, 2);
}

#[tokio::test]
async fn what_is_set_later_is_asked_from_then_on() {
    let a = raw("a");
    let late = Arc::new(crate::Late::default());
    let store: Arc<dyn Blockstore> = Arc::new(MemoryStore::default());
    let told = crate::Announced::new(store, late.clone());
    let service = BlockService::new(Arc::new(told), late.clone());
    assert!(!service.exchange().is_online());
    let error = service.session().get(a.cid()).await.unwrap_err();
    assert!(matches!(error, Error::NotFoundOffline(_)));

    let mut peer = Peer::default();
    peer.has.insert(*a.multihash(), a.data().clone());
    let peer = Arc::new(peer);
    late.set(peer.clone());
    assert!(service.exchange().is_online());
    let b = raw("b");
    service.store().put_many(vec![b.clone()]).await.unwrap();
    assert_eq!(
        *peer.told.lock().unwrap(),
        [*b.cid()],
        "by whatever way it came"
    );
    assert_eq!(service.session().get(a.cid()).await.unwrap(), a);
}

#[tokio::test]
async fn what_is_fetched_ahead_is_kept() {
    let (a, missing) = (raw("a"), raw("nobody has this"));
    let (service, _) = with_peer(&[(&a, "a")]);
    let weak = Cid::new_v1(codec::RAW, Multihash::wrap(0xd5, &[0; 16]).unwrap());
    let coming = service.prefetch(vec![weak, *missing.cid(), *a.cid()]);
    while service.stat_local(&[*a.cid()]).await.unwrap() == [None] {
        tokio::task::yield_now().await;
    }
    drop(coming);
}

#[tokio::test]
async fn each_of_many_is_answered_once_whatever_becomes_of_the_others() {
    let [here, a, b, lie, nobody] = ["here", "a", "b", "lie", "nobody"].map(raw);
    let (service, peer) = with_peer(&[(&a, "a"), (&b, "b"), (&lie, "truth")]);
    service.put_many(vec![here.clone()]).await.unwrap();
    let inline = Cid::new_v1(codec::RAW, Hasher::IDENTITY.digest(b"inline").unwrap());
    let weak = Cid::new_v1(codec::RAW, Multihash::wrap(0x12, &[1, 2, 3]).unwrap());
    let wanted = [&here, &a, &b, &lie, &nobody].map(|block| *block.cid());
    let mut wanted = wanted.to_vec();
    wanted.extend([inline, weak]);
    let answers: HashMap<Cid, Result<Block>> = service.each(wanted.clone()).collect().await;
    assert_eq!(answers.len(), wanted.len());
    for block in [&here, &a, &b] {
        assert_eq!(answers[block.cid()].as_ref().unwrap(), block);
    }
    assert_eq!(answers[&inline].as_ref().unwrap().data(), "inline");
    for cid in [lie.cid(), nobody.cid(), &weak] {
        assert!(answers[cid].is_err(), "{cid}");
    }
    assert_eq!(peer.asked.load(Ordering::Relaxed), 4);
    // What came is kept, what was a lie is not.
    let fetched = [*a.cid(), *b.cid(), *lie.cid()];
    let kept = service.stat_local(&fetched).await.unwrap();
    let kept: Vec<bool> = kept.iter().map(Option::is_some).collect();
    assert_eq!(kept, [true, true, false]);
}
