//! Names of files: plain ones, and all that a file system allows.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::noise::Noise;

const PLAIN: [&str; 12] = [
    "a",
    "b",
    "readme.md",
    "data",
    "x.log",
    "keep.log",
    "index.html",
    "Z",
    "node_modules",
    "t.tmp",
    "photo.jpg",
    "sub",
];
const ODD: [&[u8]; 16] = [
    b"two words",
    b" leading",
    b"trailing ",
    b"new\nline",
    b"tab\tbed",
    b"quo\"te",
    b"apo'strophe",
    b"back\\slash",
    b"per%20cent",
    b"que?ry=1&b#c",
    b"star*[x]",
    b"--option",
    b"\xffbytes\xfe",
    b"half\xc3",
    b"cr\r",
    b"a:b;c",
];
const UNICODE: [&str; 6] = [
    "\u{fc}ml\u{e4}ut",
    "u\u{308}",
    "\u{65e5}\u{672c}",
    "\u{1f600}",
    "\u{416}",
    "\u{200f}rtl",
];

/// A name; `number` keeps the names of one folder apart.
pub(super) fn name(noise: &mut Noise, number: u64) -> OsString {
    let mut bytes = match noise.below(10) {
        0..=3 => noise.pick(&PLAIN).as_bytes().to_vec(),
        4 | 5 => noise.pick(&ODD).to_vec(),
        6 => noise.pick(&UNICODE).as_bytes().to_vec(),
        7 => b".hidden".to_vec(),
        8 => vec![b'n'; 1 + noise.below(180) as usize],
        _ => noise
            .bytes(6)
            .into_iter()
            .map(|byte| {
                if byte == b'/' || byte == 0 {
                    b'_'
                } else {
                    byte
                }
            })
            .collect(),
    };
    if number > 0 {
        let keep_end = bytes.ends_with(b".log") || bytes.ends_with(b".tmp");
        let mark = number.to_string().into_bytes();
        if keep_end {
            bytes.splice(0..0, mark);
        } else {
            bytes.extend(mark);
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn names_are_names() {
        let mut noise = Noise::new(3);
        for number in 0..2000 {
            let name = name(&mut noise, number);
            let bytes = name.as_bytes();
            assert!(!bytes.is_empty() && bytes.len() < 255);
            assert!(!bytes.contains(&b'/') && !bytes.contains(&0));
            assert!(bytes != b"." && bytes != b"..");
        }
    }
}
