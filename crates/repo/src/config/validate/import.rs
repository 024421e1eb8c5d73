use super::Check;
use crate::go_text::quote;

impl Check<'_> {
    pub(super) fn import(&mut self) {
        let config = self.config;
        let import = config.import();
        if let Some(v) = import.cid_version.filter(|v| !matches!(v, 0 | 1)) {
            let key = "Import.CidVersion";
            self.fatal(key, format!("{key} must be 0 or 1, got {v}"));
        }
        self.at_least("Import.UnixFSFileMaxLinks", 1);
        self.at_least("Import.UnixFSDirectoryMaxLinks", 0);
        let suits = |v: &i64| (8..=1024).contains(v) && (*v as u64).is_power_of_two();
        if let Some(v) = import.hamt_fanout.filter(|v| !suits(v)) {
            let key = "Import.UnixFSHAMTDirectoryMaxFanout";
            self.fatal(
                key,
                format!("{key} must be a power of 2, between 8 and 1024 (got {v})"),
            );
        }
        self.at_least("Import.BatchMaxNodes", 1);
        self.at_least("Import.BatchMaxSize", 1);
        if let Some(chunker) = import.chunker.filter(|c| !is_chunker(c)) {
            let key = "Import.UnixFSChunker";
            let chunker = quote(&chunker);
            self.fatal(key, format!("{key} invalid format: {chunker} (expected \"size-<bytes>\", \"rabin-<min>-<avg>-<max>\", or \"buzhash\")"));
        }
        self.one_of(
            "Import.UnixFSHAMTDirectorySizeEstimation",
            &["links", "block", "disabled"],
            "\"links\", \"block\", or \"disabled\"",
        );
        self.one_of(
            "Import.UnixFSDAGLayout",
            &["balanced", "trickle"],
            "\"balanced\" or \"trickle\"",
        );
    }

    fn one_of(&mut self, key: &'static str, allowed: &[&str], words: &str) {
        if let Some(value) = self.config.string(key)
            && !allowed.contains(&value)
        {
            let value = quote(value);
            self.fatal(key, format!("{key} must be {words}, got {value}"));
        }
    }

    /// Kubo calls zero "non-negative" where it is allowed, and everything above "positive".
    pub(super) fn at_least(&mut self, key: &'static str, least: i64) {
        if let Some(v) = self.config.integer(key).filter(|v| *v < least) {
            let words = if least == 0 {
                "non-negative"
            } else {
                "positive"
            };
            self.fatal(key, format!("{key} must be {words}, got {v}"));
        }
    }
}

/// Whether the text names a chunker. Sizes that are too large are found out when it is made.
fn is_chunker(text: &str) -> bool {
    if let Some(size) = text.strip_prefix("size-") {
        return size.parse::<i64>().is_ok_and(|s| s > 0);
    }
    if let Some(rest) = text.strip_prefix("rabin-") {
        let sizes: Vec<i64> = rest.split('-').flat_map(str::parse).collect();
        return rest.split('-').count() == 3 && sizes.len() == 3 && sizes.is_sorted();
    }
    text == "buzhash"
}
