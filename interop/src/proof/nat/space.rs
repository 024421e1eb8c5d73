//! Network namespaces: an Internet of its own, with hosts in the open and hosts behind routers.
//!
//! A namespace lives as long as a process in it, which ends with this one. So whatever happens, nothing of
//! it stays behind, and the machine's own network is never touched.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

const START_LIMIT: Duration = Duration::from_secs(5);

/// What a router does: hosts behind it share its address, nothing comes in that nobody inside has asked
/// for, and what is not let in gets no answer.
const ROUTER: &str = "
table ip nat {
  chain out { type nat hook postrouting priority srcnat; RULES oifname eth0 masquerade; }
}
table ip filter {
  chain through {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname lan accept
  }
  chain here {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname lan accept
  }
}
";

/// A network namespace.
pub(super) struct Space {
    /// It waits for the end of its input, which is that of this process.
    keeper: Child,
}

impl Space {
    fn new() -> Result<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "--", "cat"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        command.stderr(Stdio::piped());
        let keeper = command.spawn().context("cannot run unshare")?;
        let mut space = Self { keeper };
        let (own, start) = (inode("/proc/self/ns/net")?, Instant::now());
        while inode(space.file()).ok().is_none_or(|there| there == own) {
            if let Some(status) = space.keeper.try_wait()? {
                let mut said = String::new();
                if let Some(mut stderr) = space.keeper.stderr.take() {
                    std::io::Read::read_to_string(&mut stderr, &mut said)?;
                }
                bail!("unshare ended with {status}: {}", said.trim());
            }
            ensure!(start.elapsed() < START_LIMIT, "unshare takes too long");
            thread::sleep(Duration::from_millis(2));
        }
        space.run("ip", &["link", "set", "lo", "up"])?;
        Ok(space)
    }

    /// The file that stands for it.
    pub(super) fn file(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.keeper.id()).into()
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<()> {
        self.feed(program, args, "")
    }

    /// Runs a program in it that reads `input`.
    fn feed(&self, program: &str, args: &[&str], input: &str) -> Result<()> {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.file().display()));
        command.arg("--").arg(program).args(args);
        // Where these programs are, whoever runs this.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot run nsenter")?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that ends at once reads nothing.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let words = args.join(" ");
        ensure!(
            output.status.success(),
            "{program} {words}: {}",
            said.trim()
        );
        Ok(())
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn inode(path: impl AsRef<Path>) -> Result<u64> {
    Ok(std::fs::metadata(path)?.ino())
}

/// How a router chooses the port that stands for one of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    /// The same, while it is free.
    Kept,
    /// Another, always the same one for the ports given here.
    Moved(&'static [u16]),
}

/// A host that is behind a router.
pub(super) struct Home {
    _router: Space,
    pub(super) host: Space,
}

/// An Internet in which `5.10.0.0/16` is all there is.
pub(super) struct World {
    middle: Space,
    hosts: u8,
    homes: u8,
}

impl World {
    pub(super) fn new() -> Result<Self> {
        let middle = Space::new()?;
        middle.run("ip", &["link", "add", "middle", "type", "bridge"])?;
        middle.run("ip", &["link", "set", "middle", "up"])?;
        Ok(Self {
            middle,
            hosts: 0,
            homes: 0,
        })
    }

    /// A host that everybody can reach, and its address.
    pub(super) fn host(&mut self) -> Result<(Space, String)> {
        self.hosts += 1;
        let (host, address) = (Space::new()?, format!("5.10.0.{}", self.hosts));
        self.plug(&host, &format!("host{}", self.hosts), &address)?;
        Ok((host, address))
    }

    /// A host behind a router.
    pub(super) fn home(&mut self, ports: Ports) -> Result<Home> {
        self.homes += 1;
        let n = self.homes;
        let (router, host) = (Space::new()?, Space::new()?);
        self.plug(&router, &format!("home{n}"), &format!("5.10.{n}.1"))?;
        wire(&router, "lan", &host)?;
        let (inside, gate) = (format!("192.168.{n}.2/24"), format!("192.168.{n}.1"));
        let gate_net = format!("{gate}/24");
        router.run("ip", &["addr", "add", &gate_net, "dev", "lan"])?;
        router.run("ip", &["link", "set", "lan", "up"])?;
        host.run("ip", &["addr", "add", &inside, "dev", "eth0"])?;
        host.run("ip", &["link", "set", "eth0", "up"])?;
        host.run("ip", &["route", "add", "default", "via", &gate])?;
        let forward = "echo 1 >/proc/sys/net/ipv4/ip_forward";
        router.run("sh", &["-c", forward])?;
        let rules = match ports {
            Ports::Kept => String::new(),
            Ports::Moved(ports) => ports.iter().map(|port| moved(*port)).collect(),
        };
        router.feed("nft", &["-f", "-"], &ROUTER.replace("RULES", &rules))?;
        Ok(Home {
            _router: router,
            host,
        })
    }

    /// Joins a namespace to the middle.
    fn plug(&self, space: &Space, name: &str, address: &str) -> Result<()> {
        wire(&self.middle, name, space)?;
        let set = ["link", "set", name, "master", "middle", "up"];
        self.middle.run("ip", &set)?;
        let address = format!("{address}/16");
        space.run("ip", &["addr", "add", &address, "dev", "eth0"])?;
        space.run("ip", &["link", "set", "eth0", "up"])
    }
}

/// A rule that gives what comes from a port another one.
fn moved(port: u16) -> String {
    let to = port + 20_000;
    ["tcp", "udp"]
        .map(|kind| format!("oifname eth0 {kind} sport {port} masquerade to :{to};\n"))
        .concat()
}

/// A wire from `one`, where its end is `name`, to `other`, where it is `eth0`.
fn wire(one: &Space, name: &str, other: &Space) -> Result<()> {
    let other = other.keeper.id().to_string();
    let ends = ["link", "add", name, "type", "veth", "peer", "name", "eth0"];
    one.run("ip", &[&ends[..], &["netns", &other]].concat())
}
