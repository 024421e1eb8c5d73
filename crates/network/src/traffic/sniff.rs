//! Reads the protocol of a stream from its negotiation.

/// Bytes that are looked at before giving up.
const MOST: usize = 2048;

/// Reads one side of a negotiation: the side that says yes or no.
#[derive(Default)]
pub(crate) struct Sniff {
    seen: Vec<u8>,
    /// Bytes that were looked at.
    fed: usize,
    done: bool,
}

impl Sniff {
    /// Whether nothing more is to be learned.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Takes further bytes, and gives the protocol when it is there.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Option<String> {
        if self.done {
            return None;
        }
        let bytes = &bytes[..bytes.len().min(MOST - self.fed)];
        self.fed += bytes.len();
        self.seen.extend_from_slice(bytes);
        let (mut at, mut found) = (0, None);
        loop {
            match message(&self.seen[at..]) {
                Message::Partial if self.fed >= MOST => self.done = true,
                Message::Partial => {}
                Message::Whole(text, length) => {
                    at += length;
                    if text == "na" || text.starts_with("/multistream/") {
                        continue;
                    }
                    self.done = true;
                    found = text.starts_with('/').then(|| text.to_owned());
                }
                Message::Other => self.done = true,
            }
            break;
        }
        self.seen.drain(..at);
        if self.done {
            self.seen = Vec::new();
        }
        found
    }
}

enum Message<'a> {
    Partial,
    Whole(&'a str, usize),
    Other,
}

/// A message: its length as a varint, text, a line feed.
fn message(bytes: &[u8]) -> Message<'_> {
    let (length, head) = match bytes {
        [] => return Message::Partial,
        [one, ..] if *one < 0x80 => (usize::from(*one), 1),
        [_] => return Message::Partial,
        [one, two, ..] if *two < 0x80 => (usize::from(*one & 0x7f) | usize::from(*two) << 7, 2),
        _ => return Message::Other,
    };
    if length == 0 || length > MOST / 2 {
        return Message::Other;
    }
    let Some(body) = bytes.get(head..head + length) else {
        return Message::Partial;
    };
    match std::str::from_utf8(body)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
    {
        Some(text) => Message::Whole(text, head + length),
        None => Message::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_found_however_it_is_cut() {
        let whole = b"\x13/multistream/1.0.0\n\x03na\n\x11/ipfs/ping/1.0.0\nxxxx";
        for cut in 0..whole.len() {
            let mut sniff = Sniff::default();
            let first = sniff.feed(&whole[..cut]);
            let found = first.or_else(|| sniff.feed(&whole[cut..]));
            assert_eq!(found.as_deref(), Some("/ipfs/ping/1.0.0"), "{cut}");
            assert!(sniff.is_done());
        }
    }

    #[test]
    fn what_is_no_negotiation_is_given_up() {
        for bytes in [&b"\0"[..], b"\xff\xff\xff", b"\x05hello", &[0x7f; 4096]] {
            let mut sniff = Sniff::default();
            assert_eq!(sniff.feed(bytes), None);
            assert!(sniff.is_done(), "{bytes:?}");
        }
        let mut sniff = Sniff::default();
        for _ in 0..10_000 {
            sniff.feed(b"\x03na\n");
        }
        assert!(sniff.is_done() && sniff.seen.is_empty());
    }

    #[test]
    fn the_bound_is_the_same_however_it_is_cut() {
        let mut whole = b"\x03na\n".repeat(MOST / 4 - 3);
        whole.extend_from_slice(b"\x11/ipfs/ping/1.0.0\n");
        for size in [1, 3, 100, 5000] {
            let mut sniff = Sniff::default();
            let mut pieces = whole.chunks(size);
            assert!(pieces.all(|piece| sniff.feed(piece).is_none()), "{size}");
            assert!(sniff.is_done());
        }
    }
}
