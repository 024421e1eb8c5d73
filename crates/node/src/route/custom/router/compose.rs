//! How several routers are one: which answers count, and which failures.

use basalt_routing::{Announced, Error as Failed};
use bytes::Bytes;
use futures::StreamExt;
use futures::future::{BoxFuture, join_all};
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::{Branch, Outcome, Router};

/// Values of routers side by side that may wait to be passed on.
const WAITING: usize = 8;

impl Branch {
    /// Waits for the branch's turn, and then for its work.
    async fn in_turn<T>(&self, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        if let Some(after) = self.after {
            sleep(after).await;
        }
        self.in_time(work).await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        match self.timeout {
            Some(limit) => timeout(limit, work).await.unwrap_or(Err(Failed::Timeout)),
            None => work.await,
        }
    }
}

/// Several failures as one.
fn joined(failures: Vec<Failed>) -> Outcome<()> {
    let both = |a, b| Failed::Both(Box::new(a), Box::new(b));
    match failures.into_iter().reduce(both) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Has all work side by side. What fails counts, unless it is to be ignored.
pub(super) async fn all_at_once<'a>(
    branches: &'a [Branch],
    work: impl Fn(&'a Router) -> BoxFuture<'a, Outcome<()>>,
) -> Outcome<()> {
    let working = branches.iter().map(async |branch| {
        let done = branch.in_turn(work(&branch.router)).await;
        done.err().filter(|_| !branch.ignores_errors)
    });
    joined(join_all(working).await.into_iter().flatten().collect())
}

/// Has one work after the other, until one fails in a way that counts or it is enough.
pub(super) async fn one_by_one<'a>(
    branches: &'a [Branch],
    work: impl Fn(&'a Router) -> BoxFuture<'a, Outcome<()>>,
    enough: impl Fn() -> bool,
) -> Outcome<()> {
    for branch in branches {
        match branch.in_time(work(&branch.router)).await {
            Err(failure) if counts(branch, &failure) => return Err(failure),
            _ if enough() => break,
            _ => {}
        }
    }
    Ok(())
}

/// That nothing was found is no failure among others.
fn counts(branch: &Branch, failure: &Failed) -> bool {
    !branch.ignores_errors && !matches!(failure, Failed::NotFound)
}

/// The first answer of routers side by side.
pub(super) async fn first<'a, T>(
    branches: &'a [Branch],
    work: impl Fn(&'a Router) -> BoxFuture<'a, Outcome<T>>,
) -> Outcome<T> {
    let working = branches
        .iter()
        .map(async |branch| (branch, branch.in_turn(work(&branch.router)).await));
    let mut working: FuturesUnordered<_> = working.collect();
    while let Some((branch, outcome)) = working.next().await {
        match outcome {
            Err(failure) if !counts(branch, &failure) => {}
            outcome => return outcome,
        }
    }
    Err(Failed::NotFound)
}

/// The first answer of routers one after the other.
pub(super) async fn first_in_order<'a, T>(
    branches: &'a [Branch],
    work: impl Fn(&'a Router) -> BoxFuture<'a, Outcome<T>>,
) -> Outcome<T> {
    for branch in branches {
        match branch.in_time(work(&branch.router)).await {
            Err(failure) if !counts(branch, &failure) => {}
            outcome => return outcome,
        }
    }
    Err(Failed::NotFound)
}

fn better(best: Option<Announced>, done: Announced) -> Option<Announced> {
    match best {
        Some(best) if best.keys >= done.keys => Some(best),
        _ => Some(done),
    }
}

/// Announces side by side. A failure counts as in [`all_at_once`].
pub(super) async fn best_at_once<'a>(
    branches: &'a [Branch],
    work: impl Fn(&'a Router) -> BoxFuture<'a, Outcome<Announced>>,
) -> Outcome<Announced> {
    let working = branches
        .iter()
        .map(async |branch| (branch, branch.in_turn(work(&branch.router)).await));
    let (mut best, mut failures) = (None, Vec::new());
    for (branch, outcome) in join_all(working).await {
        match outcome {
            Ok(done) => best = better(best, done),
            Err(_) if branch.ignores_errors => {}
            Err(failure) => failures.push(failure),
        }
    }
    joined(failures)?;
    Ok(best.unwrap_or_default())
}

/// Announces by one after the other. A failure counts as in [`one_by_one`].
pub(super) async fn best_in_order<'a>(
    branches: &'a [Branch],
    work: impl Fn(&'a Router) -> BoxFuture<'a, Outcome<Announced>>,
) -> Outcome<Announced> {
    let mut best = None;
    for branch in branches {
        match branch.in_time(work(&branch.router)).await {
            Ok(done) => best = better(best, done),
            Err(failure) if counts(branch, &failure) => return Err(failure),
            Err(_) => {}
        }
    }
    Ok(best.unwrap_or_default())
}

/// Has all search side by side, until one has ended and something was found.
pub(super) async fn until_one_has_found<'a>(
    branches: &'a [Branch],
    work: impl Fn(&'a Router, mpsc::Sender<Bytes>) -> BoxFuture<'a, Outcome<()>>,
    out: mpsc::Sender<Bytes>,
) -> Outcome<()> {
    let (inner, mut found) = mpsc::channel(WAITING);
    let working = branches.iter().map(async |branch| {
        let work = work(&branch.router, inner.clone());
        (branch, branch.in_turn(work).await)
    });
    let mut working: FuturesUnordered<_> = working.collect();
    let (mut given, mut failures) = (false, Vec::new());
    loop {
        let ended = tokio::select! {
            biased;
            Some(value) = found.recv() => {
                if out.send(value).await.is_err() {
                    return Ok(());
                }
                given = true;
                continue;
            }
            ended = working.next() => ended,
        };
        // What it had found may still be on its way.
        while let Ok(value) = found.try_recv() {
            if out.send(value).await.is_err() {
                return Ok(());
            }
            given = true;
        }
        match ended {
            Some(_) if given => return Ok(()),
            Some((branch, Err(failure))) if !branch.ignores_errors => failures.push(failure),
            Some(_) => {}
            None => return joined(failures),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_routing::Scope;
    use futures::FutureExt;
    use std::sync::Arc;
    use std::time::Duration;

    /// Branches of which each stands for what `work` makes of its place.
    fn branches(count: usize) -> Vec<Branch> {
        let branch = |_| Branch {
            router: Arc::new(Router::Dht(Scope::Lan)),
            timeout: None,
            after: None,
            ignores_errors: false,
        };
        (0..count).map(branch).collect()
    }

    fn place(branches: &[Branch], router: &Router) -> usize {
        let mut all = branches.iter();
        all.position(|b| std::ptr::eq(&*b.router, router)).unwrap()
    }

    fn broken() -> Failed {
        Failed::Remote("broken".to_owned())
    }

    async fn first_of(
        branches: &[Branch],
        in_order: bool,
        outcomes: &[Outcome<u32>],
    ) -> Outcome<u32> {
        let work = |router: &Router| {
            let outcome = outcomes[place(branches, router)].clone();
            async move { outcome }.boxed()
        };
        match in_order {
            true => first_in_order(branches, work).await,
            false => first(branches, work).await,
        }
    }

    #[tokio::test]
    async fn the_first_answer_counts_and_some_failures() {
        for in_order in [true, false] {
            let mut three = branches(3);
            let none = || Err(Failed::NotFound);
            let found = first_of(&three, in_order, &[none(), Ok(2), Ok(3)]).await;
            assert_eq!(found.unwrap(), 2);
            let failed = first_of(&three, in_order, &[none(), Err(broken()), Ok(3)]).await;
            assert!(matches!(failed, Err(Failed::Remote(_))));
            three[1].ignores_errors = true;
            let found = first_of(&three, in_order, &[none(), Err(broken()), Ok(3)]).await;
            assert_eq!(found.unwrap(), 3);
            let nothing = first_of(&three, in_order, &[none(), Err(broken()), none()]).await;
            assert!(matches!(nothing, Err(Failed::NotFound)));
        }
    }

    #[tokio::test]
    async fn branches_have_their_turn_and_their_time() {
        let mut two = branches(2);
        two[0].after = Some(Duration::from_secs(3600));
        let found = first_of(&two, false, &[Ok(1), Ok(2)]).await;
        assert_eq!(found.unwrap(), 2);
        two[0].after = None;
        two[0].timeout = Some(Duration::from_millis(1));
        let work = |router: &Router| match place(&two, router) {
            0 => std::future::pending().boxed(),
            _ => async { Ok(2) }.boxed(),
        };
        assert!(matches!(
            first_in_order(&two, work).await,
            Err(Failed::Timeout)
        ));
        two[0].ignores_errors = true;
        let work = |router: &Router| match place(&two, router) {
            0 => std::future::pending().boxed(),
            _ => async { Ok(2) }.boxed(),
        };
        assert_eq!(first_in_order(&two, work).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn work_for_all_fails_if_one_counts() {
        let mut two = branches(2);
        for ignored in [false, true] {
            two[0].ignores_errors = ignored;
            let work = |router: &Router| match place(&two, router) {
                0 => async { Err(broken()) }.boxed(),
                _ => async { Ok(()) }.boxed(),
            };
            assert_eq!(all_at_once(&two, work).await.is_ok(), ignored);
            let work = |router: &Router| match place(&two, router) {
                0 => async { Err(broken()) }.boxed(),
                _ => async { Ok(()) }.boxed(),
            };
            assert_eq!(one_by_one(&two, work, || false).await.is_ok(), ignored);
        }
    }

    #[tokio::test]
    async fn a_search_ends_when_one_has_found_and_ended() {
        let three = branches(3);
        let (out, mut found) = mpsc::channel(8);
        let work = |router: &Router, out: mpsc::Sender<Bytes>| match place(&three, router) {
            0 => std::future::pending().boxed(),
            1 => async { Err(Failed::NotFound) }.boxed(),
            _ => async move {
                let _ = out.send(Bytes::from_static(b"value")).await;
                Ok(())
            }
            .boxed(),
        };
        until_one_has_found(&three, work, out).await.unwrap();
        assert_eq!(found.recv().await.unwrap(), "value");
        assert!(found.recv().await.is_none());
    }
}
