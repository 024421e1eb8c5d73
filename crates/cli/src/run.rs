//! One command line, from words to exit code.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt_commands::parse::{self, Line, Request};
use basalt_commands::table::Place;
use basalt_commands::{
    Code, Context, Entry, Error, Level, Meta, Reply, Result, Terminal, help, logs,
};

use crate::interrupt::Interrupt;
use crate::waiting::Watch;
use crate::{inputs, place};

/// Runs a command line and says what the process exits with.
pub(crate) async fn run(words: &[OsString]) -> u8 {
    let mut term = terminal();
    let (line, parsed) = parse::command_line(words);
    match run_line(&line, parsed, &mut term).await {
        Ok(code) => code,
        // Whoever reads our output has gone: that is their choice, not a failure worth a word.
        Err(Failed { error, .. }) if error.message == BROKEN_PIPE => SIGPIPE,
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
            u8::try_from(error.exit).unwrap_or(1)
        }
    }
}

const BROKEN_PIPE: &str = "Broken pipe (os error 32)";
/// What shells see of a program that a broken pipe has ended.
const SIGPIPE: u8 = 128 + 13;

/// How long a command that was interrupted may take to end.
const GRACE: Duration = Duration::from_secs(5);

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
) -> Result<u8, Failed> {
    let began = Instant::now();
    let mut globals = line.globals();
    parsed.map_err(Error::new)?;
    let limit = globals.timeout.as_deref().map(parse::duration).transpose();
    let limit = limit.map_err(Error::new)?;
    if globals.help || globals.short_help {
        print(term, &help::text(&line.path, globals.help, term.width))?;
        return Ok(0);
    }
    if globals.debug {
        logs().set_all(Level::Debug);
    }
    let limit = Limit {
        end: limit.map(|time| (began, time)),
        // The daemon takes the time that its requests need.
        interrupt: Interrupt::install((line.path != ["daemon"]).then_some(GRACE))?,
    };
    // No encoding is the one of people.
    globals.encoding = globals.encoding.filter(|encoding| !encoding.is_empty());
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
        return Ok(0);
    };
    let inputs = inputs::read(line, &entry.spec()).map_err(|error| Failed {
        error,
        then: Then::Usage,
    })?;
    if let Some(encoding) = &globals.encoding
        && !["json", "text", "xml"].contains(&encoding.as_str())
    {
        return Err(Error::new(format!("invalid encoding: {encoding}")).into());
    }
    let args = match entry.spec().about.binary_args {
        true => inputs.args.iter().map(|arg| binary(arg)).collect(),
        false => inputs.args,
    };
    let meta = Arc::new(Meta {
        args,
        parsed: line.parsed.clone(),
        globals,
        waits: basalt::Waits::default(),
    });
    let request = Request {
        entry,
        meta: meta.clone(),
        files: inputs.files,
    };
    execute(entry, meta, request, &limit, term).await?;
    Ok(u8::try_from(term.exit).unwrap_or(1))
}

/// An argument as requests carry arbitrary bytes.
fn binary(arg: &str) -> String {
    basalt::block::multibase_text(basalt::block::Base::Base64Url, arg.as_bytes())
}

/// What ends a command from outside.
struct Limit {
    /// When the command began, and its time.
    end: Option<(Instant, Duration)>,
    interrupt: Interrupt,
}

/// How long the daemon's answer may come after the time of a command is over.
const LAST_WORDS: Duration = Duration::from_millis(300);

impl Limit {
    /// Resolves when the time is over and the daemon, which ends the command by itself and says
    /// what it waited for, has had its chance to answer.
    async fn over(&self) {
        match self.end {
            Some((began, time)) => {
                let left = time.saturating_add(LAST_WORDS);
                tokio::time::sleep(left.saturating_sub(began.elapsed())).await;
            }
            None => std::future::pending().await,
        }
    }

    /// Whether the time was over before anything was done.
    fn is_over(&self) -> bool {
        self.end
            .is_some_and(|(began, time)| began.elapsed() >= time)
    }
}

async fn execute(
    entry: &'static dyn Entry,
    meta: Arc<Meta>,
    request: Request,
    limit: &Limit,
    term: &mut Terminal,
) -> Result<(), Failed> {
    let watched = term.err_is_terminal;
    let started = tokio::select! {
        started = start(entry, &meta, request, limit, watched) => started,
        () = limit.interrupt.asked() => Err(canceled()),
    };
    let Started {
        reply,
        remote,
        ctx,
        _watch,
    } = started?;
    let shown = tokio::select! {
        shown = entry.show(meta, reply, term) => shown,
        () = limit.interrupt.asked(), if !is_daemon(entry) => Err(canceled()),
        // The daemon ends the command by itself, but it may not answer at all.
        () = limit.over(), if remote => Err(Error::deadline()),
    };
    if let Some(node) = ctx.as_ref().and_then(Context::opened_node) {
        node.close().await;
    }
    shown.map_err(|error| {
        // Kubo notices that an argument is missing before it asks the daemon.
        let ours = error.message.starts_with("argument ");
        let then = if remote && error.code == Code::Client && !ours {
            Then::Pointer
        } else {
            Then::Nothing
        };
        Failed { error, then }
    })
}

fn canceled() -> Error {
    Error::new("context canceled")
}

/// A command that has begun.
struct Started {
    reply: Reply,
    /// Whether a daemon does it.
    remote: bool,
    ctx: Option<Context>,
    _watch: Option<Watch>,
}

async fn start(
    entry: &'static dyn Entry,
    meta: &Meta,
    request: Request,
    limit: &Limit,
    watched: bool,
) -> Result<Started> {
    let (spec, globals) = (entry.spec(), &meta.globals);
    let here = |repo: PathBuf, request: Request| {
        let config_file = globals.config_file.clone().map(Into::into);
        let ctx = Context::new(
            repo,
            config_file,
            crate::daemon::host(limit.interrupt.clone()),
        );
        Started {
            reply: entry.call(ctx.clone(), request),
            remote: false,
            ctx: Some(ctx),
            _watch: None,
        }
    };
    match place::choose(&spec, globals)? {
        // In Kubo's words for a command that has not begun.
        place::Where::Here(_) if limit.is_over() => Err(Error::new("timed out")),
        place::Where::There { .. } if limit.is_over() => Err(Error::deadline()),
        place::Where::Here(repo) => Ok(here(repo, request)),
        place::Where::There {
            mut daemon,
            address,
            fallback,
        } => {
            place::check_name(&address).await?;
            // The body of a request is gone once it is sent: whether anybody listens is found
            // out first. Who is named by the user may be of another version.
            let found = match globals.api {
                None => daemon.is_there().await,
                Some(_) => tokio::select! {
                    found = daemon.greet() => found,
                    () = limit.over() => return Err(Error::deadline()),
                },
            };
            match (found, fallback) {
                (Err(basalt_http::Error::Connect { .. }), Some(repo)) => Ok(here(repo, request)),
                // The daemon has gone without its file: it is as if there were none.
                (Err(basalt_http::Error::Connect { .. }), None)
                    if globals.api.is_none() && !spec.about.local =>
                {
                    Err(place::needs_daemon(&spec))
                }
                (Err(error), _) => Err(unreachable(&error)),
                (Ok(()), _) => {
                    let watch =
                        watched.then(|| Watch::start(daemon.clone(), spec.path, &meta.args));
                    let answer = tokio::select! {
                        answer = daemon.call(request) => answer,
                        () = limit.over() => return Err(Error::deadline()),
                    };
                    match answer {
                        Ok(reply) => Ok(Started {
                            reply,
                            remote: true,
                            ctx: None,
                            _watch: watch,
                        }),
                        Err(error) => Err(unreachable(&error)),
                    }
                }
            }
        }
    }
}

fn unreachable(error: &basalt_http::Error) -> Error {
    match error {
        basalt_http::Error::Connect { .. } => Error::new(
            "cannot connect to the api. Is the daemon running? To run as a standalone CLI command remove the api file in `$IPFS_PATH/api`",
        ),
        // What was to be sent could not be read: that is no failure of the daemon.
        basalt_http::Error::Upload(error) => Error::new(error.to_string()),
        error => Error::new(format!("no answer of the daemon: {error}")),
    }
}

/// The daemon looks after signals itself.
fn is_daemon(entry: &dyn Entry) -> bool {
    entry.spec().path == "daemon"
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
