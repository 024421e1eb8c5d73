//! Folders that can be mounted on, and others.

use std::fs;
use std::os::fd::AsRawFd;

use basalt_fuse::Points;

use crate::support::{Mounted, missing};

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_mounted_on_is_named_and_nothing_stays() {
    if missing().is_some() {
        return;
    }
    let mounted = Mounted::unmounted().await;
    fs::write(mounted.at("file"), b"").unwrap();
    for (name, why) in [
        ("none", "no such file or directory"),
        ("file", "not a directory"),
    ] {
        for which in 0..3 {
            let mut points = mounted.points();
            let point = mounted.at(name).to_string_lossy().into_owned();
            match which {
                0 => points.ipfs = point.clone(),
                1 => points.ipns = point.clone(),
                _ => points.mfs = point.clone(),
            }
            let error = mounted.mounts.mount(&points).await.unwrap_err();
            assert_eq!(error.to_string(), format!("mounting {point}: {why}"));
        }
    }
    mounted.end().await;
}

/// The device is closed without unmounting, as when the program is killed.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_program_left_is_mounted_over() {
    if missing().is_some() {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        println!("NOT RUN: only root mounts by itself");
        return;
    }
    let mounted = Mounted::unmounted().await;
    for name in ["ipfs", "mfs", "mfs"] {
        let device = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .unwrap();
        let options = format!(
            "fd={},rootmode=40000,user_id=0,group_id=0",
            device.as_raw_fd()
        );
        let flags = nix::mount::MsFlags::empty();
        let point = mounted.at(name);
        // The second time the folder is stale already, so that the kernel refuses.
        let _ = nix::mount::mount(Some("dead"), &point, Some("fuse"), flags, Some(&*options));
    }
    assert!(fs::metadata(mounted.at("ipfs")).is_err());
    let points = mounted.points();
    points.check().unwrap();
    mounted.mounts.mount(&points).await.unwrap();
    mounted
        .there("mfs/file", |path| fs::write(path, b"works").unwrap())
        .await;
    mounted.end().await;
}

#[test]
fn folders_are_checked_in_the_words_of_kubo() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().to_string_lossy().into_owned();
    let points = |ipfs: &str, mfs: &str| Points {
        ipfs: ipfs.to_owned(),
        ipns: there.clone(),
        mfs: mfs.to_owned(),
    };
    let said = |points: Points| points.check().unwrap_err().to_string();
    assert!(points(&there, &there).check().is_ok());
    assert_eq!(said(points("", &there)), "Mounts.IPFS path cannot be empty");
    assert_eq!(
        said(points(&there, "/no/such")),
        "Mounts.MFS path (\"/no/such\") does not exist: stat /no/such: no such file or directory"
    );
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let file = file.to_string_lossy();
    assert_eq!(
        said(points(&file, &there)),
        format!("Mounts.IPFS path (\"{file}\") is not a directory")
    );
}
