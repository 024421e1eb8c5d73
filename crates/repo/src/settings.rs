//! `basalt.json`: settings that Kubo does not know. Tools load Kubo's config into structures of
//! Kubo's and write it back, so that a key of ours would vanish from it.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::MAX_CONFIG_SIZE;
use crate::layout::SETTINGS_FILE;
use crate::{Error, durable, go_json};

/// The settings that only Basalt has, by section. Without the file, all are at their defaults.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    sections: Map<String, Value>,
}

impl Settings {
    /// Reads the file in the repo `dir`, where there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] when it is not a JSON object.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let text = match durable::read_limited(&dir.join(SETTINGS_FILE), MAX_CONFIG_SIZE)? {
            None => return Ok(Self::default()),
            Some(Ok(text)) => text,
            Some(Err(size)) => {
                return Err(Error::ConfigTooLarge {
                    size,
                    limit: MAX_CONFIG_SIZE,
                });
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
        match go_json::parse(text).map_err(|e| bad(e.to_string()))? {
            Value::Object(sections) => Ok(Self { sections }),
            _ => Err(bad("must be an object".to_owned())),
        }
    }

    /// One section, decoded; its default where the file does not have it.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] names the section and what is wrong in it.
    pub fn section<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, Error> {
        match self.sections.get(name) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => serde_json::from_value(value.clone())
                .map_err(|e| Error::Setting(format!("{SETTINGS_FILE}: {name}: {e}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Default, PartialEq, Debug)]
    #[serde(default, deny_unknown_fields)]
    struct Store {
        cache_bytes: u64,
    }

    #[test]
    fn sections_have_defaults_and_errors_have_names() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::load(dir.path()).unwrap();
        assert_eq!(
            settings.section::<Store>("store").unwrap(),
            Store::default()
        );
        let settings =
            Settings::parse(br#"{"store": {"cache_bytes": 5}, "bad": {"x": 1}}"#).unwrap();
        assert_eq!(settings.section::<Store>("store").unwrap().cache_bytes, 5);
        let text = settings.section::<Store>("bad").unwrap_err().to_string();
        assert!(
            text.starts_with("basalt.json: bad: unknown field `x`"),
            "{text}"
        );
        assert!(Settings::parse(b"[]").is_err());
    }
}
