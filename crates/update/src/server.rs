//! The server that has releases.

use std::io::Write as _;
use std::time::Duration;

use basalt_http::{Body, Headers, fetch};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha512};
use tempfile::NamedTempFile;
use url::{Host, Url};

use crate::{Asset, Error, Platform, Release, Result, archive};

/// The environment variable with the URL of the list of releases.
pub const SERVER_VARIABLE: &str = "BASALT_UPDATE_URL";
/// Those with a token for GitHub, which answers more requests for it.
const TOKENS: [&str; 2] = ["GITHUB_TOKEN", "GH_TOKEN"];
const GITHUB: &str = "api.github.com";

/// The most bytes of an archive.
const MOST: u64 = 200 << 20;
/// The most bytes of a list of releases: a hundred of them, with all their files.
const MOST_LIST: usize = 16 << 20;
/// The most bytes of a file with a checksum.
const MOST_SUM: usize = 4 << 10;
/// How many of the newest releases are looked at for the platform.
const LOOK: usize = 10;
/// The most releases that a server gives at once.
const PAGE: usize = 100;
/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that has releases: `URL?per_page=N` lists them, the newest first, `URL/tags/TAG` is one.
#[derive(Debug, Clone)]
pub struct Server {
    url: Url,
    token: Option<String>,
}

impl Server {
    /// The server at `url`. It must be one of `https`, but on this machine.
    ///
    /// # Errors
    /// [`Error::BadServer`].
    pub fn new(url: &str) -> Result<Self> {
        let bad = |why: &str| Error::BadServer(format!("{url:?} {why}"));
        let parsed = Url::parse(url.trim_end_matches('/'));
        let parsed = parsed.map_err(|e| bad(&format!("is no URL: {e}")))?;
        if !is_trusted(&parsed) {
            return Err(bad("is not a URL of https"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(bad("has a query"));
        }
        let token = TOKENS.iter().find_map(|name| std::env::var(name).ok());
        let token = token.filter(|token| !token.is_empty());
        Ok(Self {
            token: token.filter(|_| parsed.host_str() == Some(GITHUB)),
            url: parsed,
        })
    }

    /// The server that the environment names.
    ///
    /// # Errors
    /// [`Error::NoServer`], and as [`Server::new`].
    pub fn from_environment() -> Result<Self> {
        match std::env::var(SERVER_VARIABLE) {
            Ok(url) if !url.is_empty() => Self::new(&url),
            _ => Err(Error::NoServer),
        }
    }

    /// The newest releases, at most `count`.
    ///
    /// # Errors
    /// The server does not answer, or not with a list.
    pub async fn releases(&self, count: usize, with_early: bool) -> Result<Vec<Release>> {
        // Early ones are left out afterwards.
        let page = if with_early {
            count
        } else {
            count.saturating_mul(3)
        };
        let url = format!("{}?per_page={}", self.url, page.min(PAGE));
        let all: Vec<Release> = self.ask(&url).await?;
        let wanted = all
            .into_iter()
            .filter(|release| with_early || !release.is_early);
        Ok(wanted.take(count).collect())
    }

    /// The newest release that there is for a platform.
    ///
    /// # Errors
    /// As [`Server::releases`]; [`Error::NoRelease`].
    pub async fn latest(&self, platform: Platform, with_early: bool) -> Result<Release> {
        let newest = self.releases(LOOK, with_early).await?;
        let mut fitting = newest.into_iter().filter(|r| r.asset(platform).is_some());
        fitting
            .next()
            .ok_or_else(|| Error::NoRelease(platform.to_string()))
    }

    /// Fetches the program of a release for a platform into a file, once its checksum is right.
    ///
    /// # Errors
    /// There is none, it cannot be fetched, or it is not what its checksum says.
    pub async fn program(&self, tag: &str, platform: Platform) -> Result<NamedTempFile> {
        let url = format!("{}/tags/{tag}", self.url);
        let release: Release = self
            .ask(&url)
            .await
            .map_err(|reason| Error::NoSuchRelease {
                tag: tag.to_owned(),
                reason: Box::new(reason),
            })?;
        // Its files are called after the tag that was asked for.
        let release = Release {
            tag: tag.to_owned(),
            ..release
        };
        let Some(asset) = release.asset(platform) else {
            return Err(Error::NoAsset {
                tag: tag.to_owned(),
                platform: platform.to_string(),
            });
        };
        let packed = self.archive(asset).await?;
        let unpack = move || {
            let mut program = temporary()?;
            archive::extract(packed.path(), program.as_file_mut())?;
            Ok(program)
        };
        let joined = tokio::task::spawn_blocking(unpack).await;
        joined.unwrap_or_else(|e| Err(Error::Archive(e.to_string())))
    }

    async fn archive(&self, asset: &Asset) -> Result<NamedTempFile> {
        let url = Url::parse(&asset.url);
        if self.url.scheme() == "https" && url.is_ok_and(|url| url.scheme() != "https") {
            return Err(Error::Insecure(asset.name.clone()));
        }
        let sum = self
            .read(&format!("{}.sha512", asset.url), MOST_SUM)
            .await?;
        let expected = checksum(&sum)?;
        let mut file = temporary()?;
        let mut body = answer(&asset.url, &Headers::new()).await?;
        let (mut hash, mut size) = (Sha512::new(), 0);
        while let Some(chunk) = chunk(&mut body, &asset.url).await? {
            size += chunk.len() as u64;
            if size > MOST {
                let what = "download";
                return Err(Error::TooLarge { what, limit: MOST });
            }
            hash.update(&chunk);
            // A page at a time, into the cache: nobody waits for a disk here.
            let written = file.as_file_mut().write_all(&chunk);
            written.map_err(Error::file("writing", file.path()))?;
        }
        let got = hex::encode(hash.finalize());
        if got != expected {
            return Err(Error::Checksum { expected, got });
        }
        Ok(file)
    }

    async fn ask<T: DeserializeOwned>(&self, url: &str) -> Result<T> {
        Ok(serde_json::from_slice(&self.read(url, MOST_LIST).await?)?)
    }

    async fn read(&self, url: &str, most: usize) -> Result<Vec<u8>> {
        let mut headers = Headers::from_iter([("Accept", "application/vnd.github+json")]);
        let own = Url::parse(url).is_ok_and(|url| url.host() == self.url.host());
        if let Some(token) = self.token.as_ref().filter(|_| own) {
            headers.append("Authorization", format!("Bearer {token}"));
        }
        let mut body = match answer(url, &headers).await {
            Err(Error::Status {
                status: 403 | 429, ..
            }) => {
                return Err(Error::RateLimit(match self.token {
                    None if self.url.host_str() == Some(GITHUB) => {
                        " (hint: set GITHUB_TOKEN or GH_TOKEN to avoid rate limits)"
                    }
                    _ => "",
                }));
            }
            body => body?,
        };
        let mut all = Vec::new();
        while let Some(chunk) = chunk(&mut body, url).await? {
            if all.len() + chunk.len() > most {
                let what = "the release server's answer";
                let limit = most as u64;
                return Err(Error::TooLarge { what, limit });
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}

/// Whether what comes from there may be run: the checksums come from there too.
fn is_trusted(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" && url.has_host() || url.scheme() == "http" && here
}

fn temporary() -> Result<NamedTempFile> {
    NamedTempFile::new().map_err(Error::file("writing into", &std::env::temp_dir()))
}

/// The body of what is at `url`.
async fn answer(url: &str, headers: &Headers) -> Result<Body> {
    let response = in_time(url, fetch(url, headers)).await?;
    match response.status {
        200 => Ok(response.body),
        status => Err(Error::Status {
            status,
            url: url.to_owned(),
        }),
    }
}

async fn chunk(body: &mut Body, url: &str) -> Result<Option<Bytes>> {
    in_time(url, body.chunk()).await
}

async fn in_time<T>(url: &str, work: impl Future<Output = basalt_http::Result<T>>) -> Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Error::Stalled {
            url: url.to_owned(),
            seconds: PATIENCE.as_secs(),
        }),
    }
}

/// The sum in `<hex>  <file>`.
fn checksum(text: &[u8]) -> Result<String> {
    let text = String::from_utf8_lossy(text);
    let sum = text.split_ascii_whitespace().next();
    let sum = sum.ok_or(Error::NoChecksum("empty or malformed .sha512 file"))?;
    if sum.len() != 128 || !sum.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Error::NoChecksum("invalid hex in SHA-512 checksum"));
    }
    Ok(sum.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_are_trusted() {
        for url in [
            "https://releases.example/basalt/",
            "http://127.0.0.1:8000/releases",
            "http://localhost:1",
            "http://[::1]/x",
        ] {
            Server::new(url).unwrap();
        }
        for url in [
            "",
            "releases.example",
            "http://releases.example/",
            "ftp://127.0.0.1/",
            "https://",
            "file:///etc",
            "https://a.example/?x",
            "http://127.0.0.1.example/",
        ] {
            let error = Server::new(url).unwrap_err().to_string();
            assert!(error.starts_with("BASALT_UPDATE_URL: "), "{url}: {error}");
        }
    }

    #[test]
    fn checksums_as_sha512sum_writes_them() {
        let sum = "AB".repeat(64);
        let line = format!("{sum}  basalt.tar.gz\n");
        assert_eq!(checksum(line.as_bytes()).unwrap(), "ab".repeat(64));
        for bad in ["", " \n", "abcd", &"x".repeat(128), &"a".repeat(129)] {
            assert!(checksum(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
