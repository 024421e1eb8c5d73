//! A unified diff of two short lists of lines.

/// Characters of a line that are shown.
const WIDTH: usize = 400;

/// Lines of `left` and `right` with ` `, `-` or `+` before them; empty when they are equal.
pub(crate) fn unified(left: &[String], right: &[String]) -> String {
    if left == right {
        return String::new();
    }
    // Longest common subsequence, from the end; answers are at most a few hundred lines.
    let (rows, columns) = (left.len() + 1, right.len() + 1);
    let mut longest = vec![0_u32; rows * columns];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            longest[i * columns + j] = if left[i] == right[j] {
                longest[(i + 1) * columns + j + 1] + 1
            } else {
                longest[(i + 1) * columns + j].max(longest[i * columns + j + 1])
            };
        }
    }
    let mut lines = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            lines.push((' ', &left[i]));
            i += 1;
            j += 1;
        } else if j == right.len()
            || (i < left.len() && longest[(i + 1) * columns + j] >= longest[i * columns + j + 1])
        {
            lines.push(('-', &left[i]));
            i += 1;
        } else {
            lines.push(('+', &right[j]));
            j += 1;
        }
    }
    let near = |at: usize| {
        let around = at.saturating_sub(2)..(at + 3).min(lines.len());
        lines[around].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut out = String::new();
    for (at, (mark, line)) in lines.iter().enumerate() {
        // The command itself shows always.
        if near(at) || line.starts_with("> ") {
            let end = line
                .char_indices()
                .nth(WIDTH)
                .map_or(line.len(), |(end, _)| end);
            out.push_str(&format!("  {mark}{}\n", &line[..end]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_marked() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(unified(&lines("a b"), &lines("a b")), "");
        assert_eq!(
            unified(&lines("a b c"), &lines("a x c")),
            "   a\n  -b\n  +x\n   c\n"
        );
        assert_eq!(unified(&lines("a"), &lines("a b")), "   a\n  +b\n");
    }
}
