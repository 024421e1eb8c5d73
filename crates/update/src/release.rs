use std::fmt;

use serde::Deserialize;

/// A release, as its server describes it.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Release {
    /// Its name: the version, with a `v` before it.
    #[serde(rename = "tag_name", default)]
    pub tag: String,
    /// Whether it precedes a release.
    #[serde(rename = "prerelease", default)]
    pub is_early: bool,
    /// Its files.
    #[serde(default)]
    pub assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Asset {
    /// The name of the file.
    #[serde(default)]
    pub name: String,
    /// Where it is.
    #[serde(rename = "browser_download_url", default)]
    pub url: String,
}

/// What a program runs on, in the words of Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// The system: `linux`.
    pub os: &'static str,
    /// The processor: `amd64`.
    pub arch: &'static str,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch)
    }
}

impl Release {
    /// The version, without the `v` of the tag.
    pub fn version(&self) -> &str {
        self.tag.strip_prefix('v').unwrap_or(&self.tag)
    }

    /// The archive for a platform.
    pub fn asset(&self, platform: Platform) -> Option<&Asset> {
        let Platform { os, arch } = platform;
        let name = format!("basalt_{}_{os}-{arch}.tar.gz", self.tag);
        self.assets.iter().find(|asset| asset.name == name)
    }
}
