use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::{About, Call, Command, Error, Level, Output, Result, Status, logs};

crate::options! {
    /// Options of `log tail`.
    pub(crate) struct Options {
        /// Leave out what is less grave than this level
        log_level: String = ["log-level"] default "",
    }
}

/// `ipfs log tail`.
pub(crate) struct Tail;

/// Lines are gathered up to this many bytes while a reader is slow.
const PIECE: usize = 64 << 10;

#[async_trait]
impl Command for Tail {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "log/tail";
    const ABOUT: About = About::new("Follow what the daemon logs.")
        .text(
            "Writes each line that is logged from now on, as JSON. Only what the levels of the subsystems
let through is logged: see 'ipfs log level'. A reader that is too slow loses lines, and is told
how many; the daemon never waits for it.",
        )
        .status(Status::Experimental)
        .no_text();

    async fn run(call: Call<Options>, out: Output<()>) -> Result<()> {
        let least = match call.options.log_level.as_str() {
            "" => Level::Debug,
            name => {
                let fail = |e| Error::new(format!("setting log level {name}: {e}"));
                name.parse().map_err(fail)?
            }
        };
        let mut lines = logs().follow();
        // The answer begins before the first line comes.
        out.bytes(Bytes::new()).await?;
        loop {
            let mut piece = BytesMut::new();
            let mut next = tokio::select! {
                () = out.closed() => return Ok(()),
                line = lines.recv() => line,
            };
            loop {
                match next {
                    Ok((level, line)) if level >= least => piece.extend_from_slice(&line),
                    Ok(_) => {}
                    Err(RecvError::Lagged(lost)) => {
                        piece.extend_from_slice(lost_lines(lost).as_bytes())
                    }
                    Err(RecvError::Closed) => return Ok(()),
                }
                if piece.len() >= PIECE {
                    break;
                }
                next = match lines.try_recv() {
                    Ok(line) => Ok(line),
                    Err(TryRecvError::Lagged(lost)) => Err(RecvError::Lagged(lost)),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                };
            }
            if !piece.is_empty() {
                out.bytes(piece.freeze()).await?;
            }
        }
    }
}

fn lost_lines(lost: u64) -> String {
    format!(
        "{{\"level\":\"warn\",\"logger\":\"core/commands\",\"msg\":\"{lost} lines were lost\"}}\n"
    )
}
