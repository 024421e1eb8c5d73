//! Mounting: by the system call where that is permitted, by `fusermount3` where it is not.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};

use super::detach::HELPERS;
use crate::server::PIECE;
use crate::{Error, Result};

const DEVICE: &str = "/dev/fuse";
/// What the mounts are called in the list of mounts, behind `fuse.`.
const SUBTYPE: &str = "basalt";

/// Mounts something on a folder, and gives the device through which its requests come. `asked` is
/// the folder as the user said it.
pub(super) fn attach(point: &Path, asked: &Path, name: &str, allow_other: bool) -> Result<OwnedFd> {
    let unavailable = |why: String| Error::Unavailable {
        point: asked.to_owned(),
        why,
    };
    let device = OpenOptions::new().read(true).write(true).open(DEVICE);
    let device = match device {
        Ok(device) => Some(device),
        // The program that mounts for users may open it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
        Err(error) => {
            return Err(unavailable(format!(
                "{DEVICE} cannot be opened: {error}. Load the kernel's module with 'modprobe fuse'; in a container, pass the device into it"
            )));
        }
    };
    if let Some(device) = device {
        let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
        let others = if allow_other { ",allow_other" } else { "" };
        let options = format!(
            "fd={},rootmode=40000,user_id={uid},group_id={gid},max_read={PIECE}{others}",
            device.as_raw_fd()
        );
        let kind = format!("fuse.{SUBTYPE}");
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        match mount(Some(name), point, Some(&*kind), flags, Some(&*options)) {
            Ok(()) => return Ok(device.into()),
            Err(Errno::EPERM) => {}
            Err(error) => {
                return Err(Error::Point {
                    point: asked.to_owned(),
                    why: error.desc().to_lowercase(),
                });
            }
        }
    }
    for helper in HELPERS {
        match by_helper(helper, point, name, allow_other) {
            Ok(device) => return Ok(device),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unavailable(error.to_string())),
        }
    }
    Err(unavailable(
        "this user may not mount, and neither fusermount3 nor fusermount is there. Install the package fuse3".to_owned(),
    ))
}

/// Has a program with the right to do so mount something, which sends the device back.
fn by_helper(helper: &str, point: &Path, name: &str, allow_other: bool) -> io::Result<OwnedFd> {
    let others = if allow_other { ",allow_other" } else { "" };
    let (ours, theirs) = UnixStream::pair()?;
    let mut child = Command::new(helper)
        .arg("-o")
        .arg(format!(
            "fsname={name},subtype={SUBTYPE},nosuid,nodev,max_read={PIECE}{others}"
        ))
        .arg("--")
        .arg(point)
        // It sends the device through this.
        .stdin(OwnedFd::from(theirs))
        .env("_FUSE_COMMFD", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let received = receive(&ours);
    let mut words = String::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(4096).read_to_string(&mut words)?;
    }
    child.wait()?;
    match received? {
        Some(device) => Ok(device),
        None if words.trim().is_empty() => Err(io::Error::other(format!("{helper} failed"))),
        None => Err(io::Error::other(words.trim().to_owned())),
    }
}

/// Takes a file from a socket; `None` if the other side closed it without sending one.
fn receive(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    // Room for one header and one descriptor, aligned as headers are.
    let mut control = [0u64; 8];
    let mut byte = [0u8; 1];
    let mut piece = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: byte.len(),
    };
    // SAFETY: a message header of zeros is valid, and has no parts.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    let got = loop {
        // SAFETY: the message points to the buffers above, which outlive the call, and their lengths.
        let got =
            unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
        match got {
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            -1 => return Err(io::Error::last_os_error()),
            got => break got,
        }
    };
    if got == 0 {
        return Ok(None);
    }
    // SAFETY: the kernel filled the message in, whose buffers are still there.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null()
            || (*header).cmsg_level != libc::SOL_SOCKET
            || (*header).cmsg_type != libc::SCM_RIGHTS
        {
            return Ok(None);
        }
        let descriptor: i32 = std::ptr::read_unaligned(libc::CMSG_DATA(header).cast());
        // The message gives the descriptor to whoever reads it.
        Ok((descriptor >= 0).then(|| OwnedFd::from_raw_fd(descriptor)))
    }
}
