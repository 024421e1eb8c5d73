//! One command line, from words to exit code.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt_commands::parse::{self, Line, Request};
use basalt_commands::table::Place;
use basalt_commands::{
    Code, Context, Entry, Error, Globals, Level, Meta, Reply, Result, Terminal, help, logs,
};

use crate::{inputs, place};

/// Runs a command line and says what the process exits with.
pub(crate) async fn run(words: &[OsString]) -> ExitCode {
    let mut term = terminal();
    let (line, parsed) = parse::command_line(words);
    match run_line(&line, parsed, &mut term).await {
        Ok(code) => code,
        // Whoever reads our output has gone: that is their choice, not a failure worth a word.
        Err(Failed { error, .. }) if error.message == BROKEN_PIPE => ExitCode::FAILURE,
        Err(Failed { error, then }) => {
            let _ = term.out.flush();
            let _ = writeln!(term.err, "Error: {}", error.message);
            let _ = match then {
                Then::Nothing => Ok(()),
                Then::Usage => write!(term.err, "\n{}", help::text(&line.path, false, term.width)),
                Then::Pointer => writeln!(
                    term.err,
                    "Use 'ipfs {} --help' for information about this command",
                    line.path.join(" ")
                ),
            };
            ExitCode::from(u8::try_from(error.exit).unwrap_or(1))
        }
    }
}

const BROKEN_PIPE: &str = "Broken pipe (os error 32)";

/// What is printed after an error.
enum Then {
    Nothing,
    Usage,
    Pointer,
}

struct Failed {
    error: Error,
    then: Then,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            then: Then::Nothing,
        }
    }
}

async fn run_line(
    line: &Line,
    parsed: Result<(), String>,
    term: &mut Terminal,
) -> Result<ExitCode, Failed> {
    parsed.map_err(Error::new)?;
    let globals = line.globals();
    if globals.help || globals.short_help {
        print(term, &help::text(&line.path, globals.help, term.width))?;
        return Ok(ExitCode::SUCCESS);
    }
    if globals.debug {
        logs().set_all(Level::Debug);
    }
    if let Some(text) = &globals.timeout {
        parse::duration(text).map_err(Error::new)?;
    }
    let Some(Place::Command(entry)) = line.place else {
        let arguments = line.args.len();
        if arguments > 0 {
            let error = Error::new(format!("expected 0 argument(s), got {arguments}"));
            return Err(Failed {
                error,
                then: Then::Usage,
            });
        }
        print(term, &help::text(&line.path, false, term.width))?;
        return Ok(ExitCode::SUCCESS);
    };
    let inputs = inputs::read(line, &entry.spec()).map_err(|error| Failed {
        error,
        then: Then::Usage,
    })?;
    let meta = Arc::new(Meta {
        args: inputs.args,
        parsed: line.parsed.clone(),
        globals,
    });
    let request = Request {
        entry,
        meta: meta.clone(),
        files: inputs.files,
    };
    execute(entry, meta, request, term).await?;
    Ok(ExitCode::from(u8::try_from(term.exit).unwrap_or(1)))
}

async fn execute(
    entry: &'static dyn Entry,
    meta: Arc<Meta>,
    request: Request,
    term: &mut Terminal,
) -> Result<(), Failed> {
    let limit = match &meta.globals.timeout {
        Some(text) => Some(parse::duration(text).map_err(Error::new)?),
        None => None,
    };
    let began = Instant::now();
    let started = within(limit, start(entry, &meta.globals, request)).await;
    let (reply, remote, ctx) = started?;
    let left = limit.map(|limit| limit.saturating_sub(began.elapsed()));
    let shown = tokio::select! {
        shown = within(left, entry.show(meta, reply, term)) => shown,
        () = interrupted(), if !is_daemon(entry) => Err(Error::new("canceled")),
    };
    if let Some(node) = ctx.as_ref().and_then(Context::opened_node) {
        node.close().await;
    }
    shown.map_err(|error| {
        let then = if remote && error.code == Code::Client {
            Then::Pointer
        } else {
            Then::Nothing
        };
        Failed { error, then }
    })
}

/// Runs `work` for at most `limit`.
async fn within<T>(limit: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    match limit {
        None => work.await,
        Some(limit) => match tokio::time::timeout(limit, work).await {
            Ok(done) => done,
            Err(_) => Err(Error::deadline()),
        },
    }
}

async fn start(
    entry: &'static dyn Entry,
    globals: &Globals,
    request: Request,
) -> Result<(Reply, bool, Option<Context>)> {
    let here = |repo: PathBuf, request: Request| {
        let config_file = globals.config_file.clone().map(Into::into);
        let ctx = Context::new(repo, config_file, crate::daemon::host());
        (entry.call(ctx.clone(), request), false, Some(ctx))
    };
    match place::choose(&entry.spec(), globals)? {
        place::Where::Here(repo) => Ok(here(repo, request)),
        place::Where::There(daemon, fallback) => {
            // The body of a request is gone once it is sent: whether anybody listens is found
            // out first.
            match (daemon.is_there().await, fallback) {
                (Err(basalt_rpc::Error::Connect { .. }), Some(repo)) => Ok(here(repo, request)),
                (Err(error), _) => Err(unanswered(&error)),
                (Ok(()), _) => match daemon.call(request).await {
                    Ok(reply) => Ok((reply, true, None)),
                    Err(error) => Err(unanswered(&error)),
                },
            }
        }
    }
}

/// Why a request got no answer; where nobody listens, in the words of Kubo.
fn unanswered(error: &basalt_rpc::Error) -> Error {
    Error::new(match error {
        basalt_rpc::Error::Connect { .. } => "cannot connect to the api. Is the daemon running? To run as a standalone CLI command remove the api file in `$IPFS_PATH/api`".to_owned(),
        // What was to be sent could not be read: that is no failure of the daemon.
        basalt_rpc::Error::Upload(error) => error.to_string(),
        error => format!("no answer of the daemon: {error}"),
    })
}

/// The daemon looks after signals itself.
fn is_daemon(entry: &dyn Entry) -> bool {
    entry.spec().path == "daemon"
}

/// How long a command that was interrupted may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Resolves at Ctrl-C or SIGTERM. A second one, or a command that does not end, ends the process
/// where it stands: what is durable does not depend on a good end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    let (tell, told) = tokio::sync::oneshot::channel();
    // A task of its own: the command may be busy and never ask whether it shall end.
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = int.recv() => {}
                _ = term.recv() => {}
            }
        };
        next().await;
        let _ = tell.send(());
        let _ = tokio::time::timeout(GRACE, next()).await;
        std::process::exit(130);
    });
    if told.await.is_err() {
        std::future::pending().await
    }
}

fn print(term: &mut Terminal, text: &str) -> Result<()> {
    term.out.write_all(text.as_bytes())?;
    term.out.flush()?;
    Ok(())
}

fn terminal() -> Terminal {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    Terminal {
        out: Box::new(io::BufWriter::with_capacity(64 << 10, io::stdout())),
        err: Box::new(io::stderr()),
        err_is_terminal: io::stderr().is_terminal(),
        width: columns.filter(|_| io::stdout().is_terminal()).unwrap_or(80),
        exit: 0,
    }
}
