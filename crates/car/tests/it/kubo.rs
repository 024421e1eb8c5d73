//! CARs that Kubo 0.43.0 wrote (`dag export`), in `testdata/car`.

use std::path::Path;

use basalt_car::{write_header, write_section};

use crate::reading::{Read, read};

fn vector(name: &str) -> (Vec<u8>, Read) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/car");
    let bytes = std::fs::read(path.join(name)).unwrap();
    let whole = read(&bytes, &[bytes.len()]);
    assert_eq!(whole.error, None, "{name}");
    assert_eq!(read(&bytes, &[1]), whole, "{name}");
    (bytes, whole)
}

#[test]
fn what_kubo_writes_is_read_and_written_the_same() {
    for (name, root, blocks) in [
        (
            "raw.car",
            "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4",
            1,
        ),
        (
            "tree.car",
            "QmUr9yDdSx5ybrXP82XCGmsnqYBX72sidsP3FTRE57yK98",
            8,
        ),
        (
            "node.car",
            "bafyreidgjylo3l5netifc4vwuaaigwbbhiif25diy7ahypyrqxbde3hkhu",
            11,
        ),
    ] {
        let (bytes, read) = vector(name);
        let roots: Vec<String> = read.roots.iter().map(ToString::to_string).collect();
        assert_eq!(
            (roots, read.blocks.len()),
            (vec![root.to_owned()], blocks),
            "{name}"
        );
        let mut again = Vec::new();
        write_header(&read.roots, &mut again);
        for block in &read.blocks {
            write_section(block.cid(), block.data(), &mut again);
        }
        assert_eq!(again, bytes, "{name}");
    }
}
