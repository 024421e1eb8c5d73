//! `/logs`: what is logged from now on.

use basalt_commands::logs;
use tokio::sync::broadcast::error::RecvError;

use basalt_http::Result;
use basalt_http::{Headers, Request, Responder};

pub(super) async fn follow(request: Request, mut responder: Responder) -> Result<()> {
    let mut lines = logs().follow();
    let mut headers = Headers::new();
    headers.set("Content-Type", "text/plain; charset=utf-8");
    loop {
        let next = tokio::select! {
            () = request.cancel.cancelled() => None,
            next = lines.recv() => Some(next),
        };
        match next {
            Some(Ok((_, line))) => {
                if !responder.has_begun() {
                    responder.head(200, &headers)?;
                }
                responder.send(line).await?;
            }
            // A reader that is too slow misses lines; the daemon does not wait for it.
            Some(Err(RecvError::Lagged(_))) => {}
            Some(Err(RecvError::Closed)) | None => break,
        }
    }
    if !responder.has_begun() {
        responder.head(200, &headers)?;
    }
    responder.finish(None)
}
