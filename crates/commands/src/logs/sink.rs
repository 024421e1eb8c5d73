//! Where lines go.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use super::line::Line;

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Format {
    /// Text with the level in colour.
    Colour,
    /// Text.
    #[default]
    Plain,
    /// JSON.
    Json,
}

/// Outputs for lines.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) format: Format,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
    pub(super) file: Option<Mutex<File>>,
}

impl Sink {
    /// Writes a line everywhere. Where that fails there is nobody left to tell.
    pub(super) fn write(&self, line: &Line) {
        let bytes = match self.format {
            Format::Json => line.json(),
            Format::Plain => line.text(false).into_bytes(),
            Format::Colour => line.text(true).into_bytes(),
        };
        if self.stderr {
            let _ = io::stderr().lock().write_all(&bytes);
        }
        if self.stdout {
            let _ = io::stdout().lock().write_all(&bytes);
        }
        if let Some(file) = &self.file {
            let _ = file
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write_all(&bytes);
        }
    }
}
