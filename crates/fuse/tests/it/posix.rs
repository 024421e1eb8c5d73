//! What programs rely on.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::process::Command;

use basalt::ipld::Path;
use basalt::{Node, Pin};

use crate::support::Mounted;

#[tokio::test(flavor = "multi_thread")]
async fn an_open_file_outlives_its_name() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    let node = mounted.node.clone();
    let file = mounted
        .there("mfs/gone", |path| {
            fs::write(&path, vec![7; 600_000]).unwrap();
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .open(&path)
                .unwrap();
            fs::remove_file(&path).unwrap();
            assert!(fs::metadata(&path).is_err());
            assert_eq!(file.metadata().unwrap().len(), 600_000);
            file
        })
        .await;
    node.collect_garbage().await.unwrap();
    mounted
        .there("mfs/gone", move |path| {
            let mut file = file;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, vec![7; 600_000]);
            file.write_all_at(b"still written", 600_000).unwrap();
            file.seek(SeekFrom::Start(600_000)).unwrap();
            let mut end = String::new();
            file.read_to_string(&mut end).unwrap();
            assert_eq!(end, "still written");
            drop(file);
            assert!(!path.exists());
        })
        .await;
    mounted.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_to_a_file_that_moves_is_kept() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    mounted
        .there("mfs", |root| {
            fs::create_dir_all(root.join("a/b")).unwrap();
            let mut file = File::create(root.join("a/b/file")).unwrap();
            file.write_all(b"one ").unwrap();
            fs::rename(root.join("a/b/file"), root.join("a/b/moved")).unwrap();
            file.write_all(b"two ").unwrap();
            fs::rename(root.join("a"), root.join("z")).unwrap();
            file.write_all(b"three").unwrap();
            drop(file);
            let read = fs::read_to_string(root.join("z/b/moved")).unwrap();
            assert_eq!(read, "one two three");
            // One that replaces another which is open: its reader has the old content.
            let mut old = File::open(root.join("z/b/moved")).unwrap();
            fs::write(root.join("new"), b"new").unwrap();
            fs::rename(root.join("new"), root.join("z/b/moved")).unwrap();
            let mut text = String::new();
            old.read_to_string(&mut text).unwrap();
            assert_eq!(text, "one two three");
            assert_eq!(fs::read_to_string(root.join("z/b/moved")).unwrap(), "new");
        })
        .await;
    mounted.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_have_a_file_open_see_the_same() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    mounted
        .there("mfs/shared", |path| {
            let first = File::create(&path).unwrap();
            let second = OpenOptions::new()
                .read(true)
                .write(true)
                .open(&path)
                .unwrap();
            let third = File::open(&path).unwrap();
            first.write_all_at(b"AAAA", 0).unwrap();
            second.write_all_at(b"BB", 2).unwrap();
            let mut read = [0; 4];
            third.read_exact_at(&mut read, 0).unwrap();
            assert_eq!(&read, b"AABB");
            drop(first);
            second.write_all_at(b"CC", 4).unwrap();
            drop(second);
            assert_eq!(fs::read(&path).unwrap(), b"AABBCC");
        })
        .await;
    mounted.end().await;
}

/// A copy of the repo is what a crash would leave.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_closed_or_synced_outlives_a_crash() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    let open = mounted
        .there("mfs", |root| {
            fs::write(root.join("closed"), b"closed").unwrap();
            fs::create_dir(root.join("dir")).unwrap();
            let mut synced = File::create(root.join("dir/synced")).unwrap();
            synced.write_all(b"synced").unwrap();
            synced.sync_all().unwrap();
            synced.write_all(b" and not").unwrap();
            fs::write(root.join("old"), b"was renamed").unwrap();
            fs::rename(root.join("old"), root.join("renamed")).unwrap();
            fs::write(root.join("removed"), b"x").unwrap();
            fs::remove_file(root.join("removed")).unwrap();
            synced
        })
        .await;
    mounted
        .there("ipns/local", |local| {
            fs::write(local.join("page"), b"page").unwrap()
        })
        .await;
    let copy = mounted.at("copy");
    let copied = Command::new("cp")
        .arg("-r")
        .args([&mounted.at("repo"), &copy])
        .status();
    assert!(copied.unwrap().success());
    fs::remove_file(copy.join("repo.lock")).unwrap();
    let again = Node::builder().repo(&copy).open().await.unwrap();
    let files = again.files().unwrap();
    for (path, wanted) in [
        ("/closed", "closed"),
        ("/dir/synced", "synced"),
        ("/renamed", "was renamed"),
    ] {
        let node = files.node(path).await.unwrap();
        let size = node.file_size().unwrap();
        // More of what is still open may be there: the copying program's fork closed it too.
        assert!(size >= wanted.len() as u64, "{path}");
    }
    for path in ["/removed", "/old"] {
        assert!(files.node(path).await.is_err(), "{path}");
    }
    let key = again.require_repo().unwrap().keys().own().unwrap();
    let name = basalt::ipns::Name::of(key.public());
    let page = Path::parse(format!("/ipns/{name}/page")).unwrap();
    again.resolve(&page, true).await.unwrap();
    again.close().await;
    drop(open);
    mounted.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_beside_writing_takes_nothing() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    let node = mounted.node.clone();
    let collecting = tokio::spawn(async move {
        for _ in 0..6 {
            node.collect_garbage().await.unwrap();
        }
    });
    for place in ["mfs", "ipns/local"] {
        mounted
            .there(place, |root| {
                for i in 0..30u8 {
                    let path = root.join(format!("file-{i}"));
                    fs::write(&path, vec![i; 300_000]).unwrap();
                    fs::rename(&path, root.join(format!("kept-{i}"))).unwrap();
                }
            })
            .await;
    }
    collecting.await.unwrap();
    mounted.node.collect_garbage().await.unwrap();
    for place in ["mfs", "ipns/local"] {
        mounted
            .there(place, |root| {
                for i in 0..30u8 {
                    let read = fs::read(root.join(format!("kept-{i}"))).unwrap();
                    assert_eq!(read, vec![i; 300_000]);
                }
            })
            .await;
    }
    mounted.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_entries_are_listed_once_each() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    let count = 3000;
    mounted
        .there("mfs", move |root| {
            for i in 0..count {
                std::os::unix::fs::symlink("x", root.join(format!("entry-{i:05}"))).unwrap();
            }
        })
        .await;
    let root = mounted.node.files().unwrap().flush("/").await.unwrap();
    mounted.node.pin(Pin::recursive(root)).await.unwrap();
    for place in ["mfs".to_owned(), format!("ipfs/{root}")] {
        let names = mounted
            .there(&place, |root| {
                let read = fs::read_dir(root).unwrap();
                let mut names: Vec<_> = read
                    .map(|entry| {
                        let entry = entry.unwrap();
                        assert!(entry.file_type().unwrap().is_symlink());
                        entry.file_name().into_string().unwrap()
                    })
                    .collect();
                names.sort();
                names
            })
            .await;
        let wanted: Vec<_> = (0..count).map(|i| format!("entry-{i:05}")).collect();
        assert_eq!(names, wanted, "{place}");
    }
    mounted.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_programs_work() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    mounted
        .there("mfs", |root| {
            let script = r#"
                set -e
                mkdir -p src/deep
                for i in 1 2 3 4 5; do head -c ${i}0000 /dev/zero | tr '\0' $i > src/deep/$i; done
                ln -s deep/1 src/link
                cp -a src copy
                diff -r src copy
                tar -cf all.tar src
                mkdir out && tar -xf all.tar -C out
                diff -r src out/src
                printf 'a\nb\nc\n' > text
                sed -i s/b/B/ text
                [ "$(cat text | tr -d '\n')" = aBc ]
                printf 'd\n' >> text
                [ "$(wc -l < text)" = 4 ]
                dd if=/dev/zero of=text bs=1 seek=1 count=1 conv=notrunc 2>/dev/null
                [ "$(wc -c < text)" = 8 ]
                mv src moved && [ "$(find moved -type f | wc -l)" = 5 ]
                [ "$(find moved -type l | wc -l)" = 1 ]
                du -s . > /dev/null; df . > /dev/null; test -r text
                rm -r moved copy out
                [ "$(ls -A | wc -l)" = 2 ]
            "#;
            let done = Command::new("bash")
                .args(["-c", script])
                .current_dir(&root)
                .output()
                .unwrap();
            let words = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{words}");
        })
        .await;
    mounted.end().await;
}
