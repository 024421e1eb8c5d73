//! What is written is read, however it is cut; whatever else comes is refused and breaks nothing.

use basalt_block::{Block, Cid, Hasher, codec};
use basalt_car::{write_header, write_section};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::reading::read;

fn block() -> impl Strategy<Value = Block> {
    let codecs = prop_oneof![
        Just((0, codec::DAG_PB)),
        Just((1, codec::DAG_PB)),
        Just((1, codec::RAW)),
        Just((1, codec::DAG_CBOR)),
    ];
    let hashes = prop_oneof![
        4 => Just(Hasher::SHA2_256),
        1 => Just(Hasher::IDENTITY),
        1 => Just(Hasher::new(0x1e)),
    ];
    (codecs, hashes, vec(any::<u8>(), 0..120)).prop_map(|((version, codec), hasher, data)| {
        let hasher = if version == 0 {
            Hasher::SHA2_256
        } else {
            hasher
        };
        Block::hash(version, codec, hasher, data.into()).unwrap()
    })
}

fn car(roots: &[Cid], blocks: &[Block]) -> Vec<u8> {
    let mut car = Vec::new();
    write_header(roots, &mut car);
    for block in blocks {
        write_section(block.cid(), block.data(), &mut car);
    }
    car
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        blocks in vec(block(), 0..20),
        roots in vec(any::<prop::sample::Index>(), 0..30),
        cuts in vec(1usize..200, 1..20),
        padding in 0u64..20,
        two in any::<bool>(),
    ) {
        let roots: Vec<Cid> = if blocks.is_empty() {
            Vec::new()
        } else {
            roots.iter().map(|at| *at.get(&blocks).cid()).collect()
        };
        let mut bytes = car(&roots, &blocks);
        if two {
            let mut outer = vec![0x0a, 0xa1, 0x67];
            outer.extend(b"version\x02");
            outer.extend([0; 16]);
            for field in [51 + padding, bytes.len() as u64, 0] {
                outer.extend(field.to_le_bytes());
            }
            outer.resize(outer.len() + padding as usize, 0xee);
            outer.extend(bytes);
            bytes = outer;
        }
        let read = read(&bytes, &cuts);
        prop_assert_eq!(read.error, None);
        prop_assert_eq!(read.roots, roots);
        prop_assert_eq!(read.blocks, blocks);
    }

    #[test]
    fn a_bit_that_flips_is_noticed_or_harmless(
        blocks in vec(block(), 1..5),
        bit in any::<prop::sample::Index>(),
        cuts in vec(1usize..200, 1..5),
    ) {
        let roots = [*blocks[0].cid()];
        let mut bytes = car(&roots, &blocks);
        let header = car(&roots, &[]).len();
        let at = header * 8 + bit.index((bytes.len() - header) * 8);
        bytes[at / 8] ^= 1 << (at % 8);
        let read = read(&bytes, &cuts);
        // The codec in a CID is nothing that a hash knows of; what was said otherwise is. A digest of
        // no bytes fits everything: whoever stores blocks refuses it as too short.
        if read.error.is_none() {
            for (read, written) in read.blocks.iter().zip(&blocks) {
                let trusted = basalt_block::validate(read.cid()).is_ok();
                prop_assert!(!trusted || read.data() == written.data());
            }
        }
    }

    #[test]
    fn how_it_is_cut_makes_no_difference(
        bytes in vec(any::<u8>(), 0..300),
        cuts in vec(1usize..50, 1..10),
    ) {
        prop_assert_eq!(read(&bytes, &[bytes.len()]), read(&bytes, &cuts));
    }
}
