//! Kubo's config file.
//!
//! A [`Config`] keeps two things: the document as the file has it, with every key and its place,
//! and the same decoded against the schema, which the typed accessors read. Changes are made to
//! the document, so that keys which nobody here knows survive.

mod autoconf;
mod defaults;
mod diff;
mod document;
mod from_kubo;
mod keys;
mod normalize;
mod profiles;
mod provide_strategy;
mod replace;
mod schema;
mod secrets;
mod services;
mod typed;
mod validate;

use std::path::Path;

use serde_json::{Map, Value};

pub use autoconf::{AutoCache, AutoValues, Validators};
pub use defaults::fresh;
pub use diff::diff_text;
pub use keys::SetAs;
pub use profiles::{Profile, ProfileChange, profile, profiles};
pub use provide_strategy::ProvideStrategy;
pub use secrets::show_file;
pub use typed::{
    Addresses, AutoConf, Datastore, GatewaySettings, HamtEstimation, Import, Pubsub,
    RemotePinningService, RpcAuthorization,
};
pub use validate::{NOT_MADE, Problem, Severity, Stage, StartOptions};

use crate::{Error, durable, go_json};

/// A config file larger than this is not read. Kubo's is 4 KiB.
pub const MAX_CONFIG_SIZE: u64 = 16 << 20;

/// A node's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    document: Map<String, Value>,
    whole: Value,
    home: autoconf::AutoHome,
}

impl Config {
    /// Reads a config from the text of its file.
    ///
    /// # Errors
    ///
    /// [`Error::ConfigDecode`] with Kubo's words when the text is not JSON or a key that Kubo
    /// knows has a value of the wrong type; [`Error::ConfigTooLarge`].
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        check_size(text.len() as u64)?;
        let value = go_json::parse_first(text)
            .map_err(|e| Error::ConfigDecode(e.to_string()))?
            .ok_or_else(|| Error::ConfigDecode("EOF".to_owned()))?;
        Self::from_value(value)
    }

    pub(crate) fn from_value(value: Value) -> Result<Self, Error> {
        let whole = normalize::normalize(&value).map_err(Error::ConfigDecode)?;
        let document = match value {
            Value::Object(mut document) => {
                document.values_mut().for_each(go_json::plain_numbers);
                document
            }
            _ => Map::new(),
        };
        Ok(Self {
            document,
            whole,
            home: autoconf::AutoHome::default(),
        })
    }

    /// Reads the config file at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::NoConfig`] when it is not there, and as [`Config::parse`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        match durable::read_limited(path, MAX_CONFIG_SIZE)? {
            None => Err(Error::NoConfig),
            Some(Err(size)) => Err(too_large(size)),
            Some(Ok(text)) => Self::parse(&text),
        }
    }

    /// Writes the config file at `path`: atomically, durably, readable by the owner alone.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        durable::write(path, self.to_text().as_bytes(), 0o600)
    }

    /// The text of the file, as Kubo writes it: two spaces of indentation, no newline at the end.
    pub fn to_text(&self) -> String {
        // Strings, numbers and such can always be written.
        go_json::to_string_indented(&self.document).unwrap_or_default()
    }

    /// The document as the file has it, secrets included.
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// The config as Kubo's decoder sees it: every known key, secrets included.
    pub(crate) fn whole(&self) -> &Value {
        &self.whole
    }
}

fn check_size(size: u64) -> Result<(), Error> {
    if size <= MAX_CONFIG_SIZE {
        return Ok(());
    }
    Err(too_large(size))
}

fn too_large(size: u64) -> Error {
    Error::ConfigTooLarge {
        size,
        limit: MAX_CONFIG_SIZE,
    }
}
