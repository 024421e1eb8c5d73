//! Content paths.
#![no_main]

use basalt_fuzz::bounded;
use basalt_ipld::Path;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 64, 16 << 10, || {
        for path in [
            Path::parse(data),
            Path::parse_uri(data),
            Path::parse_argument(data),
        ] {
            let Ok(path) = path else { continue };
            let again = Path::parse(path.as_bytes()).expect("a path reads as itself");
            assert_eq!(again.as_bytes(), path.as_bytes());
            assert_eq!(again.root_cid(), path.root_cid());
            for segment in path.segments() {
                assert!(
                    !matches!(segment, b"" | b"." | b".."),
                    "a path leads out of its root"
                );
            }
        }
    });
});
