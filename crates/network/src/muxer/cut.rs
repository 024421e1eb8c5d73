/// Bytes of the head of a frame.
pub(super) const HEAD: usize = 12;
const DATA: u8 = 0;
const WINDOW: u8 = 1;
const SYN: u16 = 1;
const ACK: u16 = 2;
const FIN: u16 = 4;
const RST: u16 = 8;

/// Bytes of a body that are handed on as one frame. The library takes no frame of more than 1 MiB, though a
/// window may be larger, and implementations are there that fill one with a single frame.
const PART: usize = 64 << 10;

/// The head of a frame, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The stream.
    pub(super) id: u32,
    /// Bytes that follow.
    pub(super) body: usize,
    /// Whether the frame begins the stream.
    pub(super) opens: bool,
}

impl Head {
    fn read(bytes: &[u8; HEAD]) -> Self {
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let kind = bytes[1];
        let flags = u16::from_be_bytes([bytes[2], bytes[3]]);
        Self {
            id: word(4),
            body: match kind {
                DATA => word(8) as usize,
                _ => 0,
            },
            opens: matches!(kind, DATA | WINDOW) && flags & SYN != 0,
        }
    }
}

/// A frame that is handed on as several, since it is long.
#[derive(Debug)]
pub(super) struct Parts {
    head: [u8; HEAD],
    flags: u16,
    /// Bytes of the body in the parts that were not handed on yet; `None` after the last.
    left: Option<usize>,
}

impl Parts {
    /// The head of the next part and the length of its body. The first part begins a stream if the frame does,
    /// and the last one ends it.
    pub(super) fn next(&mut self) -> Option<([u8; HEAD], usize)> {
        let left = self.left?;
        let body = left.min(PART);
        let last = left == body;
        self.left = (!last).then(|| left - body);
        let flags = match last {
            true => self.flags,
            false => self.flags & !(FIN | RST),
        };
        self.flags &= !(SYN | ACK);
        let mut head = self.head;
        head[2..4].copy_from_slice(&flags.to_be_bytes());
        if body > 0 {
            head[8..].copy_from_slice(&(body as u32).to_be_bytes());
        }
        Some((head, body))
    }
}

/// Cuts a sequence of bytes into frames as it passes.
#[derive(Debug, Default)]
pub(super) struct Cut {
    head: [u8; HEAD],
    filled: usize,
    /// Bytes of the body that have not passed.
    left: usize,
}

/// What has passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A part of a head.
    Part,
    /// The rest of a head.
    Head(Head),
    /// So many bytes of a body.
    Body(usize),
}

impl Cut {
    /// Bytes up to the next end of a head or a body.
    pub(super) fn room(&self) -> usize {
        match self.left {
            0 => HEAD - self.filled,
            left => left,
        }
    }

    /// Whether the next byte is one of a head.
    pub(super) fn is_at_head(&self) -> bool {
        self.left == 0
    }

    /// The frame whose head has just passed, in parts.
    pub(super) fn parts(&self) -> Parts {
        Parts {
            head: self.head,
            flags: u16::from_be_bytes([self.head[2], self.head[3]]),
            left: Some(self.left),
        }
    }

    /// Takes what passes, at most [`Cut::room`] bytes.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Piece {
        if self.left > 0 {
            let count = bytes.len().min(self.left);
            self.left -= count;
            return Piece::Body(count);
        }
        let count = bytes.len().min(HEAD - self.filled);
        self.head[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
        self.filled += count;
        if self.filled < HEAD {
            return Piece::Part;
        }
        self.filled = 0;
        let head = Head::read(&self.head);
        self.left = head.body;
        Piece::Head(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u16, id: u32, length: u32) -> Vec<u8> {
        let (flags, id, length) = (flags.to_be_bytes(), id.to_be_bytes(), length.to_be_bytes());
        [&[0, kind][..], &flags, &id, &length].concat()
    }

    #[test]
    fn frames_are_found_however_they_are_cut() {
        let mut bytes = frame(DATA, SYN, 1, 5);
        bytes.extend(b"hello");
        bytes.extend(frame(WINDOW, 0, 1, 70_000));
        bytes.extend(frame(DATA, 4, 1, 0));
        bytes.extend(frame(WINDOW, SYN, 3, 0));
        bytes.extend(frame(2, 1, 0, 7));
        for size in 1..bytes.len() {
            let (mut cut, mut heads, mut body) = (Cut::default(), Vec::new(), 0);
            for piece in bytes.chunks(size) {
                let mut rest = piece;
                while !rest.is_empty() {
                    let count = rest.len().min(cut.room());
                    match cut.pass(&rest[..count]) {
                        Piece::Part => {}
                        Piece::Head(head) => heads.push(head),
                        Piece::Body(count) => body += count,
                    }
                    rest = &rest[count..];
                }
            }
            let of = |id, body, opens| Head { id, body, opens };
            let expected = [
                of(1, 5, true),
                of(1, 0, false),
                of(1, 0, false),
                of(3, 0, true),
                of(0, 0, false),
            ];
            assert_eq!((heads.as_slice(), body), (&expected[..], 5), "{size}");
        }
    }

    #[test]
    fn a_long_frame_is_handed_on_in_parts() {
        let mut cut = Cut::default();
        let length = 2 * PART + 5;
        cut.pass(&frame(DATA, SYN | FIN, 7, length as u32));
        let mut parts = cut.parts();
        let of = |flags, length: usize| {
            let head = frame(DATA, flags, 7, length as u32);
            Some((head.try_into().unwrap(), length))
        };
        assert_eq!(parts.next(), of(SYN, PART));
        assert_eq!(parts.next(), of(0, PART));
        assert_eq!(parts.next(), of(FIN, 5));
        assert_eq!(parts.next(), None);
        // What has no body is what it was.
        for (kind, length) in [(DATA, 0), (WINDOW, 70_000), (2, 9)] {
            let (mut cut, whole) = (Cut::default(), frame(kind, SYN | RST, 7, length));
            cut.pass(&whole);
            let mut parts = cut.parts();
            assert_eq!(parts.next(), Some((whole.try_into().unwrap(), 0)));
            assert_eq!(parts.next(), None);
        }
    }
}
