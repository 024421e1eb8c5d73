//! What a tar archive holds, as lines: enough of the format for what `get` and `/api/v0/get` send.

use crate::mask::digest;

const BLOCK: usize = 512;

/// One line an entry: kind, mode, name, and the content's digest or the link's target.
pub(crate) fn list(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut long_name = None;
    while let Some((header, rest)) = bytes.split_at_checked(BLOCK) {
        bytes = rest;
        if header.iter().all(|&byte| byte == 0) {
            lines.push(format!("end, {} bytes follow", bytes.len()));
            return lines;
        }
        let size = octal(&header[124..136]);
        let Some((content, rest)) = bytes.split_at_checked(size) else {
            lines.push("\\ cut inside an entry".to_owned());
            return lines;
        };
        bytes = rest
            .get(size.next_multiple_of(BLOCK) - size..)
            .unwrap_or(&[]);
        let kind = header[156] as char;
        let name = long_name.take().unwrap_or_else(|| name(header));
        match kind {
            'x' => {
                long_name = pax_path(content);
                lines.push(format!("{kind} {}", pax_names(content)));
            }
            '2' => lines.push(format!("{kind} {name} -> {}", text(&header[157..257]))),
            _ => lines.push(format!(
                "{kind} {:o} {name} {}",
                octal(&header[100..108]),
                digest(content)
            )),
        }
    }
    lines.push("\\ no end marker".to_owned());
    lines
}

fn name(header: &[u8]) -> String {
    let (prefix, name) = (text(&header[345..500]), text(&header[..100]));
    if prefix.is_empty() {
        name
    } else {
        format!("{prefix}/{name}")
    }
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0);
    field[..end.unwrap_or(field.len())]
        .escape_ascii()
        .to_string()
}

fn octal(field: &[u8]) -> usize {
    usize::from_str_radix(text(field).trim(), 8).unwrap_or_default()
}

fn pax_names(content: &[u8]) -> String {
    let names: Vec<String> = pax(content).map(|(name, _)| name).collect();
    names.join(" ")
}

fn pax_path(content: &[u8]) -> Option<String> {
    pax(content)
        .find(|(name, _)| name == "path")
        .map(|found| found.1)
}

/// The records `length name=value` of an extended header.
fn pax(content: &[u8]) -> impl Iterator<Item = (String, String)> {
    let records = content.split(|&byte| byte == b'\n').filter_map(|record| {
        let record = record.escape_ascii().to_string();
        let (_, pair) = record.split_once(' ')?;
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    records.collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_shows_its_name_and_content() {
        let mut archive = vec![0; 3 * BLOCK];
        archive[..5].copy_from_slice(b"a.txt");
        archive[100..107].copy_from_slice(b"0000644");
        archive[124..135].copy_from_slice(b"00000000002");
        archive[156] = b'0';
        archive[BLOCK..BLOCK + 2].copy_from_slice(b"hi");
        let lines = list(&archive);
        assert!(
            lines[0].starts_with("0 644 a.txt 2 bytes, sha256 "),
            "{lines:?}"
        );
        assert_eq!(lines[1], "end, 0 bytes follow");
    }

    #[test]
    fn cut_archives_are_said_to_be_cut() {
        assert_eq!(list(b"x"), ["\\ no end marker"]);
        let mut header = vec![b'1'; BLOCK];
        header[156] = b'0';
        assert_eq!(list(&header), ["\\ cut inside an entry"]);
    }
}
