//! Connections in tunnels.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::Pair;
use crate::proof::side::{Side, until};

/// Connections at a time, and the bytes that go each way on one.
const CONNECTIONS: usize = 8;
const BYTES: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// Has a node listen here for connections to a protocol of another; the port.
pub(super) fn forward(side: &Side, other: &Side, protocol: &str) -> Result<u16> {
    let target = format!("/p2p/{}", other.id());
    let here = "/ip4/127.0.0.1/tcp/0";
    side.say(&[
        "p2p",
        "forward",
        "--allow-custom-protocol",
        protocol,
        here,
        &target,
    ])?;
    let listed = side.json(&["p2p", "ls", "--enc=json"])?;
    let all = listed["Listeners"].as_array().context("no listeners")?;
    let own = all.iter().find(|l| l["Protocol"] == protocol);
    let listen = own.and_then(|l| l["ListenAddress"].as_str());
    let listen = listen.with_context(|| format!("{listed}"))?;
    let port = listen.rsplit('/').next().unwrap_or_default();
    port.parse().with_context(|| listen.to_owned())
}

/// A program behind a tunnel that says everything again.
fn echo_server() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || -> std::io::Result<()> {
                let mut stream = stream;
                let mut buffer = vec![0; 64 << 10];
                loop {
                    let length = stream.read(&mut buffer)?;
                    if length == 0 {
                        return Ok(());
                    }
                    stream.write_all(&buffer[..length])?;
                }
            });
        }
    });
    Ok(port)
}

fn one_connection(port: u16, seed: u8) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let said: Vec<u8> = (0..BYTES)
        .map(|n| (n / 251) as u8 ^ n as u8 ^ seed)
        .collect();
    let mut heard = vec![0; BYTES];
    let mut writing = stream.try_clone()?;
    let saying = {
        let said = said.clone();
        thread::spawn(move || writing.write_all(&said))
    };
    stream.read_exact(&mut heard).context("not all came back")?;
    ensure!(heard == said, "something else came back");
    match saying.join() {
        Ok(done) => Ok(done?),
        Err(_) => bail!("the writer has failed"),
    }
}

pub(super) fn echo(pair: &Pair) -> Result<()> {
    let target = format!("/ip4/127.0.0.1/tcp/{}", echo_server()?);
    pair.from.say(&["p2p", "listen", "/x/echo", &target])?;
    let port = forward(&pair.to, &pair.from, "/x/echo")?;
    thread::scope(|scope| {
        let seeds = 0..CONNECTIONS as u8;
        let all: Vec<_> = seeds
            .map(|seed| scope.spawn(move || one_connection(port, seed)))
            .collect();
        for one in all {
            match one.join() {
                Ok(done) => done?,
                Err(_) => bail!("a connection has failed"),
            }
        }
        Ok(())
    })?;
    // A connection is seen at both ends, and gone when it is closed.
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let sees = |side: &Side, wanted: bool| -> Result<()> {
        until(PATIENCE, || {
            let listed = side.say(&["p2p", "stream", "ls"])?;
            Ok((listed.contains("/x/echo") == wanted).then_some(()))
        })
    };
    (&stream).write_all(b"x")?;
    sees(&pair.to, true)?;
    sees(&pair.from, true)?;
    pair.to.say(&["p2p", "stream", "close", "--all"])?;
    drop(stream);
    sees(&pair.to, false)?;
    sees(&pair.from, false)?;
    for side in [&pair.to, &pair.from] {
        side.say(&["p2p", "close", "--protocol=/x/echo"])?;
        let listed = side.say(&["p2p", "ls"])?;
        ensure!(!listed.contains("/x/echo"), "{listed}");
    }
    Ok(())
}
