//! A folder with a tree on it.

mod attach;
mod detach;

pub(crate) use detach::is_stale;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fuser::{Config, Session, SessionACL};
use tokio::runtime::Handle;

use crate::server::{Server, Shared};
use crate::tree::Tree;
use crate::{Error, Result};

/// A folder with a tree on it.
pub(crate) struct Mount {
    point: PathBuf,
    shared: Arc<Shared>,
    active: Arc<AtomicBool>,
}

impl Mount {
    /// Mounts a tree. What is left of a program that died is unmounted first.
    pub(crate) async fn new(
        tree: Arc<dyn Tree>,
        name: &'static str,
        point: &Path,
        allow_other: bool,
    ) -> Result<Self> {
        let point = point.to_owned();
        let shared = Shared::new(tree, name);
        let runtime = Handle::current();
        // Mounting asks the kernel, which asks the folder's own file system.
        tokio::task::spawn_blocking(move || Self::begin(shared, name, &point, allow_other, runtime))
            .await?
    }

    fn begin(
        shared: Arc<Shared>,
        name: &'static str,
        point: &Path,
        allow_other: bool,
        runtime: Handle,
    ) -> Result<Self> {
        let wrong = |why: String| Error::Point {
            point: point.to_owned(),
            why,
        };
        let absolute = detach::free(point).map_err(|e| wrong(said(&e)))?;
        let device = attach::attach(&absolute, point, name, allow_other)?;
        let acl = match allow_other {
            true => SessionACL::All,
            false => SessionACL::Owner,
        };
        let server = Server::new(shared.clone(), runtime);
        let begun = Session::from_fd(server, device, acl, Config::default()).and_then(|session| {
            let _ = shared.notifier.set(session.notifier());
            let active = Arc::new(AtomicBool::new(true));
            let ends = active.clone();
            std::thread::Builder::new()
                .name(format!("fuse-{name}"))
                .spawn(move || {
                    if let Err(error) = session.run() {
                        tracing::warn!(target: "basalt::fuse", name, %error, "a mount ended");
                    }
                    ends.store(false, Ordering::SeqCst);
                })?;
            Ok(active)
        });
        match begun {
            Ok(active) => Ok(Self {
                point: absolute,
                shared,
                active,
            }),
            Err(error) => {
                if let Err(error) = detach::detach(&absolute, true) {
                    tracing::warn!(target: "basalt::fuse", %error, "a mount that failed is left over");
                }
                Err(wrong(error.to_string()))
            }
        }
    }

    /// Whether nobody has unmounted it.
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::SeqCst)
    }

    /// Unmounts it: nobody finds anything there any more. Programs that have something open go on
    /// with it; what they wrote so far is made durable.
    pub(crate) async fn unmount(&self) -> Result<()> {
        let mut outcome = Ok(());
        if self.is_active() {
            let point = self.point.clone();
            outcome = tokio::task::spawn_blocking(move || {
                match detach::detach(&point, false) {
                    Err(error) if error.raw_os_error() == Some(nix::libc::EBUSY) => {
                        detach::detach(&point, true)
                    }
                    done => done,
                }
                .map_err(|error| Error::Unmount {
                    point,
                    why: said(&error),
                })
            })
            .await?;
            if outcome.is_ok() {
                self.active.store(false, Ordering::SeqCst);
            }
        }
        self.shared.tree.finish().await;
        outcome
    }

    /// Ends what waits for blocks, now and from now on.
    pub(crate) fn end(&self) {
        self.shared.cancel.cancel();
    }

    /// Whether nobody has unmounted it, to be asked later.
    pub(crate) fn activity(&self) -> Arc<AtomicBool> {
        self.active.clone()
    }
}

/// An error as other programs say it.
fn said(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None => error.to_string(),
    }
}
