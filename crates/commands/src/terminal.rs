//! Where the CLI writes.

use std::io::{self, Write};

/// Standard output and error of the CLI, with what is known of them.
pub struct Terminal {
    /// Standard output.
    pub out: Box<dyn Write + Send>,
    /// Standard error: progress and notes.
    pub err: Box<dyn Write + Send>,
    /// Whether standard error is a terminal: progress is shown there and nowhere else.
    pub err_is_terminal: bool,
    /// Columns of the terminal; 80 elsewhere.
    pub width: usize,
    /// The exit code of a command that ended without an error.
    pub exit: i32,
}

impl Terminal {
    /// Writes a line of progress over the one before; nothing where nobody looks.
    pub fn progress(&mut self, line: &str) -> io::Result<()> {
        if !self.err_is_terminal {
            return Ok(());
        }
        let shown: String = line.chars().take(self.width.saturating_sub(1)).collect();
        write!(self.err, "\r\x1b[2K{shown}")?;
        self.err.flush()
    }

    /// Removes the line of progress.
    pub fn clear_progress(&mut self) -> io::Result<()> {
        if !self.err_is_terminal {
            return Ok(());
        }
        write!(self.err, "\r\x1b[2K")?;
        self.err.flush()
    }
}
