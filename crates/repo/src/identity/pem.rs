//! The text form of PEM, as tolerant as Go's reader of it.

use multibase::Base;

/// One block of PEM.
pub(super) struct Block {
    /// What stands between `BEGIN` and the dashes.
    pub(super) kind: String,
    /// What the base64 says.
    pub(super) bytes: Vec<u8>,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const COLUMNS: usize = 64;

/// Writes a block.
pub(super) fn write(kind: &str, bytes: &[u8]) -> String {
    let base64 = Base::Base64Pad.encode(bytes);
    let mut text = format!("{BEGIN}{kind}{DASHES}\n");
    for line in base64.as_bytes().chunks(COLUMNS) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text + END + kind + DASHES + "\n"
}

/// The first whole block in a text; what stands before it does not matter.
pub(super) fn read(text: &[u8]) -> Option<Block> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim_end);
    // Each line begins at most one block, and the body of a broken one is not read again as long
    // as it has no line that begins another: time is linear.
    let mut begun = lines.by_ref().find_map(kind_of);
    while let Some(kind) = begun.take() {
        let mut body = String::new();
        let mut headers = true;
        for line in lines.by_ref() {
            if let Some(ended) = line.strip_prefix(END) {
                let ends_it = ended.strip_suffix(DASHES) == Some(kind);
                match Base::Base64Pad.decode(&body) {
                    Ok(bytes) if ends_it => {
                        let kind = kind.to_owned();
                        return Some(Block { kind, bytes });
                    }
                    _ => break,
                }
            }
            if let Some(kind) = kind_of(line) {
                begun = Some(kind);
                break;
            }
            headers &= line.contains(':') || line.is_empty();
            if !headers {
                body.extend(line.chars().filter(|c| !c.is_ascii_whitespace()));
            }
        }
        if begun.is_none() {
            begun = lines.by_ref().find_map(kind_of);
        }
    }
    None
}

fn kind_of(line: &str) -> Option<&str> {
    line.strip_prefix(BEGIN)?.strip_suffix(DASHES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_a_block_does_not_matter() {
        let text = write("PRIVATE KEY", &[7; 100]);
        assert_eq!(text.lines().map(str::len).max(), Some(COLUMNS));
        let around = format!(
            "junk\n-----BEGIN X-----\n!\n{}after",
            text.replace('\n', "\r\n")
        );
        for text in [text, around] {
            let block = read(text.as_bytes()).unwrap();
            assert_eq!(
                (block.kind.as_str(), block.bytes),
                ("PRIVATE KEY", vec![7; 100])
            );
        }
        let headers = "-----BEGIN A-----\nProc-Type: 4\n\nAAAA\n-----END A-----";
        assert_eq!(read(headers.as_bytes()).unwrap().bytes, [0; 3]);
        for none in [
            "",
            "-----BEGIN A-----",
            "-----BEGIN A-----\nAAA\n-----END A-----",
            "-----BEGIN A-----\nAAAA\n-----END B-----",
        ] {
            assert!(read(none.as_bytes()).is_none(), "{none}");
        }
    }
}
