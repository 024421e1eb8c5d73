use basalt_block::varint::Refused;
use basalt_block::{Cid, read_cid};
use bytes::Bytes;

use crate::input::Input;
use crate::{Error, Header, Reason, Result, Section, version_two};

/// The longest varint of a length, in bytes.
const MAX_VARINT: u32 = 9;

/// How long the parts of a CAR may be. The defaults are Kubo's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest header, in bytes.
    pub header: u64,
    /// The longest section, CID and data, in bytes.
    pub section: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: 32 << 20,
            section: 8 << 20,
        }
    }
}

/// What a CAR is made of.
#[derive(Debug, Clone)]
pub enum Event {
    /// The header with the roots: the first event, and once.
    Header(Header),
    /// A block.
    Section(Section),
}

/// Reads a CARv1 or CARv2 that comes piece by piece.
///
/// Holds one header or section at most, and no more of it than has come. What follows the payload of
/// a CARv2 is passed over: blocks are taken from the stream and need no index.
#[derive(Debug, Default)]
pub struct Decoder {
    limits: Limits,
    input: Input,
    state: State,
    length: Length,
    /// Bytes left of the payload of a CARv2.
    payload: Option<u64>,
    last: Option<Box<Cid>>,
    /// Where the present header or section begins.
    begin: u64,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    HeaderLength,
    Header(usize),
    VersionTwo,
    Skip(u64),
    SectionLength,
    Section(usize),
    Done,
}

/// A varint on its way.
#[derive(Debug, Clone, Copy, Default)]
struct Length {
    value: u64,
    bytes: u32,
}

impl Decoder {
    /// A decoder with other limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Takes the next piece. Call [`Decoder::next`] until it has nothing more before the next one.
    pub fn feed(&mut self, piece: Bytes) {
        if !matches!(self.state, State::Done) {
            self.input.feed(piece);
        }
    }

    /// Whether all blocks were read, whatever follows. Of a CARv1 only the end of the input tells.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The next event; `None` when more is needed, or nothing more will come.
    ///
    /// # Errors
    /// The CAR is not well-formed; nothing comes after that.
    // Not an iterator: `None` is not the end.
    #[expect(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Event>> {
        let next = self.step();
        next.map_err(|reason| {
            let error = self.error(reason);
            self.end();
            error
        })
    }

    /// Says that the input is over.
    ///
    /// # Errors
    /// It ends in the middle. Kubo takes some of these for the end: input with no header, or that
    /// ends just behind the length of a section, or a CARv2 shorter than it says.
    pub fn finish(&mut self) -> Result<()> {
        let reason = match self.state {
            State::Done => return Ok(()),
            State::SectionLength if self.length.bytes == 0 && self.payload.is_none() => {
                self.end();
                return Ok(());
            }
            State::HeaderLength if self.length.bytes == 0 && self.payload.is_none() => {
                Reason::Missing("the input is empty and no CAR")
            }
            State::Header(_) | State::Section(_) if !self.input.has_begun() => {
                Reason::Missing("the CAR ends behind the length of a section")
            }
            State::Skip(_) | State::HeaderLength | State::SectionLength
                if self.length.bytes == 0 =>
            {
                Reason::Missing("the CAR is shorter than its header says")
            }
            _ => Reason::Torn,
        };
        let error = self.error(reason);
        self.end();
        Err(error)
    }

    fn error(&self, reason: Reason) -> Error {
        Error {
            offset: self.begin,
            after: self.last.clone(),
            reason,
        }
    }

    fn end(&mut self) {
        self.state = State::Done;
        self.input.clear();
    }

    fn step(&mut self) -> Result<Option<Event>, Reason> {
        loop {
            match self.state {
                State::HeaderLength => {
                    let Some(len) = self.length()? else {
                        return Ok(None);
                    };
                    if len > self.limits.header {
                        return Err(Reason::HeaderTooLarge);
                    }
                    self.state = State::Header(self.within(len)?);
                }
                State::Header(len) => {
                    let Some(data) = self.input.item(len) else {
                        return Ok(None);
                    };
                    if let Some(header) = self.header(data)? {
                        return Ok(Some(Event::Header(header)));
                    }
                }
                State::VersionTwo => {
                    let Some(data) = self.input.item(version_two::LEN) else {
                        return Ok(None);
                    };
                    let place = version_two::read(&data)?;
                    self.payload = Some(place.size);
                    self.state = State::Skip(place.skip);
                }
                State::Skip(left) => {
                    let left = left - self.input.skip(left);
                    self.state = State::Skip(left);
                    if left > 0 {
                        return Ok(None);
                    }
                    self.state = State::HeaderLength;
                }
                State::SectionLength => {
                    if self.payload == Some(0) && self.length.bytes == 0 {
                        self.end();
                        return Ok(None);
                    }
                    let Some(len) = self.length()? else {
                        return Ok(None);
                    };
                    if len > self.limits.section {
                        return Err(Reason::SectionTooLarge);
                    }
                    self.state = State::Section(self.within(len)?);
                }
                State::Section(len) => {
                    let Some(data) = self.input.item(len) else {
                        return Ok(None);
                    };
                    return Ok(Some(Event::Section(self.section(data)?)));
                }
                State::Done => return Ok(None),
            }
        }
    }

    /// A header, unless it is only the beginning of a CARv2.
    fn header(&mut self, data: Bytes) -> Result<Option<Header>, Reason> {
        let header = Header::read(data)?;
        match (header.version, self.payload) {
            (1, _) => {
                self.state = State::SectionLength;
                return Ok(Some(header));
            }
            (2, None) => self.state = State::VersionTwo,
            (version, None) => return Err(Reason::Version(version)),
            (version, Some(_)) => return Err(Reason::PayloadVersion(version)),
        }
        Ok(None)
    }

    fn section(&mut self, data: Bytes) -> Result<Section, Reason> {
        let (cid, len) = read_cid(&data)?;
        let section = Section {
            cid,
            data: data.slice(len..),
            offset: self.begin,
            after: self.last.take(),
        };
        self.last = Some(Box::new(cid));
        self.state = State::SectionLength;
        Ok(section)
    }

    /// A length, byte by byte.
    fn length(&mut self) -> Result<Option<u64>, Reason> {
        loop {
            if self.length.bytes == 0 {
                self.begin = self.input.position();
            }
            if self.payload == Some(0) {
                return Err(Reason::Torn);
            }
            let Some(byte) = self.input.byte() else {
                return Ok(None);
            };
            if let Some(payload) = &mut self.payload {
                *payload -= 1;
            }
            let Length { value, bytes } = &mut self.length;
            *value |= u64::from(byte & 0x7f) << (7 * *bytes);
            *bytes += 1;
            if byte < 0x80 {
                let Length { value, bytes } = std::mem::take(&mut self.length);
                if byte == 0 && bytes > 1 {
                    return Err(Refused::NotMinimal.into());
                }
                return Ok(Some(value));
            }
            if *bytes == MAX_VARINT {
                return Err(Refused::Overflow.into());
            }
        }
    }

    /// Takes `len` bytes off the payload of a CARv2.
    fn within(&mut self, len: u64) -> Result<usize, Reason> {
        if let Some(payload) = &mut self.payload {
            *payload = payload.checked_sub(len).ok_or(Reason::Torn)?;
        }
        usize::try_from(len).map_err(|_| Reason::SectionTooLarge)
    }
}

#[cfg(test)]
mod tests;
