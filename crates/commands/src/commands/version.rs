use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{About, Call, Command, Output, Result, View};

pub(crate) mod check;
pub(crate) mod deps;

crate::options! {
    /// Options of `version`.
    pub(crate) struct Options {
        /// Write only the version number
        number: bool = ["number", "n"],
        /// Write the commit too
        commit: bool = ["commit"],
        /// Write the version of the repository's format
        repo: bool = ["repo"],
        /// Write everything that is known
        all: bool = ["all"],
    }
}

/// `ipfs version`.
pub(crate) struct Version;

/// What `version` says. `Version` is the Kubo version that is answered for, a strict semantic
/// version; `Commit` is Basalt's own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Info {
    version: String,
    commit: String,
    repo: String,
    system: String,
    golang: String,
}

impl Info {
    /// This build.
    pub(crate) fn of_this_build() -> Self {
        Self {
            version: basalt::KUBO_VERSION.to_owned(),
            commit: format!("basalt-{}", basalt::VERSION),
            repo: basalt::REPO_VERSION.to_string(),
            system: format!("{}/{}", go_arch(), std::env::consts::OS),
            // Clients expect the field; there is no Go here.
            golang: format!("rust{}", basalt::RUST_VERSION),
        }
    }

    fn everything(&self) -> String {
        let Self {
            version,
            commit,
            repo,
            system,
            golang,
        } = self;
        format!(
            "Kubo version: {version}-{commit}\nRepo version: {repo}\nSystem version: {system}\nGolang version: {golang}\n"
        )
    }
}

/// The architecture in the words of Go.
pub(crate) fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// What `version --all` prints, which a daemon says when it starts.
pub fn version_text() -> String {
    Info::of_this_build().everything()
}

#[async_trait]
impl Command for Version {
    type Options = Options;
    type Event = Info;
    type State = ();

    const PATH: &'static str = "version";
    const ABOUT: About = About::new("Show IPFS version information.").text(
        "Shows the version of Kubo that this node answers for, so that clients which check it find\nwhat they expect; --all also shows the version of Basalt itself.",
    )
    .no_repo();

    async fn run(_call: Call<Options>, out: Output<Info>) -> Result<()> {
        out.once(Info::of_this_build()).await
    }

    fn text(view: &View<Options>, _: &mut (), info: Info, w: &mut dyn Write) -> Result<()> {
        let options = &view.options;
        if options.repo {
            writeln!(w, "{}", info.repo)?;
            return Ok(());
        }
        let commit = if options.commit || options.all {
            format!("-{}", info.commit)
        } else {
            String::new()
        };
        if options.number {
            writeln!(w, "{}{commit}", info.version)?;
        } else if options.all {
            w.write_all(info.everything().as_bytes())?;
        } else {
            writeln!(w, "ipfs version {}{commit}", info.version)?;
        }
        Ok(())
    }
}
