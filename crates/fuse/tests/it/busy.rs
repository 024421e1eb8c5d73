//! Mounts that are in use when they end.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use crate::support::Mounted;

/// Longer than this, and a daemon would be killed by whoever stops it.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_is_unmounted_and_kept() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    let file = mounted
        .there("mfs/open", |path| {
            let mut file = File::create(path).unwrap();
            file.write_all(b"not closed").unwrap();
            file
        })
        .await;
    let began = Instant::now();
    mounted.mounts.unmount().await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(fs::read_dir(mounted.at("mfs")).unwrap().count(), 0);
    let files = mounted.node.files().unwrap();
    let node = files.node("/open").await.unwrap();
    assert_eq!(node.file_size().unwrap(), 10);
    drop(file);
    mounted.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mounting_again_is_mounting_anew() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    assert!(mounted.mounts.has_names());
    mounted
        .there("mfs/kept", |path| fs::write(path, b"kept").unwrap())
        .await;
    for _ in 0..3 {
        mounted.mounts.mount(&mounted.points()).await.unwrap();
        let read = mounted
            .there("mfs/kept", |path| fs::read(path).unwrap())
            .await;
        assert_eq!(read, b"kept");
    }
    mounted.mounts.unmount().await;
    assert!(!mounted.mounts.has_names());
    mounted.end().await;
}

/// Somebody else unmounts: publishing by hand is allowed again, and the end is an orderly one.
#[tokio::test(flavor = "multi_thread")]
async fn unmounting_from_outside_is_noticed() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    mounted
        .there("ipns", |path| nix::mount::umount(&path).unwrap())
        .await;
    let began = Instant::now();
    while mounted.mounts.has_names() {
        assert!(began.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    mounted.end().await;
}

/// Work on the mounts by many threads while they end.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_work() {
    let Some(mounted) = Mounted::new().await else {
        return;
    };
    let workers: Vec<_> = (0..8)
        .map(|i| {
            let root = mounted.at("mfs");
            std::thread::spawn(move || {
                for round in 0..1000 {
                    let path = root.join(format!("{i}-{}", round % 7));
                    if fs::write(&path, vec![i; 200_000]).is_err() || fs::read(&path).is_err() {
                        break;
                    }
                    if !root.join("0-0").exists() {
                        break;
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    mounted.mounts.close().await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    // They go on in the empty folder, until they notice.
    tokio::task::spawn_blocking(move || {
        for worker in workers {
            worker.join().unwrap();
        }
    })
    .await
    .unwrap();
    for entry in fs::read_dir(mounted.at("mfs")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    mounted.end().await;
}
