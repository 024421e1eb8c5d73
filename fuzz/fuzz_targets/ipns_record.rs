//! Records of IPNS names.
#![no_main]

use basalt_fuzz::bounded;
use basalt_ipns::{MAX_RECORD_SIZE, Moment, Name, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 512, 64 << 10, || {
        let _ = String::from_utf8_lossy(data).parse::<Name>();
        if let Ok(moment) = String::from_utf8_lossy(data).parse::<Moment>() {
            assert_eq!(moment.to_string().parse(), Ok(moment));
        }
        let Ok(record) = Record::decode(data.to_vec()) else {
            return;
        };
        assert!(data.len() <= MAX_RECORD_SIZE);
        assert!(record.size() <= 2 * data.len());
        let _ = (record.value(), record.validity(), record.sequence(), record.ttl());
        let _ = record.compare(&record).map(|order| assert!(order.is_eq()));
        let name = Name::from_routing_key(b"/ipns/\x00\x00").expect("a multihash");
        assert!(record.validate(&name, Moment::now()).is_err());
    });
});
