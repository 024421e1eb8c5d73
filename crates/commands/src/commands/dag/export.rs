use std::time::{Duration, Instant};

use async_trait::async_trait;
use basalt::ExportOptions;

use crate::commands::support::{binary_bytes, parse_path, resolve_offline};
use crate::{About, Arg, Call, Command, Error, Events, Out, Output, Result, Terminal, View};

/// The time between two words on how far it has come.
const TELL: Duration = Duration::from_millis(500);

crate::options! {
    /// Options of `dag export`.
    pub(crate) struct Options {
        /// Show progress; the default on a terminal
        progress: Option<bool> = ["progress", "p"],
        /// Leave out what is not here or cannot be read, and what is under it; implies --offline
        local_only: bool = ["local-only"],
    }
}

/// `ipfs dag export`.
pub(crate) struct Export;

#[async_trait]
impl Command for Export {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "dag/export";
    const ABOUT: About = About::new("Write a DAG as a CAR.").text(
        "Writes the DAG under a root to standard output as a CARv1: a header that names the root,
then every block once, depth first and in the order of the links. What is missing is fetched.

With --local-only nothing is fetched: blocks that are not here or cannot be read are left out with
what is under them, and the CAR may be partial.

Example:

  > ipfs dag export <cid> >site.car
  > ipfs dag import site.car",
    );
    const ARGS: &'static [Arg] = &[Arg::required("root", "The root of the DAG.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<()>) -> Result<()> {
        let path = call.next_arg().await?.unwrap_or_default();
        let local_only = call.options.local_only;
        if local_only && call.meta.parsed.is_given("offline") {
            parse_path(&path)?;
            return Err(Error::new(
                "--local-only implies --offline and cannot be combined with --offline=false; please drop one of them",
            ));
        }
        let explicit = call.meta.globals.offline;
        let offline = explicit || local_only;
        let found = resolve_offline(&call, &path, offline).await?;
        let node = call.ctx.node().await?;
        let options = ExportOptions {
            offline,
            local_only,
        };
        let mut car = node.export_car(found.cid, options).await?;
        out.content_type("application/vnd.ipld.car").await?;
        loop {
            match car.next().await {
                Ok(Some(bytes)) => out.bytes(bytes).await?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let advice = match (error.is_missing(), explicit, node.is_online()) {
                        (false, ..) | (true, false, true) => "",
                        (true, true, _) => {
                            " (currently offline, perhaps retry without the offline flag)"
                        }
                        (true, false, false) => {
                            " (currently offline, perhaps retry after attaching to the network)"
                        }
                    };
                    return Err(Error::new(format!("{error}{advice}")));
                }
            }
        }
    }

    async fn show(view: &View<Options>, mut events: Events<()>, term: &mut Terminal) -> Result<()> {
        let wanted = view.options.progress.unwrap_or(term.err_is_terminal);
        let (mut done, began) = (0, Instant::now());
        let mut told = began;
        while let Some(event) = events.next().await? {
            let Out::Bytes(bytes) = event else { continue };
            term.out.write_all(&bytes)?;
            done += bytes.len() as u64;
            if wanted && term.err_is_terminal && told.elapsed() >= TELL {
                told = Instant::now();
                term.progress(&progress(done, began.elapsed()))?;
            }
        }
        term.out.flush()?;
        if wanted {
            term.clear_progress()?;
            write!(term.err, "{}", progress(done, began.elapsed()))?;
            if term.err_is_terminal {
                writeln!(term.err)?;
            }
            term.err.flush()?;
        }
        Ok(())
    }
}

/// How much was written, how fast, and since when.
fn progress(done: u64, took: Duration) -> String {
    // The speed of what is over in no time is not known.
    let speed = if took < TELL {
        "?/s".to_owned()
    } else {
        format!(
            "{}/s",
            binary_bytes((done as f64 / took.as_secs_f64()) as u64)
        )
    };
    let (secs, millis) = (took.as_secs(), took.subsec_millis());
    let time = match secs {
        0 => format!("{}ms", millis / 100 * 100),
        1..60 => format!("{secs}s"),
        60..3600 => format!("{}m{:02}s", secs / 60, secs % 60),
        _ => format!("{}h{:02}m{:02}s", secs / 3600, secs / 60 % 60, secs % 60),
    };
    format!("{} {speed} {time}", binary_bytes(done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_what_was_written_and_how_fast() {
        let at = |done, millis| progress(done, Duration::from_millis(millis));
        assert_eq!(at(3_000_000, 120), "2.86 MiB ?/s 100ms");
        assert_eq!(at(3 << 20, 2000), "3.00 MiB 1.50 MiB/s 2s");
        assert_eq!(at(0, 3_723_000), "0 B 0 B/s 1h02m03s");
    }
}
