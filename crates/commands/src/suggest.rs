//! What a mistyped command may have meant.

/// The error for a word that is no command.
pub fn unknown_command(word: &str) -> String {
    let near = near(word);
    match near.as_slice() {
        [] => format!("Unknown Command \"{word}\"\n"),
        [one] => format!("Unknown Command \"{word}\"\n\nDid you mean this?\n\n\t{one}"),
        many => format!(
            "Unknown Command \"{word}\"\n\nDid you mean any of these?\n\n\t{}",
            many.join("\n\t")
        ),
    }
}

/// Commands that `word` contains, or else those at most three edits away, nearest first.
fn near(word: &str) -> Vec<&'static str> {
    let tops = crate::table::children("");
    let inside: Vec<_> = tops
        .iter()
        .copied()
        .filter(|name| word.contains(name))
        .collect();
    if !inside.is_empty() {
        return inside;
    }
    let mut by_distance: Vec<_> = tops
        .into_iter()
        .map(|name| (distance(word, name), name))
        .filter(|(d, _)| *d <= 3)
        .collect();
    by_distance.sort();
    by_distance.into_iter().map(|(_, name)| name).collect()
}

/// Edits from `from` to `to`: inserting costs 1, replacing 2, deleting 3, so that a word cut short
/// is nearer than one that is too long.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut above_left = row[0];
        row[0] = (i + 1) * 3;
        for (j, b) in to.iter().enumerate() {
            let above = row[j + 1];
            let replaced = above_left + if a == *b { 0 } else { 2 };
            row[j + 1] = replaced.min(above + 3).min(row[j] + 1);
            above_left = above;
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn missing_letters_are_cheaper_than_extra_ones() {
        assert_eq!(distance("cta", "cat"), 4);
        assert_eq!(distance("ca", "cat"), 1);
        assert_eq!(distance("catt", "cat"), 3);
        assert_eq!(distance("cat", "cat"), 0);
    }
}
