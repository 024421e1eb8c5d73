/// The longest line that is read in one piece.
const LONGEST: usize = 4096;

/// Reads the lines of a header, without their ends.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at }
    }

    /// Where the next line begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// All that was not read.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.data[self.at..];
        self.at = self.data.len();
        rest
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = &self.data[self.at..];
        let window = &rest[..rest.len().min(LONGEST)];
        if window.is_empty() {
            return None;
        }
        if let Some(end) = window.iter().position(|byte| *byte == b'\n') {
            self.at += end + 1;
            let line = &window[..end];
            return Some(line.strip_suffix(b"\r").unwrap_or(line));
        }
        // A carriage return at the cut may belong to the end of the line.
        let line = match window.strip_suffix(b"\r") {
            Some(line) if window.len() == LONGEST => line,
            _ => window,
        };
        self.at += line.len();
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_they_do() {
        let mut lines = Lines::new(b"one\r\n\ntwo\n\nrest\nof it", 0);
        assert_eq!(lines.next(), Some(&b"one"[..]));
        assert_eq!(lines.next(), Some(&b""[..]));
        assert_eq!(lines.next(), Some(&b"two"[..]));
        assert_eq!(lines.next(), Some(&b""[..]));
        assert_eq!(lines.rest(), b"rest\nof it");
        assert_eq!(lines.next(), None);
        assert_eq!(Lines::new(b"cut", 0).next(), Some(&b"cut"[..]));
    }

    #[test]
    fn long_lines_come_in_pieces() {
        let long = [vec![b'x'; 4095], b"\r\ny".to_vec()].concat();
        let pieces: Vec<_> = Lines::new(&long, 0).map(<[u8]>::len).collect();
        assert_eq!(pieces, [4095, 0, 1]);
        let long = vec![b'x'; 10_000];
        let pieces: Vec<_> = Lines::new(&long, 0).map(<[u8]>::len).collect();
        assert_eq!(pieces, [4096, 4096, 1808]);
    }
}
