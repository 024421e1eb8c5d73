//! Private keys: libp2p's protobuf message, and PKCS #8 in PEM.
#![no_main]

use basalt_fuzz::bounded;
use basalt_repo::{KeyFormat, PrivateKey};
use libfuzzer_sys::fuzz_target;

const FORMATS: [KeyFormat; 2] = [KeyFormat::Libp2p, KeyFormat::Pem];

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 64, 1 << 20, || {
        for format in FORMATS {
            let Ok(key) = PrivateKey::import(data, format, true) else {
                continue;
            };
            for format in FORMATS {
                let Ok(exported) = key.export(format) else {
                    continue;
                };
                let again = PrivateKey::import(&exported, format, true).expect("was written");
                assert_eq!(again.encoded(), key.encoded());
                assert_eq!(again.peer_id(), key.peer_id());
            }
        }
    });
});
