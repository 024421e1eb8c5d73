//! The steps, in their order: later ones work on what earlier ones made.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use nix::libc;

use super::probe::{
    age, digest, done, error, link, list, read, set_xattr, stat, xattr, xattr_within, xattrs,
};
use super::{Given, Side};

/// Bytes that differ from place to place.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

struct Steps<'a> {
    side: &'a Side,
    loud: bool,
    given: Given,
}

impl Steps<'_> {
    fn say(&mut self, name: &str, text: impl Into<String>) {
        let text = text.into();
        if self.loud {
            println!("{name}: {text}");
        }
        self.given.push((name.to_owned(), text));
    }

    /// What a command says.
    fn cli(&mut self, name: &str, args: &[&str]) {
        let told = self.side.told(args);
        self.say(name, told);
    }
}

/// Everything, on the mounts of `side`; `loud` prints each as it comes.
pub(crate) fn all(side: &Side, loud: bool) -> Given {
    let mut steps = Steps {
        side,
        loud,
        given: Vec::new(),
    };
    if let Err(error) = ipfs(&mut steps) {
        steps.say("ipfs: broke off", format!("{error:#}"));
    }
    mfs(&mut steps);
    ipns(&mut steps);
    steps.given
}

fn ipfs(s: &mut Steps<'_>) -> anyhow::Result<()> {
    let side = s.side;
    let tree = side.at("work/tree");
    fs::create_dir_all(tree.join("sub"))?;
    fs::write(tree.join("small"), b"hello mounts\n")?;
    fs::write(tree.join("big"), bytes(700_000))?;
    fs::write(tree.join("empty"), b"")?;
    fs::write(tree.join("sub/inner"), b"inner")?;
    symlink("small", tree.join("link"))?;
    symlink("../nowhere", tree.join("dangling"))?;
    let cid = side.run(&["add", "-rQ", "../work/tree"])?;
    let kept = side.at("work/kept");
    fs::create_dir_all(&kept)?;
    fs::write(kept.join("script"), b"#!/bin/sh\n")?;
    fs::set_permissions(kept.join("script"), fs::Permissions::from_mode(0o751))?;
    let when = UNIX_EPOCH + Duration::new(1_600_000_000, 123_456_789);
    File::open(kept.join("script"))?.set_modified(when)?;
    File::open(&kept)?.set_modified(when)?;
    let kept_cid = side.run(&[
        "add",
        "-rQ",
        "--preserve-mode",
        "--preserve-mtime",
        "../work/kept",
    ])?;
    s.say("setup: tree", cid.clone());
    let raw = side.run(&["add", "-Q", "--raw-leaves", "../work/tree/small"])?;
    let sharded = {
        let many = side.at("work/many");
        fs::create_dir_all(&many)?;
        for i in 0..40 {
            fs::write(many.join(format!("file-{i}")), format!("{i}"))?;
        }
        side.run(&["config", "Import.UnixFSHAMTDirectorySizeThreshold", "1B"])?;
        let cid = side.run(&["add", "-rQ", "../work/many"])?;
        side.run(&[
            "config",
            "Import.UnixFSHAMTDirectorySizeThreshold",
            "256KiB",
        ])?;
        cid
    };
    fs::write(side.at("work/value.json"), b"{\"a\":1}")?;
    let value = side.run(&["dag", "put", "../work/value.json"])?;
    let ipfs = side.at("ipfs");
    s.say("ipfs: stat of the root", stat(&ipfs));
    s.say("ipfs: list the root", list(&ipfs));
    s.say("ipfs: nonsense", stat(&ipfs.join("nonsense")));
    s.say("ipfs: .hidden", stat(&ipfs.join(".hidden")));
    s.say("ipfs: xattr of the root", xattr(&ipfs, "ipfs.cid"));
    s.say("ipfs: xattrs of the root", xattrs(&ipfs));
    let root = ipfs.join(&cid);
    s.say("ipfs: list", list(&root));
    s.say("ipfs: list again", list(&root));
    for name in [
        "",
        "small",
        "big",
        "empty",
        "sub",
        "sub/inner",
        "link",
        "dangling",
        "none",
        "small/x",
    ] {
        let path = root.join(name);
        s.say(&format!("ipfs: stat {name:?}"), stat(&path));
        s.say(&format!("ipfs: xattr {name:?}"), xattr(&path, "ipfs.cid"));
    }
    s.say("ipfs: read small", read(&root.join("small")));
    s.say("ipfs: read big", read(&root.join("big")));
    s.say("ipfs: read empty", read(&root.join("empty")));
    s.say("ipfs: read through a link", read(&root.join("link")));
    s.say("ipfs: read a directory", read(&root.join("sub")));
    s.say("ipfs: readlink", link(&root.join("link")));
    s.say("ipfs: readlink of a file", link(&root.join("small")));
    s.say("ipfs: a range", range(&root.join("big"), 262_100, 200));
    s.say(
        "ipfs: a range at the end",
        range(&root.join("big"), 699_990, 200),
    );
    s.say(
        "ipfs: a range behind the end",
        range(&root.join("big"), 800_000, 10),
    );
    s.say("ipfs: sharded", list(&ipfs.join(&sharded)));
    s.say(
        "ipfs: sharded, one",
        read(&ipfs.join(&sharded).join("file-17")),
    );
    s.say(
        "ipfs: sharded, none",
        read(&ipfs.join(&sharded).join("file-170")),
    );
    s.say("ipfs: raw block", stat(&ipfs.join(&raw)));
    s.say("ipfs: raw block read", read(&ipfs.join(&raw)));
    s.say("ipfs: dag-cbor", stat(&ipfs.join(&value)));
    s.say("ipfs: identity", read(&ipfs.join("bafkqablimvwgy3y")));
    s.say(
        "ipfs: stored mode and time",
        stat(&ipfs.join(&kept_cid).join("script")),
    );
    s.say("ipfs: stored, directory", stat(&ipfs.join(&kept_cid)));
    let upper = side.run(&["cid", "format", "-v=1", "-b=base16", &cid])?;
    s.say("ipfs: by another base", list(&ipfs.join(upper)));
    s.say(
        "ipfs: write into the root",
        done(fs::write(ipfs.join("new"), b"x")),
    );
    s.say(
        "ipfs: write a new file",
        done(fs::write(root.join("new"), b"x")),
    );
    s.say(
        "ipfs: overwrite",
        done(OpenOptions::new().write(true).open(root.join("small"))),
    );
    s.say(
        "ipfs: truncate",
        done(
            OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(root.join("small")),
        ),
    );
    s.say("ipfs: mkdir", done(fs::create_dir(root.join("d"))));
    s.say(
        "ipfs: mkdir in the root",
        done(fs::create_dir(ipfs.join("d"))),
    );
    s.say("ipfs: remove", done(fs::remove_file(root.join("small"))));
    s.say("ipfs: rmdir", done(fs::remove_dir(root.join("sub"))));
    s.say(
        "ipfs: rename",
        done(fs::rename(root.join("small"), root.join("other"))),
    );
    s.say("ipfs: symlink", done(symlink("x", root.join("s"))));
    s.say(
        "ipfs: chmod",
        done(fs::set_permissions(
            root.join("small"),
            fs::Permissions::from_mode(0o600),
        )),
    );
    s.say("ipfs: set xattr", set_xattr(&root.join("small"), "user.x"));
    s.say("ipfs: another xattr", xattr(&root.join("small"), "user.x"));
    s.say("ipfs: old xattr", xattr(&root.join("small"), "ipfs_cid"));
    s.say(
        "ipfs: size of the xattr",
        xattr_within(&root.join("small"), "ipfs.cid", 0),
    );
    s.say(
        "ipfs: no room for the xattr",
        xattr_within(&root.join("small"), "ipfs.cid", 3),
    );
    s.say("ipfs: xattrs", xattrs(&root.join("small")));
    Ok(())
}

fn range(path: &Path, at: u64, len: usize) -> String {
    let take = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = vec![0; len];
        let mut got = 0;
        while got < len {
            match file.read(&mut bytes[got..])? {
                0 => break,
                n => got += n,
            }
        }
        bytes.truncate(got);
        Ok(bytes)
    };
    match take() {
        Ok(bytes) => digest(&bytes),
        Err(e) => error(&e),
    }
}

fn mfs(s: &mut Steps<'_>) {
    let m = s.side.at("mfs");
    s.say("mfs: stat of the root", stat(&m));
    s.say("mfs: list the root", list(&m));
    s.say("mfs: xattr of the root", xattr(&m, "ipfs.cid"));
    s.say("mfs: new file", done(fs::write(m.join("a"), b"first\n")));
    s.say("mfs: stat", stat(&m.join("a")));
    s.say("mfs: read", read(&m.join("a")));
    s.say("mfs: xattr", xattr(&m.join("a"), "ipfs.cid"));
    s.cli("mfs: told", &["files", "stat", "/a"]);
    s.say(
        "mfs: overwrite",
        done(fs::write(m.join("a"), b"second, longer\n")),
    );
    s.cli("mfs: told of the second", &["files", "read", "/a"]);
    s.say("mfs: mkdir", done(fs::create_dir(m.join("d"))));
    s.say("mfs: mkdir again", done(fs::create_dir(m.join("d"))));
    s.say("mfs: mkdir over a file", done(fs::create_dir(m.join("a"))));
    s.say(
        "mfs: mkdir below nothing",
        done(fs::create_dir(m.join("x/y"))),
    );
    s.say("mfs: stat of a directory", stat(&m.join("d")));
    s.say("mfs: nested", done(fs::create_dir_all(m.join("d/e/f"))));
    s.say(
        "mfs: nested file",
        done(fs::write(m.join("d/e/f/g"), b"deep")),
    );
    s.cli(
        "mfs: told of the nested",
        &["files", "stat", "--format=<hash> <size> <type>", "/d"],
    );
    s.say(
        "mfs: rmdir of a full one",
        done(fs::remove_dir(m.join("d"))),
    );
    s.say("mfs: rmdir of a file", done(fs::remove_dir(m.join("a"))));
    s.say("mfs: rmdir of nothing", done(fs::remove_dir(m.join("zz"))));
    s.say(
        "mfs: unlink of nothing",
        done(fs::remove_file(m.join("zz"))),
    );
    s.say(
        "mfs: unlink of a directory",
        done(fs::remove_file(m.join("d"))),
    );
    for len in [262_144, 1_000_000, 5_000_000] {
        let name = format!("len-{len}");
        s.say(
            &format!("mfs: write {len}"),
            done(fs::write(m.join(&name), bytes(len))),
        );
        s.say(&format!("mfs: read {len}"), read(&m.join(&name)));
        s.cli(
            &format!("mfs: told of {len}"),
            &[
                "files",
                "stat",
                "--format=<hash> <size> <cumulsize>",
                &format!("/{name}"),
            ],
        );
    }
    s.say("mfs: append", append(&m.join("a")));
    s.say("mfs: read what was appended", read(&m.join("a")));
    s.say(
        "mfs: patch",
        patch(&m.join("len-1000000"), 500_000, b"PATCH"),
    );
    s.say("mfs: read the patched", read(&m.join("len-1000000")));
    s.say(
        "mfs: patch behind the end",
        patch(&m.join("a"), 100, b"far"),
    );
    s.say("mfs: read the holed", read(&m.join("a")));
    let cut = |path: &Path, len: u64| {
        OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|f| f.set_len(len))
    };
    s.say("mfs: ftruncate", done(cut(&m.join("len-262144"), 1000)));
    s.say("mfs: stat of the truncated", stat(&m.join("len-262144")));
    s.say(
        "mfs: truncate by path",
        truncate(&m.join("len-262144"), 500),
    );
    s.say("mfs: read the truncated", read(&m.join("len-262144")));
    s.say(
        "mfs: truncate longer",
        truncate(&m.join("len-262144"), 2000),
    );
    s.say("mfs: read the longer", read(&m.join("len-262144")));
    s.say("mfs: rename", done(fs::rename(m.join("a"), m.join("b"))));
    s.say(
        "mfs: rename into a directory",
        done(fs::rename(m.join("b"), m.join("d/b"))),
    );
    s.say(
        "mfs: rename over a file",
        done(fs::rename(m.join("d/b"), m.join("len-262144"))),
    );
    s.say(
        "mfs: rename of nothing",
        done(fs::rename(m.join("zz"), m.join("zy"))),
    );
    s.say(
        "mfs: empty directory",
        done(fs::create_dir_all(m.join("target/f"))),
    );
    s.say(
        "mfs: file in it",
        done(fs::write(m.join("target/f/g"), b"deep")),
    );
    s.say(
        "mfs: rename a file over a directory",
        done(fs::rename(m.join("len-262144"), m.join("target"))),
    );
    s.say("mfs: list after that", list(&m));
    s.say("mfs: symlink", done(symlink("target/f", m.join("ln"))));
    s.say("mfs: stat of the symlink", stat(&m.join("ln")));
    s.say("mfs: readlink", link(&m.join("ln")));
    s.say("mfs: list through the symlink", list(&m.join("ln")));
    s.say(
        "mfs: xattr of the symlink",
        xattr(&m.join("ln"), "ipfs.cid"),
    );
    s.say(
        "mfs: hard link",
        done(fs::hard_link(m.join("target"), m.join("hl"))),
    );
    s.say(
        "mfs: chmod",
        done(fs::set_permissions(
            m.join("target"),
            fs::Permissions::from_mode(0o700),
        )),
    );
    s.say("mfs: stat after chmod", stat(&m.join("target")));
    s.say("mfs: no time is kept", age(&m.join("target/f/g")));
    s.say("mfs: set xattr", set_xattr(&m.join("target"), "user.x"));
    s.say("mfs: xattrs", xattrs(&m.join("target")));
    s.say(
        "mfs: fifo",
        nix::unistd::mkfifo(&m.join("fifo"), nix::sys::stat::Mode::S_IRWXU)
            .map_or_else(|e| format!("{e:?}"), |()| "done".into()),
    );
    s.say(
        "mfs: exclusive",
        done(
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(m.join("target/f/g")),
        ),
    );
    s.say(
        "mfs: open a directory to write",
        done(OpenOptions::new().write(true).open(m.join("target"))),
    );
    s.say(
        "mfs: a long name",
        done(fs::write(m.join("n".repeat(255)), b"x")),
    );
    s.say(
        "mfs: too long a name",
        done(fs::write(m.join("n".repeat(256)), b"x")),
    );
    s.say(
        "mfs: name with spaces and signs",
        done(fs::write(m.join("a b ü \" '"), b"x")),
    );
    s.say("mfs: fsync", fsync(&m.join("synced")));
    s.say(
        "mfs: seen after the close",
        seen_after_close(s.side, &m.join("seen")),
    );
    s.cli(
        "mfs: by the CLI",
        &["files", "write", "--create", "/cli", "../work/tree/small"],
    );
    s.say("mfs: the CLI's file", read(&m.join("cli")));
    s.cli("mfs: by the CLI again", &["files", "mkdir", "/cli-dir"]);
    s.say("mfs: the CLI's directory", list(&m.join("cli-dir")));
    s.say("mfs: remove", done(fs::remove_file(m.join("cli"))));
    s.cli("mfs: told of the removed", &["files", "stat", "/cli"]);
    s.say(
        "mfs: remove all",
        done(fs::remove_dir_all(m.join("target"))),
    );
    s.say("mfs: list at the end", list(&m));
    s.cli("mfs: the root at the end", &["files", "ls", "-l", "/"]);
    s.cli("mfs: its CID", &["files", "stat", "--hash", "/"]);
    s.say(
        "mfs: rename of a directory",
        done(fs::rename(m.join("d"), m.join("dd"))),
    );
    s.say("mfs: read in the renamed", read(&m.join("dd/e/f/g")));
    s.say(
        "mfs: rename below itself",
        done(fs::rename(m.join("dd"), m.join("dd/e/x"))),
    );
    s.say(
        "mfs: empty directory for a rename",
        done(fs::create_dir(m.join("target"))),
    );
    s.say(
        "mfs: rename a directory over an empty one",
        done(fs::rename(m.join("dd/e"), m.join("target"))),
    );
    s.say("mfs: list after", list(&m));
}

fn append(path: &Path) -> String {
    let append = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(path)?;
        file.write_all(b"more\n")?;
        file.write_all(b"and more\n")
    };
    done(append())
}

fn patch(path: &Path, at: u64, bytes: &[u8]) -> String {
    let patch = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).read(true).open(path)?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)
    };
    done(patch())
}

fn truncate(path: &Path, len: u64) -> String {
    match nix::unistd::truncate(path, len.cast_signed()) {
        Ok(()) => "done".to_owned(),
        Err(e) => format!("{e:?}"),
    }
}

/// What another reader sees once a file was synced, though it is still open.
fn fsync(path: &Path) -> String {
    let sync = || -> std::io::Result<String> {
        let mut file = File::create(path)?;
        file.write_all(b"synced")?;
        file.sync_all()?;
        let seen = read(path);
        file.write_all(b", then more")?;
        drop(file);
        Ok(format!("{seen}, {}", read(path)))
    };
    sync().unwrap_or_else(|e| error(&e))
}

/// What the CLI sees of a file that was just closed.
fn seen_after_close(side: &Side, path: &Path) -> String {
    let see = || -> std::io::Result<String> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .custom_flags(libc::O_CLOEXEC)
            .truncate(true)
            .open(path)?;
        file.write_all(b"not yet")?;
        // Kubo lets whoever asks for it wait now.
        drop(file);
        Ok(side.told(&["files", "read", "/seen"]))
    };
    see().unwrap_or_else(|e| error(&e))
}

fn ipns(s: &mut Steps<'_>) {
    let n = s.side.at("ipns");
    let id = s.side.told(&["id", "-f", "<id>"]);
    let mine = n.join(&id);
    let masked = |text: String| text.replace(&id, "SELF");
    s.say("ipns: stat of the root", stat(&n));
    s.say("ipns: list the root", masked(list(&n)));
    s.say("ipns: local", masked(link(&n.join("local"))));
    s.say("ipns: stat of local", stat(&n.join("local")));
    s.say("ipns: stat of the own", stat(&mine));
    s.say("ipns: list the own", list(&mine));
    s.say("ipns: nonsense", stat(&n.join("nonsense")));
    s.say("ipns: .hidden", stat(&n.join(".hidden")));
    s.say("ipns: a given name", link(&n.join("site.example")));
    s.say("ipns: stat of a given name", stat(&n.join("site.example")));
    s.say("ipns: list a given name", list(&n.join("site.example/")));
    s.say(
        "ipns: another key",
        stat(&n.join("k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8")),
    );
    s.say(
        "ipns: new file",
        done(fs::write(n.join("local/page"), b"published\n")),
    );
    s.say("ipns: read", read(&mine.join("page")));
    s.say("ipns: xattr of the own", xattr(&mine, "ipfs.cid"));
    s.say("ipns: mkdir", done(fs::create_dir(mine.join("posts"))));
    s.say(
        "ipns: nested",
        done(fs::write(mine.join("posts/one"), b"1")),
    );
    s.say(
        "ipns: new file in the root",
        done(fs::write(n.join("new"), b"x")),
    );
    s.say(
        "ipns: mkdir in the root",
        done(fs::create_dir(n.join("new"))),
    );
    s.say("ipns: remove local", done(fs::remove_file(n.join("local"))));
    s.say("ipns: xattr of the root", xattr(&n, "ipfs.cid"));
    s.say("ipns: xattr of local", xattr(&n.join("local"), "ipfs.cid"));
    // Kubo publishes a moment later.
    std::thread::sleep(Duration::from_secs(4));
    s.cli("ipns: what was published", &["name", "resolve"]);
    let resolved = s.side.told(&["resolve", &format!("/ipns/{id}/posts/one")]);
    s.say("ipns: resolved below", resolved);
    s.cli(
        "ipns: no publishing by hand",
        &[
            "name",
            "publish",
            "--allow-offline",
            "/ipfs/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",
        ],
    );
}
