//! Which values a key may have, and which of several counts.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{Error, Result};

/// The rules of one namespace of keys.
pub trait Validator: Send + Sync + 'static {
    /// Checks a value.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what is wrong.
    fn validate(&self, key: &[u8], value: &[u8]) -> Result<()>;

    /// Whether a valid value counts more than another.
    fn is_better(&self, key: &[u8], value: &[u8], than: &[u8]) -> bool;
}

/// The rules of all namespaces; a key begins with its namespace between slashes.
#[derive(Clone, Default)]
pub struct Validators(HashMap<&'static str, Arc<dyn Validator>>);

impl Validators {
    /// Adds the rules of a namespace.
    pub fn with(mut self, namespace: &'static str, validator: impl Validator) -> Self {
        self.0.insert(namespace, Arc::new(validator));
        self
    }

    fn of(&self, key: &[u8]) -> Result<&dyn Validator> {
        let name = key
            .strip_prefix(b"/")
            .and_then(|rest| rest.split(|byte| *byte == b'/').next())
            .and_then(|name| std::str::from_utf8(name).ok());
        name.and_then(|name| self.0.get(name))
            .map(AsRef::as_ref)
            .ok_or(Error::UnknownNamespace)
    }

    /// Checks a value.
    ///
    /// # Errors
    /// [`Error::UnknownNamespace`], [`Error::Invalid`].
    pub fn validate(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.of(key)?.validate(key, value)
    }

    /// Whether a valid value counts more than another of the same key.
    pub fn is_better(&self, key: &[u8], value: &[u8], than: &[u8]) -> bool {
        self.of(key)
            .is_ok_and(|validator| validator.is_better(key, value, than))
    }
}
