//! Config files.
#![no_main]

use basalt_fuzz::bounded;
use basalt_repo::config::{Config, StartOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Every key that Kubo knows is there in the end, whatever the file says.
    bounded(data.len(), 1024, 1 << 20, || {
        let Ok(config) = Config::parse(data) else {
            return;
        };
        let again = Config::parse(config.to_text().as_bytes()).expect("what was written is read");
        assert_eq!(again, config);
        for daemon in [false, true] {
            let _ = config.validate(&StartOptions {
                daemon,
                online: daemon,
                ..StartOptions::default()
            });
        }
        for auto in [false, true] {
            let shown = config.show(auto);
            let identity = shown.get("Identity").and_then(|i| i.get("PrivKey"));
            assert!(identity.is_none(), "the private key is shown");
        }
        let _ = Config::parse(b"{}").expect("a config").replaced(data);
    });
});
