/// Whose fault an error is; decides the HTTP status and what the CLI prints after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Code {
    /// The command failed.
    #[default]
    Normal = 0,
    /// The request was wrong.
    Client = 1,
    /// The node has a bug.
    Implementation = 2,
    /// Too many requests.
    RateLimited = 3,
    /// The caller may not do this.
    Forbidden = 4,
}

/// A failed command, in the words that users and clients see.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The text after `Error: ` on the command line, `Message` in the RPC.
    pub message: String,
    /// Whose fault it is.
    pub code: Code,
    /// The exit code of the CLI.
    pub exit: i32,
}

impl Error {
    /// The command failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: Code::Normal,
            exit: 1,
        }
    }

    /// The request was wrong: HTTP 400, and a pointer to `--help` on the command line.
    pub fn client(message: impl Into<String>) -> Self {
        Self {
            code: Code::Client,
            ..Self::new(message)
        }
    }

    /// The request's time ran out.
    pub fn deadline() -> Self {
        Self::new("context deadline exceeded")
    }

    /// The request's time ran out, and it may be known what it waited for.
    pub fn deadline_of(waits: &basalt::Waits) -> Self {
        let mut error = Self::deadline();
        if let Some(why) = waits.now() {
            error.message.push_str(&format!(": {why}"));
        }
        error
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Self::new(e.to_string())
    }
}

impl From<basalt::mfs::Error> for Error {
    fn from(e: basalt::mfs::Error) -> Self {
        Self::new(e.to_string())
    }
}

impl From<basalt::Error> for Error {
    fn from(e: basalt::Error) -> Self {
        Self::new(e.to_string())
    }
}
