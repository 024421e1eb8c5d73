//! An answer that is one JSON object with one list in it, taken apart as it comes: of `{"Entries":[…]}`
//! with a million rows the first are shown before the last have come.

/// The rows of the one list in an object.
pub(crate) struct Rows {
    /// What comes before the rows: `{"Entries":[`.
    head: Vec<u8>,
    state: State,
    /// What has come and was not given out.
    waiting: Vec<u8>,
    /// Where in `waiting` the last comma between two rows is.
    comma: Option<usize>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Whether rows were given out.
    given: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Rows,
    /// The list is over.
    Over,
    /// It is something else, to be read as it is.
    Other,
}

impl Rows {
    /// Of the list in the field `name`.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            head: format!("{{\"{name}\":[").into_bytes(),
            state: State::Head,
            waiting: Vec::new(),
            comma: None,
            depth: 0,
            in_string: false,
            escaped: false,
            given: false,
        }
    }

    /// Takes in what has come, and gives the rows that are whole as an object with a list of them.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Option<Vec<u8>> {
        if self.state == State::Head {
            let more = bytes.len().min(self.head.len() - self.waiting.len());
            self.waiting.extend_from_slice(&bytes[..more]);
            bytes = &bytes[more..];
            if !self.head.starts_with(&self.waiting) {
                self.state = State::Other;
            } else if self.waiting.len() == self.head.len() {
                self.state = State::Rows;
                self.waiting.clear();
            }
        }
        match self.state {
            State::Rows => self.rows(bytes),
            State::Other => {
                self.waiting.extend_from_slice(bytes);
                None
            }
            State::Head | State::Over => None,
        }
    }

    /// What is left when all has come: an answer that was no such object.
    pub(crate) fn finish(self) -> Vec<u8> {
        match self.state {
            State::Head | State::Other => self.waiting,
            State::Rows | State::Over => Vec::new(),
        }
    }

    /// How much is held back.
    pub(crate) fn held(&self) -> usize {
        self.waiting.len()
    }

    fn rows(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        for (n, byte) in bytes.iter().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b']' if self.depth == 0 => {
                    self.waiting.extend_from_slice(&bytes[..n]);
                    self.state = State::Over;
                    let rest = std::mem::take(&mut self.waiting);
                    return (!rest.is_empty() || !self.given).then(|| self.object(&rest));
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b',' if self.depth == 0 => self.comma = Some(self.waiting.len() + n),
                _ => {}
            }
        }
        self.waiting.extend_from_slice(bytes);
        let comma = self.comma.take()?;
        let rest = self.waiting.split_off(comma + 1);
        let whole = std::mem::replace(&mut self.waiting, rest);
        Some(self.object(&whole[..comma]))
    }

    fn object(&mut self, rows: &[u8]) -> Vec<u8> {
        self.given = true;
        [&self.head, rows, b"]}"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The rows that come of an answer cut into pieces of `len` bytes, and what is left.
    fn read(answer: &str, len: usize) -> (Vec<Value>, usize, String) {
        let mut rows = Rows::new("Entries");
        let (mut all, mut parts) = (Vec::new(), 0);
        for piece in answer.as_bytes().chunks(len) {
            if let Some(part) = rows.feed(piece) {
                let part: Value = serde_json::from_slice(&part).unwrap();
                all.extend(part["Entries"].as_array().unwrap().clone());
                parts += 1;
            }
        }
        (all, parts, String::from_utf8(rows.finish()).unwrap())
    }

    #[test]
    fn rows_are_the_same_however_they_are_cut() {
        let tricky = r#"{"Name":"a\"},]{\\","Type":1,"Of":[{"x":[]},2]}"#;
        let list: Vec<&str> = vec![r#"{"Name":"x"}"#, tricky, "7", r#"",]""#, "[]"];
        let want: Vec<Value> = list
            .iter()
            .map(|t| serde_json::from_str(t).unwrap())
            .collect();
        let answer = format!("{{\"Entries\":[{}]}}\n", list.join(","));
        for len in 1..=answer.len() {
            let (rows, parts, left) = read(&answer, len);
            assert_eq!(rows, want, "pieces of {len}");
            assert_eq!(left, "");
            assert!(parts >= 1);
        }
        assert!(read(&answer, 1).1 >= list.len());
    }

    #[test]
    fn other_answers_are_left_as_they_are() {
        for answer in [
            "{\"Entries\":null}\n",
            "{\"Other\":[1]}\n",
            "[]\n",
            "{\"Ent",
        ] {
            for len in 1..=answer.len() {
                assert_eq!(read(answer, len), (vec![], 0, answer.to_owned()));
            }
        }
        assert_eq!(read("{\"Entries\":[]}\n", 3), (vec![], 1, String::new()));
        // Cut off: what was whole was given.
        let (rows, _, left) = read("{\"Entries\":[1,2,{\"a\"", 2);
        assert_eq!((rows.len(), left.as_str()), (2, ""));
    }
}
