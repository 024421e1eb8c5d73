//! The same cuts and the same refusals as Kubo 0.43.
//!
//! A line of `kubo-chunks.txt` is a chunker, the seed and length of the data, the data's FNV-1a
//! hash, and the lengths of the chunks that Kubo's library made of it.

use basalt_chunker::Chunker;

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 32) as u8
    }
}

/// Stretches of random bytes, repeated bytes, zeros and few letters by turns.
fn data(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng(seed);
    let mut out = Vec::with_capacity(len);
    while out.len() < len {
        let stretch = (rng.next() % 300_000) as usize;
        let kind = rng.next() % 4;
        let period = (rng.next() % 100) as usize + 1;
        for i in 0..stretch.min(len - out.len()) {
            out.push(match kind {
                0 => rng.byte(),
                1 if i < period => rng.byte(),
                1 => out[out.len() - period],
                2 => 0,
                _ => b'a' + ((rng.next() >> 32) % 7) as u8,
            });
        }
    }
    out
}

fn fnv(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// A reader that returns a little at a time.
struct Drip<'a>(&'a [u8], usize);

impl std::io::Read for Drip<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.1.min(buf.len());
        self.0.read(&mut buf[..n])
    }
}

#[test]
fn cuts_are_those_of_kubo() {
    let mut cases = 0;
    let mut made = (0, 0, Vec::new());
    for line in include_str!("kubo-chunks.txt").lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("a word");
        let chunker = Chunker::parse(word()).expect("a chunker");
        let seed: u64 = word().parse().expect("a seed");
        let len: usize = word().parse().expect("a length");
        let hash = u64::from_str_radix(word(), 16).expect("a hash");
        let lengths: Vec<usize> = words.map(|w| w.parse().expect("a length")).collect();
        if (made.0, made.1) != (seed, len) {
            made = (seed, len, data(seed, len));
        }
        let data = &made.2;
        assert_eq!(fnv(data), hash, "the data of {line:.60}");

        let chunks: Vec<_> = chunker
            .chunks(&data[..])
            .map(|c| c.expect("no I/O"))
            .collect();
        assert!(chunks.iter().flatten().eq(data), "{line:.60}");
        assert!(
            chunks.iter().map(|c| c.len()).eq(lengths.iter().copied()),
            "{line:.60}: {:?}",
            chunks.iter().map(|c| c.len()).collect::<Vec<_>>()
        );
        if len < 1 << 20 {
            let step = 1 + seed as usize * 997 % 1500;
            let dripped = chunker
                .chunks(Drip(data, step))
                .map(|c| c.expect("no I/O").len());
            assert!(dripped.eq(lengths), "{line:.60} by {step} bytes");
        }
        cases += 1;
    }
    assert_eq!(cases, 119);
}

#[test]
fn refusals_read_as_those_of_kubo() {
    let too_large = "chunker parameters may not exceed the maximum chunk size of 2096896";
    let rabin_format =
        "incorrect format (expected 'rabin' 'rabin-[avg]' or 'rabin-[min]-[avg]-[max]'";
    let size_format = "incorrect chunker string format (expected size-{size})";
    for (text, error) in [
        ("foo-1", "unrecognized chunker option: foo-1"),
        ("default-1", "unrecognized chunker option: default-1"),
        ("size", size_format),
        ("size-1-2", size_format),
        ("size--5", size_format),
        ("size-0", "chunker size must be greater than 0"),
        ("size-2096897", too_large),
        ("size-abc", r#"strconv.Atoi: parsing "abc": invalid syntax"#),
        ("size-", r#"strconv.Atoi: parsing "": invalid syntax"#),
        (
            "size-99999999999999999999",
            r#"strconv.Atoi: parsing "99999999999999999999": value out of range"#,
        ),
        ("rabin-1-2", rabin_format),
        ("rabin-1-2-3-4", rabin_format),
        ("rabin-1397932", too_large),
        ("rabin-9223372036854775807", too_large),
        ("rabin-5-6-7", "rabin min must be greater than 16"),
        ("rabin-a:16-32-64", "first label must be min"),
        ("rabin-min:16-max:32-64", "second label must be avg"),
        ("rabin-16-32-avg:64", "final label must be max"),
        (
            "rabin-32-32-64",
            "incorrect format: rabin-min must be smaller than rabin-avg",
        ),
        (
            "rabin-16-64-64",
            "incorrect format: rabin-avg must be smaller than rabin-max",
        ),
        ("rabin-16-64-2096897", too_large),
    ] {
        assert_eq!(
            Chunker::parse(text).map_err(|e| e.to_string()),
            Err(error.to_owned())
        );
    }
}

#[test]
fn an_error_of_the_reader_ends_the_chunks() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("broken"))
        }
    }
    let reader = std::io::Read::chain(&b"abcdef"[..], Broken);
    let mut chunks = Chunker::Size(4).chunks(reader);
    assert_eq!(chunks.next().expect("a chunk").expect("bytes"), "abcd");
    assert!(chunks.next().expect("an error").is_err());
    assert!(chunks.next().is_none());
}

#[test]
fn parameters_without_sense_cut_somewhere() {
    let data = data(3, 10_000);
    for (min, avg, max) in [
        (0, 0, 0),
        (20, 5, 3),
        (usize::MAX, 0, 17),
        (16, usize::MAX, 16),
    ] {
        let chunks = Chunker::Rabin { min, avg, max }.chunks(&data[..]);
        assert_eq!(
            chunks.map(|c| c.expect("no I/O").len()).sum::<usize>(),
            data.len()
        );
    }
    assert_eq!(Chunker::Size(0).chunks(&data[..9]).count(), 9);
}
