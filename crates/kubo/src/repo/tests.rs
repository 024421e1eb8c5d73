//! Repositories of older versions, made by hand from the facts of their formats.

use std::fs;
use std::path::Path;

use basalt_block::{Cid, codec};
use multibase::Base;

use super::*;
use crate::Found;
use crate::leveldb::tests::database;

const SPEC: &str = r#"{"mounts":[{"mountpoint":"/blocks","path":"blocks","shardFunc":"/repo/flatfs/shard/v1/next-to-last/2","type":"flatfs"},{"mountpoint":"/","path":"datastore","type":"levelds"}],"type":"mount"}"#;

fn cids() -> (Cid, Cid) {
    let v0: Cid = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
        .parse()
        .unwrap();
    (v0, Cid::new_v1(codec::DAG_CBOR, *v0.hash()))
}

fn pin(cid: &Cid, mode: u8) -> Vec<u8> {
    let bytes = cid.to_bytes();
    let head = [b"\xa2\x63cid\x58".as_slice(), &[bytes.len() as u8]].concat();
    [&head, bytes.as_slice(), b"\x64mode", &[mode]].concat()
}

/// A repository of that version, whose blocks are called as it calls them.
fn make(dir: &Path, version: i64) {
    let (v0, v1) = cids();
    fs::write(dir.join("version"), format!("{version}\n")).unwrap();
    fs::write(dir.join("config"), "{}").unwrap();
    fs::write(dir.join("datastore_spec"), SPEC).unwrap();
    let blocks = dir.join("blocks");
    fs::create_dir_all(blocks.join("XX")).unwrap();
    fs::write(
        blocks.join("SHARDING"),
        "/repo/flatfs/shard/v1/next-to-last/2\n",
    )
    .unwrap();
    // Before version 12 a block was called by its CID.
    let bytes = if version < 12 {
        v1.to_bytes()
    } else {
        v1.hash().to_bytes()
    };
    let name = Base::Base32Upper.encode(bytes);
    fs::write(blocks.join("XX").join(format!("{name}.data")), "x").unwrap();
    fs::write(blocks.join("XX/put-123"), "half").unwrap();
    fs::write(blocks.join("XX/odd.data"), "x").unwrap();
    fs::create_dir(dir.join("datastore")).unwrap();
    let peer = Base::Base32Upper.encode(b"peer");
    database(
        &dir.join("datastore"),
        &[
            ("/ipns/!", Vec::new()),
            (&format!("/ipns/{peer}"), b"record".to_vec()),
            ("/local/filesroot", v0.to_bytes()),
            ("/pins/index/cidRindex/x", Vec::new()),
            ("/pins/pin/1", pin(&v1, 0)),
            ("/pins/pin/2", b"no pin".to_vec()),
            ("/pins/pin/3", pin(&v0, 1)),
            ("/pins/state/dirty", vec![0]),
        ],
    );
}

#[test]
fn every_version_is_read() {
    let (v0, v1) = cids();
    for version in OLDEST..=NEWEST {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), version);
        let repo = KuboRepo::open(dir.path()).unwrap();
        assert_eq!(repo.version(), version);
        let (mut files, mut strange) = (Vec::new(), 0);
        for part in repo.blocks().unwrap().parts().unwrap() {
            for found in part.read().unwrap() {
                match found.unwrap() {
                    Found::File(hash, _) => files.push(hash),
                    Found::Strange(what) => strange += u32::from(what.ends_with("XX/odd.data")),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!((files, strange), (vec![*v1.hash()], 1));
        let pins: Vec<_> = repo.pins().unwrap().collect();
        let recursive = pins[0].as_ref().unwrap();
        assert_eq!((recursive.cid, recursive.recursive), (v1, true));
        assert!(matches!(&pins[1], Err(Error::BadPin(name, _)) if name == "/pins/pin/2"));
        assert_eq!(pins[2].as_ref().unwrap().cid, v0);
        assert_eq!(pins.len(), 3);
        assert_eq!(repo.files_root().unwrap(), Some(v0));
        let records: Vec<_> = repo.ipns_records().unwrap().map(Result::unwrap).collect();
        assert_eq!(records, [(b"peer".to_vec(), b"record".to_vec())]);
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let error = || KuboRepo::open(dir.path()).err().unwrap().to_string();
    assert!(error().contains("it has no file 'config'"), "{}", error());
    make(dir.path(), 18);
    for (version, told) in [
        ("10", "ipfs repo migrate"),
        ("19", "a newer Basalt"),
        ("x", "no number"),
    ] {
        fs::write(dir.path().join("version"), version).unwrap();
        assert!(error().contains(told), "{}", error());
    }
    fs::write(dir.path().join("version"), "18").unwrap();
    let spec = dir.path().join("datastore_spec");
    fs::write(&spec, r#"{"path":"basalt","type":"rocksdb"}"#).unwrap();
    assert!(error().contains("repo of Basalt's"), "{}", error());
    fs::write(&spec, r#"{"path":"badgerds","type":"badgerds"}"#).unwrap();
    let repo = KuboRepo::open(dir.path()).unwrap();
    let error = repo.blocks().err().unwrap().to_string();
    assert!(
        error.contains("badgerds") && error.contains("--from-api"),
        "{error}"
    );
}

/// Blocks in leveldb, as a repository may be set up by hand.
#[test]
fn blocks_in_leveldb() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), 18);
    let spec = r#"{"path":"level","type":"levelds"}"#;
    fs::write(dir.path().join("datastore_spec"), spec).unwrap();
    fs::create_dir(dir.path().join("level")).unwrap();
    let (v0, _) = cids();
    let name = Base::Base32Upper.encode(v0.hash().to_bytes());
    let key = format!("/blocks/{name}");
    database(
        &dir.path().join("level"),
        &[
            ("/blocks/no", vec![1]),
            (&key, b"data".to_vec()),
            ("/blockz", vec![]),
        ],
    );
    let repo = KuboRepo::open(dir.path()).unwrap();
    let parts = repo.blocks().unwrap().parts().unwrap();
    let found: Vec<_> = parts[0].read().unwrap().map(Result::unwrap).collect();
    assert!(
        matches!(&found[..], [Found::Bytes(hash, data, _), Found::Strange(_)] if hash == v0.hash() && data == b"data")
            || matches!(&found[..], [Found::Strange(_), Found::Bytes(..)]),
        "{found:?}"
    );
    assert_eq!(found.len(), 2);
}
