//! Writing CARv1.

use basalt_block::{Cid, varint};

use crate::cbor::write_head;

const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
/// The tag of a link.
const LINK: u64 = 42;

/// Appends the header of a CARv1 with these roots.
pub fn write_header(roots: &[Cid], out: &mut Vec<u8>) {
    let mut header = Vec::with_capacity(32 + roots.len() * 41);
    write_head(MAP, 2, &mut header);
    text("roots", &mut header);
    write_head(LIST, roots.len() as u64, &mut header);
    for root in roots {
        let root = root.to_bytes();
        write_head(TAG, LINK, &mut header);
        write_head(BYTES, root.len() as u64 + 1, &mut header);
        header.push(0);
        header.extend(root);
    }
    text("version", &mut header);
    header.push(1);
    varint::write(header.len() as u64, out);
    out.extend(header);
}

fn text(text: &str, out: &mut Vec<u8>) {
    write_head(TEXT, text.len() as u64, out);
    out.extend(text.as_bytes());
}

/// Appends what stands before the bytes of a block of `len` bytes: the length of the section, and
/// the CID.
pub fn section_head(cid: &Cid, len: usize, out: &mut Vec<u8>) {
    varint::write((cid.encoded_len() + len) as u64, out);
    // Nothing fails in memory.
    let _ = cid.write_bytes(out);
}

/// Appends a section.
pub fn write_section(cid: &Cid, data: &[u8], out: &mut Vec<u8>) {
    section_head(cid, data.len(), out);
    out.extend_from_slice(data);
}
