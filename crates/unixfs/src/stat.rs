/// A moment: seconds since 1970 (before it, negative) and the nanoseconds on top of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mtime {
    /// Whole seconds.
    pub seconds: i64,
    /// Nanoseconds, under 1,000,000,000.
    pub nanos: u32,
}

/// What UnixFS 1.5 may keep of a file or directory beside its content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Stat {
    /// The twelve permission bits.
    pub mode: Option<u32>,
    /// When the content last changed.
    pub mtime: Option<Mtime>,
}

impl Stat {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.mode.is_none() && self.mtime.is_none()
    }
}
