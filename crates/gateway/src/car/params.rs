//! What of a DAG is wanted, and how.

use crate::ask::Ask;
use crate::format::{Format, Wanted};

/// How much of what the path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All that is under it.
    All,
    /// What makes a file or the list of a directory.
    Entity,
    /// One block.
    Block,
}

impl Scope {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Entity => "entity",
            Self::Block => "block",
        }
    }
}

/// Bytes of a file, both ends included; what is negative counts from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteRange {
    pub(crate) from: i64,
    pub(crate) to: Option<i64>,
}

impl ByteRange {
    /// Reads `from:to`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some((from, to)) = text.split_once(':').filter(|(_, to)| !to.contains(':')) else {
            return Err("range must have two numbers separated with ':'".to_owned());
        };
        let from = number(from)?;
        if to == "*" {
            return Ok(Self { from, to: None });
        }
        let to = number(to)?;
        if (from >= 0) == (to >= 0) && from > to {
            let why = "cannot have an entity-bytes range where 'from' is after 'to'";
            return Err(why.to_owned());
        }
        Ok(Self { from, to: Some(to) })
    }

    /// The first byte and the last of a file of `size` bytes; `None` for no bytes at all.
    pub(crate) fn within(&self, size: u64) -> Option<(u64, u64)> {
        let size = i128::from(size);
        let place = |at: i64| match at < 0 {
            true => size + i128::from(at),
            false => i128::from(at),
        };
        let from = place(self.from).max(0);
        let to = self.to.map_or(size - 1, place).min(size - 1);
        let found = (u64::try_from(from).ok()?, u64::try_from(to).ok()?);
        (from <= to).then_some(found)
    }
}

/// A number as Go's `strconv` reads and refuses it.
fn number(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let good = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let why = match good {
        true => "value out of range",
        false => "invalid syntax",
    };
    let number = text.parse().ok().filter(|_| good);
    let quoted = basalt_ipld::go_quote(text);
    number.ok_or_else(|| format!("strconv.ParseInt: parsing {quoted}: {why}"))
}

/// The parameters of a CAR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Params {
    pub(crate) scope: Scope,
    pub(crate) range: Option<ByteRange>,
    /// `dfs` or `unk`.
    pub(crate) order: &'static str,
    /// Whether a block comes as often as it is linked to.
    pub(crate) duplicates: bool,
}

impl Params {
    /// Reads the query, which comes first, and the parameters of the media type.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn of(ask: &Ask, wanted: &Wanted) -> Result<Self, String> {
        let range = match ask.param_if_any("entity-bytes") {
            Some(text) => Some(ByteRange::parse(text).map_err(|e| {
                format!("invalid application/vnd.ipld.car entity-bytes URL parameter: {e}")
            })?),
            None => None,
        };
        let unsupported =
            |what: &str| format!("unsupported application/vnd.ipld.car {what} parameter");
        let scope = match ask.param_if_any("dag-scope") {
            None | Some("all") => Scope::All,
            Some("entity") => Scope::Entity,
            Some("block") => Scope::Block,
            Some(_) => return Err(unsupported("scope")),
        };
        let either = |query: &str, param: &str| match ask.param(query) {
            "" => wanted.param(param).to_owned(),
            given => given.to_owned(),
        };
        if !matches!(either("car-version", "version").as_str(), "" | "1") {
            return Err(
                "unsupported application/vnd.ipld.car version: only version=1 is supported"
                    .to_owned(),
            );
        }
        let order = match either("car-order", "order").as_str() {
            "" | "dfs" => "dfs",
            "unk" => "unk",
            _ => return Err(unsupported("order")),
        };
        let duplicates = match either("car-dups", "dups").as_str() {
            "y" => true,
            "" | "n" => false,
            _ => return Err(unsupported("dups")),
        };
        Ok(Self {
            scope,
            range,
            order,
            duplicates,
        })
    }

    /// The media type of the answer.
    pub(crate) fn media_type(&self) -> String {
        let media = Format::Car.media_type();
        let dups = if self.duplicates { "y" } else { "n" };
        format!("{media}; version=1; order={}; dups={dups}", self.order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_of_a_file() {
        let within = |text: &str| ByteRange::parse(text).unwrap().within(10);
        assert_eq!(within("0:*"), Some((0, 9)));
        assert_eq!(within("2:3"), Some((2, 3)));
        assert_eq!(within("-3:*"), Some((7, 9)));
        assert_eq!(within("-99:2"), Some((0, 2)));
        assert_eq!(within("1:-2"), Some((1, 8)));
        assert_eq!(within("10:*"), None);
        assert_eq!(ByteRange::parse("0:*").unwrap().within(0), None);
        for (text, why) in [
            ("1", "range must have two numbers separated with ':'"),
            ("1:2:3", "range must have two numbers separated with ':'"),
            ("a:1", "strconv.ParseInt: parsing \"a\": invalid syntax"),
            ("*:1", "strconv.ParseInt: parsing \"*\": invalid syntax"),
            (
                "2:1",
                "cannot have an entity-bytes range where 'from' is after 'to'",
            ),
        ] {
            assert_eq!(ByteRange::parse(text).unwrap_err(), why, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_lies_within(text in "-?[0-9]{1,3}:(-?[0-9]{1,3}|\\*)", size in 0u64..500) {
            if let Some((from, to)) = ByteRange::parse(&text).ok().and_then(|r| r.within(size)) {
                prop_assert!(from <= to && to < size);
            }
        }
    }
}
