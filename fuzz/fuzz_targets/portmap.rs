//! What routers answer: descriptions in XML, faults, and the datagrams of SSDP, NAT-PMP and PCP.
#![no_main]

use basalt_fuzz::bounded;
use basalt_portmap::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 16, 64 << 10, || {
        if let Some(url) = decode::ssdp(data) {
            assert_eq!(url.scheme(), "http");
        }
        let _ = decode::pmp_address(data);
        let _ = decode::pmp_mapping(data, 2, 80);
        let _ = decode::pcp(data, &[7; 12]);
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        if let Some((service, path)) = decode::read_description(text) {
            assert!(service.starts_with("urn:schemas-upnp-org:service:WAN"));
            assert!(!path.is_empty());
        }
        let _ = decode::read_value(text, "NewExternalIPAddress");
        assert!(decode::read_fault(text).to_string().len() < 1000);
    });
});
