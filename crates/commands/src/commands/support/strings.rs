use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::Result;

/// A list of lines; `null` for none, as Go writes a list that was never made.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Strings {
    strings: Option<Vec<String>>,
}

impl Strings {
    /// The lines, sorted.
    pub(crate) fn sorted(mut lines: Vec<String>) -> Self {
        lines.sort_unstable();
        Self::new(lines)
    }

    /// The lines in this order.
    pub(crate) fn new(lines: Vec<String>) -> Self {
        Self {
            strings: Some(lines).filter(|lines| !lines.is_empty()),
        }
    }

    /// The lines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.strings.iter().flatten().map(String::as_str)
    }

    /// Writes them, each on a line of its own.
    pub(crate) fn write(&self, w: &mut dyn Write) -> Result<()> {
        for line in self.strings.iter().flatten() {
            writeln!(w, "{line}")?;
        }
        Ok(())
    }
}
