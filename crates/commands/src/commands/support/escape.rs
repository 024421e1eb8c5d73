//! Names on a terminal.

use basalt::repo::go_quote;

/// A name with what cannot be printed, and backslashes, as Go's escapes; a name without such stays
/// as it is.
pub(crate) fn escape_name(name: &str) -> String {
    let quoted = go_quote(name);
    let inner = &quoted[1..quoted.len() - 1];
    inner.replace("\\\"", "\"")
}

#[cfg(test)]
mod tests {
    use super::escape_name;

    #[test]
    fn only_what_cannot_be_printed_is_escaped() {
        assert_eq!(escape_name("a \"b\" é"), "a \"b\" é");
        assert_eq!(escape_name("a\nb\\"), "a\\nb\\\\");
    }
}
