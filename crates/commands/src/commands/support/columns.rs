//! Columns that line up, as Go's `text/tabwriter` makes them with a padding of one.

use std::io::{self, Write};

/// Writes lines whose cells are separated by tabs. The last cell of a line belongs to no column,
/// and a column ends where a line has no such cell.
pub(crate) fn write_columns(
    w: &mut dyn Write,
    lines: &[impl AsRef<[u8]>],
    min_width: usize,
) -> io::Result<()> {
    let cells: Vec<Vec<&[u8]>> = lines
        .iter()
        .map(|line| line.as_ref().split(|b| *b == b'\t').collect())
        .collect();
    let mut widths: Vec<Vec<usize>> = cells.iter().map(|c| vec![0; c.len() - 1]).collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut from = 0;
        while from < cells.len() {
            let has = |line: usize| column + 1 < cells[line].len();
            if !has(from) {
                from += 1;
                continue;
            }
            let to = (from..cells.len())
                .find(|line| !has(*line))
                .unwrap_or(cells.len());
            let widest = cells[from..to].iter().map(|c| width(c[column]) + 1).max();
            let column_width = widest.unwrap_or(0).max(min_width);
            widths[from..to]
                .iter_mut()
                .for_each(|w| w[column] = column_width);
            from = to;
        }
    }
    for (cells, widths) in cells.iter().zip(&widths) {
        for (cell, wanted) in cells.iter().zip(widths) {
            w.write_all(cell)?;
            write!(w, "{:1$}", "", wanted - width(cell))?;
        }
        w.write_all(cells.last().unwrap_or(&&b""[..]))?;
        w.write_all(b"\n")?;
    }
    Ok(())
}

/// How many characters a cell has; a byte that is not UTF-8 counts as one.
fn width(cell: &[u8]) -> usize {
    cell.utf8_chunks()
        .map(|chunk| chunk.valid().chars().count() + chunk.invalid().len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::write_columns;

    #[test]
    fn columns_line_up_within_their_block() {
        let lines: Vec<String> = ["a\tbb\tc", "aaa\tb\tc", "title:", "x\ty"]
            .map(str::to_owned)
            .into();
        let mut out = Vec::new();
        write_columns(&mut out, &lines, 1).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "a   bb c\naaa b  c\ntitle:\nx y\n"
        );
    }
}
