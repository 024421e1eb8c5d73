/// How a reference is. The numbers and words are Kubo's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// The bytes are there and right.
    Ok = 0,
    /// The file or URL cannot be read.
    FileError = 10,
    /// The file is not there.
    NoFile = 11,
    /// The file has other bytes, or ends before.
    Changed = 12,
    /// The reference itself cannot be read.
    Other = 20,
    /// There is no reference to the block.
    Missing = 30,
}

impl Status {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::FileError => "error",
            Self::NoFile => "no-file",
            Self::Changed => "changed",
            Self::Other => "ERROR",
            Self::Missing => "missing",
        }
    }
}

/// Why the bytes of a reference cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The kind of failure.
    pub status: Status,
    /// What happened, in Kubo's words.
    pub message: String,
    /// Where that was, if the message does not say so.
    pub place: Option<String>,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{}: {place}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Broken {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            place: None,
        }
    }

    pub(crate) fn at(self, place: impl Into<String>) -> Self {
        let place = Some(place.into());
        Self { place, ..self }
    }
}
