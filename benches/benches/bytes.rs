//! What happens to every byte that is added: it is cut into chunks, and each chunk is hashed.
#![allow(missing_docs)]

use basalt_block::{Block, Hasher, codec, hash_codes};
use basalt_chunker::Chunker;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SIZE: usize = 16 << 20;

/// Bytes that no chunker finds a pattern in (xorshift64).
fn noise(len: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..len / 8).flat_map(|_| next()).collect()
}

fn chunk(c: &mut Criterion) {
    let data = noise(SIZE);
    let mut group = c.benchmark_group("chunk");
    group
        .throughput(Throughput::Bytes(SIZE as u64))
        .sample_size(20);
    for name in ["size-262144", "size-1048576", "rabin", "buzhash"] {
        let chunker = Chunker::parse(name).expect("a chunker");
        group.bench_function(name, |b| {
            b.iter(|| {
                let chunks = chunker.chunks(data.as_ref());
                chunks
                    .map(|chunk| chunk.expect("memory").len())
                    .sum::<usize>()
            });
        });
    }
    group.finish();
}

fn hash(c: &mut Criterion) {
    let mut group = c.benchmark_group("hash");
    for size in [4 << 10, 256 << 10, 1 << 20] {
        let data = noise(size);
        group.throughput(Throughput::Bytes(size as u64));
        for (name, hasher) in [
            ("sha2-256", Hasher::SHA2_256),
            ("blake3", Hasher::new(hash_codes::BLAKE3)),
        ] {
            group.bench_function(format!("{name}/{size}"), |b| {
                b.iter(|| Block::hash(1, codec::RAW, hasher, data.clone()).expect("a block"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, chunk, hash);
criterion_main!(benches);
