//! Archives to files on disk, and what must not be unpacked.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use basalt_unixfs::{
    FileBuilder, FileOptions, Mtime, Result, Stat, TreeBuilder, TreeOptions,
    tar::{Archive, Extractor, Header, HeaderKind, Member, Packer, Times, archive},
};
use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;

use crate::{content, store};

const THEN: Mtime = Mtime {
    seconds: 1_500_000_000,
    nanos: 123_456_700,
};

fn member(path: &str, kind: HeaderKind, data: &[u8]) -> Vec<u8> {
    let header = Header {
        path: path.into(),
        kind,
        mode: 0o640,
        mtime: THEN,
    };
    let mut out = header.encode(Times::Exact).unwrap();
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn file(path: &str, data: &str) -> Vec<u8> {
    member(path, HeaderKind::File(data.len() as u64), data.as_bytes())
}

fn directory(path: &str) -> Vec<u8> {
    member(path, HeaderKind::Directory, b"")
}

fn link(path: &str, target: &str) -> Vec<u8> {
    member(path, HeaderKind::Symlink(target.into()), b"")
}

fn unpack(members: &[Vec<u8>], output: &Path) -> Result<()> {
    let mut archive = members.concat();
    archive.resize(archive.len() + 1024, 0);
    Extractor::new(output).extract(&archive[..])
}

#[tokio::test]
async fn a_tree_is_unpacked_as_it_was() {
    let (sink, source, _) = store();
    let stat = Stat {
        mode: Some(0o700),
        mtime: Some(THEN),
    };
    let options = TreeOptions {
        stat,
        ..TreeOptions::default()
    };
    let mut tree = TreeBuilder::new(options, sink).unwrap();
    let mut builder = FileBuilder::new(
        FileOptions {
            stat,
            ..FileOptions::default()
        },
        tree.sink(),
    )
    .unwrap();
    builder.write(content(700_000)).await.unwrap();
    let node = builder.finish().await.unwrap();
    let long = format!("sub/{}", "n".repeat(120));
    tree.file(long.as_bytes(), &node).unwrap();
    tree.symlink(b"sub/link", b"nowhere", stat).await.unwrap();
    let tree = tree.finish().await.unwrap();
    let again = source.clone();
    let pieces: Vec<Bytes> = archive(source, tree.root.cid, "root", THEN, Times::Exact)
        .try_collect()
        .await
        .unwrap();

    // The same in small steps, most of them taken back.
    let mut packer = Packer::new(again, tree.root.cid, "root", THEN, Times::Exact);
    let mut whole = Vec::new();
    while let Some(piece) = packer.next().await.unwrap() {
        let taken = piece.len().min(100_000);
        whole.extend_from_slice(&piece[..taken]);
        assert!(packer.rest((piece.len() - taken) as u64));
    }
    assert!(whole == pieces.concat());

    let temp = tempfile::tempdir().unwrap();
    let output = temp.path().join("out");
    let mut written = 0;
    Extractor::new(&output)
        .progress(|n| written += n)
        .extract(&pieces.concat()[..])
        .unwrap();
    assert_eq!(written, 700_000);
    assert_eq!(fs::read(output.join(&long)).unwrap(), content(700_000));
    let found = fs::metadata(output.join(&long)).unwrap();
    assert_eq!(
        (found.permissions().mode() & 0o7777, found.mtime()),
        (0o700, THEN.seconds)
    );
    let root = fs::metadata(&output).unwrap();
    assert_eq!(
        (root.permissions().mode() & 0o7777, root.mtime()),
        (0o700, THEN.seconds)
    );
    let link = output.join("sub/link");
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("nowhere"));
    assert_eq!(fs::symlink_metadata(&link).unwrap().mtime(), THEN.seconds);
    assert_eq!(found.mtime_nsec(), i64::from(THEN.nanos));
}

#[test]
fn a_single_file_goes_where_cp_would_put_it() {
    let temp = tempfile::tempdir().unwrap();
    let output = temp.path().join("out");
    unpack(&[file("name", "one")], &output).unwrap();
    unpack(&[file("name", "two")], &output).unwrap();
    assert_eq!(fs::read_to_string(&output).unwrap(), "two");
    unpack(&[file("name", "three")], temp.path()).unwrap();
    assert_eq!(
        fs::read_to_string(temp.path().join("name")).unwrap(),
        "three"
    );
}

#[test]
fn nothing_leaves_the_output_path() {
    let cases: [(&[Vec<u8>], &str); 10] = [
        (&[], "empty tar file"),
        (
            &[file("a/b", "x")],
            "root name contains multiple components",
        ),
        (&[file("..", "x")], "invalid root path"),
        (&[directory("r"), file("r/../../x", "x")], "path contains"),
        (&[directory("r"), file("/r/x", "x")], "starts with '/'"),
        (&[directory("r"), file("s/x", "x")], "more than one root"),
        (&[directory("r"), file("r", "x")], "more than one root"),
        (
            &[file("r", "x"), file("r/x", "x")],
            "the root was not a directory",
        ),
        (
            &[directory("r"), link("r/l", "/tmp"), file("r/l/x", "x")],
            "cannot traverse symlinks",
        ),
        (
            &[directory("r"), file("r/f", "x"), file("r/f/x", "x")],
            "non-directory",
        ),
    ];
    for (members, error) in cases {
        let temp = tempfile::tempdir().unwrap();
        let found = unpack(members, &temp.path().join("out"))
            .unwrap_err()
            .to_string();
        assert!(found.contains(error), "{error}: {found}");
        assert_eq!(
            fs::read_dir(temp.path())
                .unwrap()
                .filter(|e| e.as_ref().unwrap().file_name() != "out")
                .count(),
            0
        );
    }
}

#[test]
fn a_symlink_is_replaced_and_not_followed() {
    let temp = tempfile::tempdir().unwrap();
    let outside = temp.path().join("outside");
    fs::write(&outside, "untouched").unwrap();
    let output = temp.path().join("out");
    let target = outside.to_str().unwrap();
    unpack(
        &[directory("r"), link("r/x", target), file("r/x", "mine")],
        &output,
    )
    .unwrap();
    assert_eq!(fs::read_to_string(&outside).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(output.join("x")).unwrap(), "mine");
    let looped = temp.path().join("looped");
    std::os::unix::fs::symlink(temp.path(), &looped).unwrap();
    let error = unpack(&[directory("r")], &looped).unwrap_err().to_string();
    assert_eq!(error, "cannot extract to symlink");
}

proptest! {
    #[test]
    fn headers_come_back(
        path in "[a-zé]{1,3}(/[a-z]{1,60}){0,6}",
        target in prop::option::of("[a-zü]{1,130}"),
        mode in 0u32..0o10000,
        seconds in any::<i32>(),
        nanos in prop_oneof![Just(0u32), 0..1_000_000_000u32],
    ) {
        let kind = match target {
            Some(target) => HeaderKind::Symlink(target.into()),
            None => HeaderKind::Directory,
        };
        let mtime = Mtime { seconds: seconds.into(), nanos };
        let header = Header { path: path.into(), kind, mode, mtime };
        let mut archive = Archive::new(std::io::Cursor::new(header.encode(Times::Exact).unwrap()));
        prop_assert_eq!(archive.next_member().unwrap(), Some(Member::Known(header)));
        prop_assert_eq!(archive.next_member().unwrap(), None);
    }

    #[test]
    fn any_archive_is_survived(
        mut bytes in prop::collection::vec(any::<u8>(), 0..3000),
        fix in any::<bool>(),
    ) {
        if fix && bytes.len() >= 512 {
            bytes[148..156].fill(b' ');
            let sum: u64 = bytes[..512].iter().map(|b| u64::from(*b)).sum();
            bytes[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
            bytes[154] = 0;
        }
        let mut archive = Archive::new(&bytes[..]);
        for _ in 0..10 {
            if !matches!(archive.next_member(), Ok(Some(_))) {
                break;
            }
        }
    }
}
