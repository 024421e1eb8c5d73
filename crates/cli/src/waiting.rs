//! Says on a terminal what a command waits for that the daemon does.

use std::time::Duration;

use basalt_rpc::Daemon;
use tokio::task::JoinHandle;

/// When the daemon is asked first, and how often then.
const FIRST: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_secs(5);

/// Asks the daemon now and then, until it is dropped.
pub(crate) struct Watch(JoinHandle<()>);

impl Watch {
    /// Watches the command at `path` with these arguments.
    pub(crate) fn start(daemon: Daemon, path: &str, args: &[String]) -> Self {
        let (path, args) = (path.to_owned(), args.to_vec());
        Self(tokio::spawn(async move {
            let mut said = String::new();
            tokio::time::sleep(FIRST).await;
            loop {
                if let Some(why) = daemon.waits(&path, &args).await
                    && why != said
                {
                    eprintln!("{why}");
                    said = why;
                }
                tokio::time::sleep(AGAIN).await;
            }
        }))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}
