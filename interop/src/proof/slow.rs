//! Clients of the gateway that take their time: those that read nothing, read a little, or write their
//! request byte by byte. What the daemon holds for them, beside real Kubo in the long form.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::content::Content;
use super::program::Program;
use super::settings::Settings;
use super::tally::Tally;
use crate::daemon::Daemon;
use crate::places;

/// Clients at a time, and the length of the file they ask for.
struct Scale {
    clients: usize,
    /// Those who ask for a CAR or a TAR.
    archives: usize,
    file: u64,
    rest: Duration,
}

const SHORT: Scale = Scale {
    clients: 300,
    archives: 50,
    file: 48 << 20,
    rest: Duration::from_secs(2),
};
const WHOLE: Scale = Scale {
    clients: 1000,
    archives: 1000,
    file: 200_000_000,
    rest: Duration::from_secs(8),
};

/// What a client may cost, in KiB: 64 that were copied for it, and its connection.
const EACH: u64 = 112;
/// What all of them together may cost, however many they are, in KiB.
const TOGETHER: u64 = 96 << 10;

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let scale = if settings.whole { &WHOLE } else { &SHORT };
    more_files()?;
    let folder = tempfile::Builder::new()
        .prefix("basalt-slow-")
        .tempdir_in(&settings.dir)?;
    let content = Content {
        seed: settings.seed,
        len: scale.file,
    };
    let file = folder.path().join("file");
    content.write(&mut File::create(&file)?)?;
    let bytes = fs::read(&file)?;
    one(
        "",
        &settings.bin,
        folder.path(),
        &file,
        &bytes,
        scale,
        tally,
    )?;
    if settings.whole {
        let kubo = places::kubo();
        one("Kubo, ", &kubo, folder.path(), &file, &bytes, scale, tally)?;
    }
    Ok(())
}

/// As many sockets as the system allows.
fn more_files() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

fn one(
    whose: &str,
    bin: &Path,
    folder: &Path,
    file: &Path,
    bytes: &[u8],
    scale: &Scale,
    tally: &mut Tally,
) -> Result<()> {
    let program = Program::new(bin, folder.join(format!("{whose}repo")));
    program.say(&["init", "--profile=test,randomports"])?;
    let path = file.to_str().context("the path of the file is no UTF-8")?;
    let cid = program.say(&[
        "add",
        "-Q",
        "--cid-version=1",
        "--chunker=size-262144",
        path,
    ])?;
    let large = program.say(&[
        "add",
        "-Q",
        "--cid-version=1",
        "--chunker=size-1048576",
        path,
    ])?;
    let links = program.say(&["refs", large.trim()])?;
    let block = links.lines().next().context("the file has no blocks")?;
    let whole = format!("/ipfs/{}", cid.trim());
    let large = format!("/ipfs/{}", large.trim());
    let many = scale.clients;
    let kinds = [
        (many, "read nothing of a file", whole.clone()),
        (many, "read nothing of chunks of 1 MiB", large.clone()),
        (
            scale.archives,
            "read nothing of its CAR",
            format!("{whole}?format=car"),
        ),
        (
            scale.archives,
            "read nothing of a CAR of chunks of 1 MiB",
            format!("{large}?format=car"),
        ),
        (
            scale.archives,
            "read nothing of a TAR of chunks of 1 MiB",
            format!("{large}?format=tar"),
        ),
        (
            many,
            "read nothing of a raw block",
            format!("/ipfs/{block}?format=raw"),
        ),
        (many, "read a little of a file", whole.clone()),
        (
            scale.archives,
            "read a little of a TAR of chunks of 1 MiB",
            format!("{large}?format=tar"),
        ),
        (
            many,
            "write a request byte by byte",
            format!("/ipfs/{block}"),
        ),
    ];
    for (clients, name, target) in &kinds {
        // What an allocator keeps of one crowd would make the next look cheaper.
        let daemon = program.daemon(&["--offline"])?;
        let crowd = Crowd {
            pid: daemon.pid(),
            at: (Ipv4Addr::LOCALHOST, daemon.gateway.context("no gateway")?).into(),
            clients: *clients,
            rest: scale.rest,
        };
        crowd.take(&whole, bytes)?;
        thread::sleep(Duration::from_secs(1));
        let cost = match name.split(' ').next() {
            Some("write") => crowd.typing(target),
            _ if name.contains("little") => crowd.sipping(target, &whole, bytes),
            _ => crowd.standing(target, &whole, bytes),
        };
        note(whose, name, cost, *clients, tally);
        stop(&format!("{whose}{name}: "), daemon, tally)?;
    }
    Ok(())
}

/// What the clients cost, in KiB; of Kubo it is a figure alone.
fn note(whose: &str, name: &str, cost: Result<Cost>, clients: usize, tally: &mut Tally) {
    if let Ok(cost) = &cost {
        tally.figure(&format!("{whose}{clients} that {name}, KiB"), cost.memory);
    }
    let beside = cost.as_ref().ok().and_then(|cost| cost.beside);
    if let Some(beside) = beside {
        let beside = u64::try_from(beside.as_millis()).unwrap_or(u64::MAX);
        tally.figure(
            &format!("{whose}a client beside {clients} that {name}, ms"),
            beside,
        );
    }
    if !whose.is_empty() {
        // What it does not stand is a figure too.
        if let Err(error) = cost {
            tally.figure(&format!("{whose}{clients} that {name}"), error.to_string());
        }
        return;
    }
    let within = cost.and_then(|Cost { memory: cost, .. }| {
        let limit = EACH * clients as u64 + TOGETHER;
        ensure!(cost <= limit, "{cost} KiB, the limit is {limit}");
        Ok(())
    });
    tally.check(&format!("clients that {name}"), within);
}

fn stop(whose: &str, daemon: Daemon, tally: &mut Tally) -> Result<()> {
    let ended = daemon.stop()?;
    let clean = match ended.code {
        Some(0) => Ok(()),
        code => Err(anyhow::anyhow!("it ended with {code:?}")),
    };
    tally.check(&format!("{whose}the daemon ends cleanly"), clean);
    Ok(())
}

/// Many clients of one daemon.
struct Crowd {
    pid: u32,
    at: SocketAddr,
    clients: usize,
    rest: Duration,
}

/// What a crowd cost.
struct Cost {
    /// How much memory, in KiB.
    memory: u64,
    /// How long a client beside them waited for all of the file.
    beside: Option<Duration>,
}

impl Crowd {
    fn memory(&self, field: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let word = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
        Ok(word
            .with_context(|| format!("/proc has no {field}"))?
            .parse()?)
    }

    /// What it holds now; from here on the peak is counted anew.
    fn begin(&self) -> Result<u64> {
        fs::write(format!("/proc/{}/clear_refs", self.pid), "5")
            .context("the peak of memory cannot be counted anew")?;
        self.memory("VmRSS")
    }

    fn connect(&self) -> Result<TcpStream> {
        let socket = TcpStream::connect_timeout(&self.at, Duration::from_secs(10))?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(socket)
    }

    fn ask(&self, target: &str) -> Result<Vec<TcpStream>> {
        let ask = |_| {
            let mut socket = self.connect()?;
            write!(socket, "GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")?;
            Ok(socket)
        };
        (0..self.clients).map(ask).collect()
    }

    /// A client that is not slow gets everything.
    fn take(&self, target: &str, bytes: &[u8]) -> Result<()> {
        let mut socket = self.connect()?;
        write!(
            socket,
            "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::with_capacity(bytes.len() + 4096);
        socket.read_to_end(&mut answer)?;
        ensure!(
            body(&answer)? == bytes,
            "other bytes than those that were added"
        );
        Ok(())
    }

    /// Clients that read nothing; beside them one that does.
    fn standing(&self, target: &str, whole: &str, bytes: &[u8]) -> Result<Cost> {
        let before = self.begin()?;
        let crowd = self.ask(target)?;
        thread::sleep(self.rest / 2);
        let beside = self.beside(whole, bytes)?;
        thread::sleep(self.rest / 2);
        let peak = self.memory("VmHWM")?;
        drop(crowd);
        thread::sleep(Duration::from_secs(1));
        Ok(Cost {
            memory: peak.saturating_sub(before),
            beside: Some(beside),
        })
    }

    /// How long a client that is not slow waits for a file.
    fn beside(&self, whole: &str, bytes: &[u8]) -> Result<Duration> {
        let began = Instant::now();
        self.take(whole, bytes).context("a client beside them")?;
        Ok(began.elapsed())
    }

    /// Clients that read 32 KiB now and then, and look whether it is right; beside them one that reads
    /// all of the file.
    fn sipping(&self, target: &str, whole: &str, bytes: &[u8]) -> Result<Cost> {
        let before = self.begin()?;
        let mut crowd: Vec<(TcpStream, Vec<u8>)> = Vec::new();
        for socket in self.ask(target)? {
            socket.set_nonblocking(true)?;
            crowd.push((socket, Vec::new()));
        }
        let began = Instant::now();
        let mut sip = vec![0; 32 << 10];
        let beside = thread::scope(|scope| {
            let beside = scope.spawn(|| self.beside(whole, bytes));
            self.sip(&mut crowd, began, &mut sip)?;
            let taken = beside.join();
            taken.map_err(|_| anyhow::anyhow!("the client beside them panicked"))?
        })?;
        let peak = self.memory("VmHWM")?;
        for (_, have) in &crowd {
            check_sips(have, target, bytes)?;
        }
        drop(crowd);
        thread::sleep(Duration::from_secs(1));
        Ok(Cost {
            memory: peak.saturating_sub(before),
            beside: Some(beside),
        })
    }

    fn sip(
        &self,
        crowd: &mut [(TcpStream, Vec<u8>)],
        began: Instant,
        sip: &mut [u8],
    ) -> Result<()> {
        while began.elapsed() < self.rest * 2 {
            for (socket, have) in crowd.iter_mut() {
                match socket.read(sip) {
                    Ok(0) => bail!("closed after {} bytes", have.len()),
                    Ok(n) => have.extend_from_slice(&sip[..n]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Clients whose request comes byte by byte.
    fn typing(&self, target: &str) -> Result<Cost> {
        let before = self.begin()?;
        let clients = 0..self.clients;
        let mut crowd = clients
            .map(|_| self.connect())
            .collect::<Result<Vec<_>>>()?;
        let padding = "x".repeat(200);
        let request = format!("HEAD {target} HTTP/1.1\r\nHost: x\r\nX-Slow: {padding}\r\n\r\n");
        let pause = self.rest / u32::try_from(request.len())?;
        for byte in request.as_bytes() {
            for socket in &mut crowd {
                socket.write_all(&[*byte])?;
            }
            thread::sleep(pause);
        }
        for socket in &mut crowd {
            let mut status = [0; 12];
            socket.read_exact(&mut status)?;
            ensure!(
                &status == b"HTTP/1.1 200",
                "{}",
                String::from_utf8_lossy(&status)
            );
        }
        Ok(Cost {
            memory: self.memory("VmHWM")?.saturating_sub(before),
            beside: None,
        })
    }
}

/// Whether what a client has so far is the beginning of the file, or of its archive.
fn check_sips(have: &[u8], target: &str, bytes: &[u8]) -> Result<()> {
    let body = body(have)?;
    ensure!(!body.is_empty(), "no bytes");
    if !target.contains("format=tar") {
        ensure!(bytes.starts_with(body), "other bytes");
        return Ok(());
    }
    let archive = unchunked(body)?;
    let content = archive.get(TAR_HEAD..).unwrap_or_default();
    ensure!(bytes.starts_with(content), "other bytes in the archive");
    Ok(())
}

/// What stands in a TAR before the bytes of its first file.
const TAR_HEAD: usize = 512;

/// The chunks of a body that may end in the middle of one.
fn unchunked(mut body: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(body.len());
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end])?, 16)?;
        let chunk = &body[end + 2..];
        bytes.extend_from_slice(&chunk[..chunk.len().min(length)]);
        body = chunk.get(length + 2..).unwrap_or_default();
    }
    Ok(bytes)
}

/// What comes after the head of an answer.
fn body(answer: &[u8]) -> Result<&[u8]> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.context("the head of the answer is not whole")?;
    ensure!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer[..end])
    );
    Ok(&answer[end + 4..])
}
