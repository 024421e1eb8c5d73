//! Archives of releases.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use basalt_unixfs::tar::{Archive, HeaderKind, Member};
use flate2::read::GzDecoder;

use crate::{Error, Result};

/// What the program is called in an archive.
const PROGRAM: &[u8] = b"basalt/basalt";
/// The most bytes of a program: an archive may pretend to have any number.
const MOST: u64 = 1 << 30;

/// Writes the program that is in the archive at `archive` to `into`.
pub(crate) fn extract(archive: &Path, into: &mut File) -> Result<()> {
    let file = File::open(archive).map_err(Error::file("opening", archive))?;
    extract_from(BufReader::new(file), into, MOST)
}

fn extract_from(packed: impl Read, into: &mut impl io::Write, most: u64) -> Result<()> {
    let broken = |error: io::Error| Error::Archive(error.to_string());
    let mut archive = Archive::new(GzDecoder::new(packed));
    while let Some(member) = archive.next_member().map_err(broken)? {
        let size = match &member {
            Member::Known(header) if header.path == PROGRAM => match header.kind {
                HeaderKind::File(size) => size,
                _ => continue,
            },
            _ => continue,
        };
        if size > most {
            let what = "extracted binary";
            return Err(Error::TooLarge { what, limit: most });
        }
        // The archive's reader ends with the member, or says that it was cut off.
        io::copy(&mut archive, into).map_err(broken)?;
        return Ok(());
    }
    let name = String::from_utf8_lossy(PROGRAM);
    Err(Error::Archive(format!("{name} not found in the archive")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_unixfs::Mtime;
    use basalt_unixfs::tar::{Header, Times};
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    /// An archive of these files.
    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        for (path, content) in files {
            let header = Header {
                path: path.as_bytes().to_vec(),
                kind: HeaderKind::File(content.len() as u64),
                mode: 0o755,
                mtime: Mtime {
                    seconds: 0,
                    nanos: 0,
                },
            };
            out.write_all(&header.encode(Times::Seconds).unwrap())
                .unwrap();
            out.write_all(content).unwrap();
            let pad = content.len().next_multiple_of(512) - content.len();
            out.write_all(&vec![0; pad]).unwrap();
        }
        out.write_all(&[0; 1024]).unwrap();
        out.finish().unwrap()
    }

    fn extracted(archive: &[u8], most: u64) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        extract_from(archive, &mut out, most).map(|()| out)
    }

    #[test]
    fn the_program_is_found_among_others() {
        let files: &[(&str, &[u8])] = &[
            ("basalt/README.md", b"read me"),
            ("other/basalt", b"no"),
            ("basalt/basalt", b"program"),
        ];
        let archive = packed(files);
        assert_eq!(extracted(&archive, 7).unwrap(), b"program");
        let error = extracted(&archive, 6).unwrap_err().to_string();
        assert_eq!(error, "extracted binary exceeds maximum size of 6 bytes");
    }

    #[test]
    fn what_is_no_archive_of_a_release() {
        let none = extracted(&packed(&[("kubo/ipfs", b"x")]), 99).unwrap_err();
        assert_eq!(
            none.to_string(),
            "extracting binary: basalt/basalt not found in the archive"
        );
        assert!(extracted(b"", 99).is_err());
        assert!(extracted(b"<html>", 99).is_err());
        let program: Vec<u8> = (0..9000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        let whole = packed(&[("basalt/basalt", &program)]);
        assert_eq!(extracted(&whole, 1 << 20).unwrap(), program);
        for cut in [10, 300, whole.len() / 2] {
            assert!(extracted(&whole[..cut], 1 << 20).is_err(), "{cut}");
        }
    }
}
