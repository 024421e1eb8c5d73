//! What the node calls itself.

use crate::{KUBO_VERSION, Node, VERSION};

/// The longest agent version, in characters.
const MOST: usize = 128;

/// The agent version: Kubo's, with Basalt's where Kubo has a commit, and then `suffix` unless it is
/// empty. Characters that could fool a terminal are replaced.
pub fn agent_version(suffix: &str) -> String {
    let suffix = printable(suffix);
    let gap = if suffix.is_empty() { "" } else { "/" };
    printable(&format!(
        "kubo/{KUBO_VERSION}/basalt-{VERSION}{gap}{suffix}"
    ))
}

/// A text that somebody else wrote, without what could fool a terminal, and not too long.
pub fn printable(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if is_unsafe(c) { '\u{fffd}' } else { c })
        .collect();
    plain.trim().chars().take(MOST).collect()
}

/// Control characters, and format characters such as those that turn the direction of text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

impl Node {
    /// The agent version of a node that serves: with the suffix of the setting
    /// `Version.AgentSuffix`, or else the one that it was opened with.
    pub fn agent_version(&self) -> String {
        let config = self.repo().map(|repo| repo.config());
        let set = config
            .as_ref()
            .and_then(|config| config.string("Version.AgentSuffix"));
        agent_version(set.or(self.agent_suffix()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_cleaned_and_cut() {
        let bare = format!("kubo/{KUBO_VERSION}/basalt-{VERSION}");
        assert_eq!(agent_version(""), bare);
        assert_eq!(agent_version(" docker\n"), format!("{bare}/docker\u{fffd}"));
        assert_eq!(agent_version("a\u{202e}b"), format!("{bare}/a\u{fffd}b"));
        assert_eq!(agent_version(&"x".repeat(500)).chars().count(), MOST);
    }
}
