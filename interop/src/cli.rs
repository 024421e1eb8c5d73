//! Runs a command line to its end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// No command of a case takes this long unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Output past this is dropped.
const OUTPUT_LIMIT: u64 = 64 << 20;

/// How a process ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None: by a signal, ours when the time was over included.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// A command with an environment of its own; nothing of ours reaches it but `PATH`.
pub(crate) fn command(bin: &Path, env: &BTreeMap<String, String>, work: &Path) -> Command {
    let mut command = Command::new(bin);
    command.env_clear().current_dir(work);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.envs(env);
    command
}

/// Runs `command` with `args` and `stdin`; without one it reads the null device.
pub(crate) fn run(mut command: Command, args: &[OsString], stdin: Option<&[u8]>) -> Result<Ended> {
    command
        .args(args)
        .stdin(if stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        if let (Some(mut input), Some(bytes)) = (input, stdin) {
            // A program may end without reading all of it.
            scope.spawn(move || input.write_all(bytes).ok());
        }
        let stdout = scope.spawn(|| read(output));
        let stderr = scope.spawn(|| read(errors));
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        let code = loop {
            if let Some(status) = child.try_wait()? {
                break status.code();
            }
            if start.elapsed() > TIME_LIMIT {
                child.kill()?;
                child.wait()?;
                break None;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        Ok(Ended {
            code,
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
        })
    })
}

fn read(from: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What came before a broken pipe is still an answer.
        let _ = from.take(OUTPUT_LIMIT).read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_both_outputs_come_back() {
        let script = "read a; echo out $a $X; echo Error: no >&2; exit 3".into();
        let env = BTreeMap::from([("X".to_owned(), "y".to_owned())]);
        let shell = command(Path::new("sh"), &env, Path::new("/"));
        let ended = run(shell, &["-c".into(), script], Some(b"in\n")).unwrap();
        assert_eq!(ended.code, Some(3));
        assert_eq!(ended.stdout, b"out in y\n");
        assert_eq!(ended.stderr, b"Error: no\n");
    }
}
