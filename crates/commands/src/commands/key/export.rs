use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use basalt::repo::{KeyFormat, Keystore, REPO_VERSION, check_ours, read_version};

use crate::{
    About, Arg, Call, Command, Error, Events, Out, Output, Result, Terminal, View, go_error,
};

crate::options! {
    /// Options of `key export`.
    pub(crate) struct Options {
        /// The file to write; the name of the key by default
        output: Option<String> = ["output", "o"],
        /// The form of the key: libp2p-protobuf-cleartext or pem-pkcs8-cleartext
        format: String = ["format", "f"] default "libp2p-protobuf-cleartext",
    }
}

/// `ipfs key export`.
pub(crate) struct Export;

#[async_trait]
impl Command for Export {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "key/export";
    const ABOUT: About = About::new("Write a key to a file.")
        .text(
            "Writes the private key as it is, not encrypted, to ./<name>.key, or to ./<name>.pem in
the form that OpenSSL reads. Only the owner of the file may read it. The daemon may be running.

Example:

  > ipfs key export site --format=pem-pkcs8-cleartext -o site.pem
  > openssl pkey -in site.pem -pubout",
        )
        .client_only()
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::required("name", "What the key is called.").stdin()];

    async fn run(call: Call<Options>, out: Output<()>) -> Result<()> {
        let name = call.meta.args[0].clone();
        if name == "self" {
            return Err(basalt::Error::from(basalt::repo::Error::OwnKey("export")).into());
        }
        let named = call.options.format.clone();
        let repo = call.ctx.repo().to_owned();
        let read = move || read(&repo, &name, &named);
        let bytes = tokio::task::spawn_blocking(read)
            .await
            .map_err(basalt::Error::from)??;
        out.bytes(bytes.into()).await
    }

    async fn show(view: &View<Options>, mut events: Events<()>, _: &mut Terminal) -> Result<()> {
        let mut bytes = Vec::new();
        while let Some(piece) = events.next().await? {
            if let Out::Bytes(piece) = piece {
                bytes.extend_from_slice(&piece);
            }
        }
        let path = output(view);
        let failed = |e: std::io::Error| Error::new(go_error("open", &path, &e));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        Ok(())
    }
}

/// Reads the keystore without the repo's lock: a key is written once and never changed.
fn read(repo: &Path, name: &str, format: &str) -> Result<Vec<u8>> {
    check_ours(repo).map_err(basalt::Error::from)?;
    let version = read_version(repo).map_err(basalt::Error::from)?;
    if version != i64::from(REPO_VERSION) {
        return Err(Error::new(format!(
            "key export expects repo version ({REPO_VERSION}) but found ({version})"
        )));
    }
    let key = Keystore::at(&repo.join("keystore"))
        .get(name)
        .map_err(|_| Error::new(format!("key with name '{name}' doesn't exist")))?;
    let format: KeyFormat = format
        .parse()
        .map_err(|()| Error::new(format!("unrecognized export format: {format}")))?;
    Ok(key.export(format).map_err(basalt::Error::from)?)
}

/// Where to write: never outside of the working directory, unless the user says where.
fn output(view: &View<Options>) -> PathBuf {
    if let Some(output) = view.options.output.as_deref().filter(|o| !o.is_empty()) {
        return output.into();
    }
    let format: KeyFormat = view.options.format.parse().unwrap_or_default();
    let name = view.meta.args.first().map_or("", String::as_str);
    let file = format!("{name}.{}", format.extension());
    file.rsplit('/').next().unwrap_or_default().into()
}
