//! Random options of `add`.

use crate::noise::Noise;

const HASHES: [&str; 9] = [
    "sha2-256",
    "sha2-512",
    "sha3-256",
    "sha3-512",
    "blake2b-256",
    "blake2s-256",
    "blake3",
    "keccak-256",
    "sha1",
];
const CHUNKERS: [&str; 12] = [
    "size-1",
    "size-7",
    "size-100",
    "size-256",
    "size-1000",
    "size-262144",
    "size-1048576",
    "rabin",
    "rabin-2048",
    "rabin-128-256-512",
    "rabin-1000-2000-4000",
    "buzhash",
];
const IGNORED: [&str; 8] = [
    "*.log",
    "sub*",
    "node_modules",
    "x.log",
    "*.tmp",
    "data/",
    "/a",
    ".hidden*",
];

/// What the options are, and the facts about them that the tree is made to fit.
#[derive(Debug, Default)]
pub(super) struct AddOptions {
    pub(super) args: Vec<String>,
    /// Bytes of a chunk, where the chunker's name says so.
    pub(super) chunk: Option<usize>,
    pub(super) dereference: bool,
    /// Directories may become HAMTs.
    sharded: bool,
}

impl AddOptions {
    /// Options for a tree of at most a few files, or for a `large` one.
    pub(super) fn new(noise: &mut Noise, large: bool) -> Self {
        let mut options = Self {
            sharded: large,
            ..Self::default()
        };
        options.layout(noise, large);
        options.directories(noise);
        options.selection(noise);
        options.form(noise);
        options
    }

    fn push(&mut self, arg: impl Into<String>) {
        self.args.push(arg.into());
    }

    fn layout(&mut self, noise: &mut Noise, large: bool) {
        if noise.once_in(2) {
            let chunker = noise.pick(&CHUNKERS);
            // A leaf a byte makes a large tree larger than the test is worth.
            let chunker = if large && chunker.len() <= 7 {
                "size-1000"
            } else {
                chunker
            };
            self.chunk = chunker
                .strip_prefix("size-")
                .and_then(|size| size.parse().ok());
            let written = noise.pick(&["--chunker=", "-s="]);
            self.push(format!("{written}{chunker}"));
        }
        let mut metadata = false;
        if noise.once_in(6) {
            self.push("--preserve-mode");
            metadata = true;
        }
        if noise.once_in(6) {
            self.push("--preserve-mtime");
            metadata = true;
        }
        if noise.once_in(12) {
            self.push(format!("--mode={:04o}", noise.below(0o10000)));
            metadata = true;
        }
        if noise.once_in(12) {
            self.push(format!(
                "--mtime={}",
                noise.below(4_000_000_000).cast_signed() - 2_000_000_000
            ));
            metadata = true;
            if noise.once_in(2) {
                self.push(format!("--mtime-nsecs={}", 1 + noise.below(999_999_999)));
            }
        }
        if noise.once_in(3) {
            self.push(format!("--cid-version={}", noise.below(2)));
        }
        if noise.once_in(4) {
            self.push(format!("--hash={}", noise.pick(&HASHES)));
        }
        // Raw leaves hold no mode and no time; the two together are an error, rarely wanted here.
        if noise.once_in(3) && (!metadata || noise.once_in(10)) {
            self.push(noise.pick(&["--raw-leaves", "--raw-leaves=true", "--raw-leaves=false"]));
        }
        if noise.once_in(4) {
            self.push(noise.pick(&["--trickle", "-t"]));
        }
        if noise.once_in(5) {
            self.push("--inline");
            if noise.once_in(2) {
                self.push(format!("--inline-limit={}", noise.below(129)));
            }
        }
        if noise.once_in(5) {
            let links = [2, 3, 10, 174, 1024][noise.below(5) as usize];
            self.push(format!("--max-file-links={links}"));
        }
    }

    fn directories(&mut self, noise: &mut Noise) {
        if noise.once_in(5) {
            let links = [1, 2, 5, 50, 1000][noise.below(5) as usize];
            self.push(format!("--max-directory-links={links}"));
            self.sharded = true;
        }
        if noise.once_in(5) {
            let fanout = [8, 16, 64, 256, 1024][noise.below(5) as usize];
            self.push(format!("--max-hamt-fanout={fanout}"));
        }
        if noise.once_in(6) {
            self.push("--empty-dirs=false");
        }
    }

    fn selection(&mut self, noise: &mut Noise) {
        if noise.once_in(2) {
            self.push(noise.pick(&["-H", "--hidden"]));
        }
        for _ in 0..2 {
            if noise.once_in(6) {
                self.push(format!("--ignore={}", noise.pick(&IGNORED)));
            }
        }
        if noise.once_in(8) {
            self.push("--ignore-rules-path=rules");
        }
        if noise.once_in(8) {
            self.push("--dereference-symlinks");
            self.dereference = true;
        }
        if noise.once_in(5) {
            self.push(noise.pick(&["-w", "--wrap-with-directory"]));
        }
    }

    fn form(&mut self, noise: &mut Noise) {
        // Kubo cannot hash a HAMT without storing it: it then misses its own nodes.
        if !self.sharded && noise.once_in(2) {
            self.push(noise.pick(&["-n", "--only-hash"]));
        }
        if noise.once_in(6) {
            self.push(noise.pick(&["-q", "--quiet"]));
        }
        if noise.once_in(8) {
            self.push("--pin=false");
        }
        if noise.once_in(10) {
            self.push(format!(
                "--cid-base={}",
                noise.pick(&["base32", "base36", "base58btc"])
            ));
        }
    }
}
