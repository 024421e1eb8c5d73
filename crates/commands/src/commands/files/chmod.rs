use async_trait::async_trait;

use super::check_path;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status};

/// `ipfs files chmod`.
pub(crate) struct Chmod;

#[async_trait]
impl Command for Chmod {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "files/chmod";
    const ABOUT: About = About::new("Set the permissions that are kept of a file or directory.")
        .text(
            "The mode is an octal number. 0 forgets it. Nothing in the node heeds permissions; they are kept
for whoever restores the files.

Example:

  > ipfs files chmod 0644 /notes.txt",
        )
        .status(Status::Experimental)
        .no_text();
    const ARGS: &'static [Arg] = &[
        Arg::required("mode", "The permissions, octal."),
        Arg::required("path", "The file or directory."),
    ];

    async fn run(mut call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let mode = call.next_arg().await?.unwrap_or_default();
        let path = call.next_arg().await?.unwrap_or_default();
        let path = check_path(&path)?;
        Ok(files.chmod(&path, unix_mode(octal(&mode)?)).await?)
    }
}

/// A signed octal number of 32 bits.
fn octal(text: &str) -> Result<i32> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => ("-", &text[1..]),
        Some(b'+') => ("", &text[1..]),
        _ => ("", text),
    };
    let fails = |why: &str| Error::new(format!("strconv.ParseInt: parsing {text:?}: {why}"));
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() && b < b'8') {
        return Err(fails("invalid syntax"));
    }
    i32::from_str_radix(&format!("{sign}{digits}"), 8).map_err(|_| fails("value out of range"))
}

/// The permission bits of what Kubo takes for a mode in Go's terms: there the special bits stand
/// at the top.
fn unix_mode(go: i32) -> u32 {
    let go = go.cast_unsigned();
    go & 0o777 | (go & 0x00c0_0000) >> 12 | (go & 0x0010_0000) >> 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_kubo_reads_them() {
        for (text, mode) in [("0644", 0o644), ("4755", 0o755), ("-1", 0o7777), ("+7", 7)] {
            assert_eq!(unix_mode(octal(text).unwrap()), mode, "{text}");
        }
        assert!(octal("8").is_err() && octal("").is_err() && octal("-").is_err());
    }
}
