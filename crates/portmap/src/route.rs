//! The default gateway, as the kernel tells it.

use std::net::Ipv4Addr;

/// Where the kernel lists routes.
const ROUTES: &str = "/proc/net/route";

/// The router of the default route; `None` where there is none, or the kernel does not say.
pub(crate) async fn gateway() -> Option<Ipv4Addr> {
    gateway_in(&tokio::fs::read_to_string(ROUTES).await.ok()?)
}

/// Lines of an interface, a destination, a gateway, flags, three numbers and a mask, in hexadecimal with
/// the bytes of addresses in the order of the machine.
fn gateway_in(routes: &str) -> Option<Ipv4Addr> {
    let routes = routes.lines().skip(1).filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let _interface = words.next()?;
        let mut number = || u32::from_str_radix(words.next()?, 16).ok();
        let (destination, gateway) = (number()?, number()?);
        let metric = line.split_ascii_whitespace().nth(6)?.parse::<u32>().ok()?;
        let usable = destination == 0 && gateway != 0;
        usable.then(|| (metric, Ipv4Addr::from(gateway.to_ne_bytes())))
    });
    routes.min_by_key(|(metric, _)| *metric).map(|(_, ip)| ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_gateway_is_found() {
        let table = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
            eth0 0000000A 00000000 0001 0 0 0 000000FF 0 0 0\n\
            wlan0 00000000 0102000A 0003 0 0 600 00000000 0 0 0\n\
            eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0\n";
        assert_eq!(gateway_in(table), Some(Ipv4Addr::new(192, 168, 1, 1)));
        for nothing in [
            "",
            "x",
            "a\nb",
            "a\neth0 0 0 0",
            "a\neth0 00000000 zz 1 0 0 0 0",
        ] {
            assert_eq!(gateway_in(nothing), None);
        }
    }
}
