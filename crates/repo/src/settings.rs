//! `basalt.json`: settings that Kubo does not know. Tools load Kubo's config into structures of
//! Kubo's and write it back, so that a key of ours would vanish from it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};

use crate::config::MAX_CONFIG_SIZE;
use crate::layout::SETTINGS_FILE;
use crate::{Error, durable, go_json, parse_byte_size};

/// The settings that only Basalt has. Without the file, all are at their defaults; a key that is
/// not known is an error, since nobody but the user writes this file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
pub struct Settings {
    /// The store of blocks.
    pub store: StoreSettings,
    /// How peers reach the node.
    pub swarm: SwarmSettings,
}

/// `Swarm`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
pub struct SwarmSettings {
    /// `Certificate`: a file, in PEM, of the certificate for listeners of secure WebSocket and those
    /// that vouch for it. Relative to the repo.
    pub certificate: Option<PathBuf>,
    /// `CertificateKey`: a file, in PEM, of its key.
    pub certificate_key: Option<PathBuf>,
}

/// `Store`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
pub struct StoreSettings {
    /// `MemoryBudget`: bytes of memory that the store may fill under full load, such as `256MiB`.
    #[serde(deserialize_with = "budget")]
    pub memory_budget: Option<usize>,
}

/// The least memory that a store works with.
const LEAST: u64 = 8 << 20;

impl Settings {
    /// Reads the file in the repo `dir`, where there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] names the file and what is wrong in it.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let text = match durable::read_limited(&dir.join(SETTINGS_FILE), MAX_CONFIG_SIZE)? {
            None => return Ok(Self::default()),
            Some(Ok(text)) => text,
            Some(Err(size)) => {
                return Err(Error::Setting(format!(
                    "{SETTINGS_FILE} has {size} bytes, at most {MAX_CONFIG_SIZE} are read"
                )));
            }
        };
        Self::parse(&text)
    }

    /// Reads settings from the text of their file.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`].
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let bad = |problem: String| Error::Setting(format!("{SETTINGS_FILE}: {problem}"));
        let value = go_json::parse(text).map_err(|e| bad(e.to_string()))?;
        if !value.is_object() {
            return Err(bad("must be an object".to_owned()));
        }
        serde_json::from_value(value).map_err(|e| bad(e.to_string()))
    }
}

fn budget<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Size {
        Bytes(u64),
        Text(String),
    }
    let wrong = |why: String| de::Error::custom(format!("Store.MemoryBudget {why}"));
    let size = Option::<Size>::deserialize(from)
        .map_err(|_| wrong("must be a byte size such as \"256MiB\"".to_owned()))?;
    let bytes = match size {
        None => return Ok(None),
        Some(Size::Bytes(bytes)) => bytes,
        Some(Size::Text(text)) => parse_byte_size(&text)
            .map_err(|e| wrong(format!("must be a byte size such as \"256MiB\": {e}")))?,
    };
    match usize::try_from(bytes) {
        Ok(budget) if bytes >= LEAST => Ok(Some(budget)),
        _ => Err(wrong(format!("must be 8MiB or more, got {bytes} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Settings::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn without_a_file_all_is_at_its_default() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Settings::load(dir.path()).unwrap(), Settings::default());
        let text = br#"{"Store": {"MemoryBudget": "64 MiB"}}"#;
        std::fs::write(dir.path().join(SETTINGS_FILE), text).unwrap();
        let settings = Settings::load(dir.path()).unwrap();
        assert_eq!(settings.store.memory_budget, Some(64 << 20));
    }

    #[test]
    fn numbers_and_nothing_are_understood() {
        let of = |text: &str| {
            Settings::parse(text.as_bytes())
                .unwrap()
                .store
                .memory_budget
        };
        assert_eq!(
            of(r#"{"Store": {"MemoryBudget": 16777216}}"#),
            Some(16 << 20)
        );
        assert_eq!(of(r#"{"Store": {"MemoryBudget": null}}"#), None);
        assert_eq!(of(r#"{"Store": {}}"#), None);
        assert_eq!(of("{}"), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("[]", "basalt.json: must be an object"),
            ("{", "basalt.json: "),
            (
                r#"{"Stroe": {}}"#,
                "unknown field `Stroe`, expected `Store`",
            ),
            (r#"{"Store": {"X": 1}}"#, "unknown field `X`"),
            (r#"{"Store": 5}"#, "basalt.json: invalid type"),
            (
                r#"{"Store": {"MemoryBudget": "x"}}"#,
                "Store.MemoryBudget must be a byte size such as \"256MiB\"",
            ),
            (
                r#"{"Store": {"MemoryBudget": -1}}"#,
                "Store.MemoryBudget must be a byte size",
            ),
            (
                r#"{"Store": {"MemoryBudget": "1MiB"}}"#,
                "Store.MemoryBudget must be 8MiB or more, got 1048576 bytes",
            ),
        ] {
            let told = error(text);
            assert!(told.contains(part), "{text}: {told}");
        }
    }
}
