//! A router that speaks UPnP: a device that has the service of an internet connection.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use url::Url;

use crate::xml::{self, Piece};
use crate::{Error, Mapping, Protocol, soap};

/// The services that forward ports, the better first.
const SERVICES: [&str; 3] = [
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
];
/// How the forwarding is called in the router's list, as go-libp2p calls it.
const LABEL: &str = "libp2p";
/// The port is taken, or cannot be had.
const CONFLICT: [u32; 2] = [718, 501];
/// The router forwards for ever or not at all.
const ONLY_PERMANENT: u32 = 725;
/// Other ports that are tried.
const TRIES: usize = 3;

#[derive(Debug)]
pub(crate) struct Upnp {
    control: Url,
    service: &'static str,
    /// This machine, as the router reaches it.
    client: IpAddr,
}

impl Upnp {
    /// The router that describes itself at `location`.
    pub(crate) async fn at(location: &Url) -> Result<Self, Error> {
        let description = soap::get(location).await?;
        let (service, path) =
            read_description(&description).ok_or(Error::Malformed("no service that forwards"))?;
        let control = location
            .join(&path)
            .map_err(|_| Error::Malformed("the URL of a service"))?;
        // What is described elsewhere is not this router's.
        if control.scheme() != "http" || control.host() != location.host() {
            return Err(Error::Malformed("a service at another place"));
        }
        let client = local_address(location).await?;
        Ok(Self {
            control,
            service,
            client,
        })
    }

    async fn call(&self, function: &str, arguments: &[(&str, String)]) -> Result<String, Error> {
        soap::call(&self.control, self.service, function, arguments).await
    }

    /// The router's address on the internet.
    pub(crate) async fn external(&self) -> Result<Ipv4Addr, Error> {
        let answer = self.call("GetExternalIPAddress", &[]).await?;
        let text = soap::read_value(&answer, "NewExternalIPAddress").unwrap_or_default();
        text.parse().map_err(|_| Error::Malformed("no address"))
    }

    pub(crate) async fn map(
        &self,
        protocol: Protocol,
        port: u16,
        from: u16,
        time: Duration,
    ) -> Result<(Mapping, Option<Duration>), Error> {
        let external = self.external().await?;
        let (mut from, mut time, mut tries) = (from, Some(time), 0);
        loop {
            match self.add(protocol, port, from, time).await {
                Ok(()) => break,
                Err(Error::Refused { code, .. }) if code == ONLY_PERMANENT && time.is_some() => {
                    time = None;
                }
                Err(Error::Refused { code, .. }) if CONFLICT.contains(&code) && tries < TRIES => {
                    tries += 1;
                    from = rand::random_range(10_000..60_000);
                }
                Err(error) => return Err(error),
            }
        }
        let mapping = Mapping {
            protocol,
            port,
            external: SocketAddr::new(external.into(), from),
        };
        Ok((mapping, time))
    }

    async fn add(
        &self,
        protocol: Protocol,
        port: u16,
        from: u16,
        time: Option<Duration>,
    ) -> Result<(), Error> {
        let seconds = time.map_or(0, |time| time.as_secs().max(1));
        let arguments = [
            ("NewRemoteHost", String::new()),
            ("NewExternalPort", from.to_string()),
            ("NewProtocol", name(protocol).to_owned()),
            ("NewInternalPort", port.to_string()),
            ("NewInternalClient", self.client.to_string()),
            ("NewEnabled", "1".to_owned()),
            ("NewPortMappingDescription", LABEL.to_owned()),
            ("NewLeaseDuration", seconds.to_string()),
        ];
        self.call("AddPortMapping", &arguments).await.map(drop)
    }

    pub(crate) async fn unmap(&self, mapping: Mapping) -> Result<(), Error> {
        let arguments = [
            ("NewRemoteHost", String::new()),
            ("NewExternalPort", mapping.external.port().to_string()),
            ("NewProtocol", name(mapping.protocol).to_owned()),
        ];
        self.call("DeletePortMapping", &arguments).await.map(drop)
    }
}

fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    }
}

/// The address from which this machine reaches the router.
async fn local_address(router: &Url) -> Result<IpAddr, Error> {
    let host = router.host_str().unwrap_or_default();
    let ip: IpAddr = host.parse().map_err(|_| Error::Malformed("a host"))?;
    local_address_to(SocketAddr::new(
        ip,
        router.port_or_known_default().unwrap_or(80),
    ))
    .await
}

/// The address from which this machine reaches another. Nothing is sent.
pub(crate) async fn local_address_to(other: SocketAddr) -> Result<IpAddr, Error> {
    let any: SocketAddr = match other {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0; 16], 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(other).await?;
    Ok(socket.local_addr()?.ip())
}

/// The best service of a description that forwards ports, and where it is called.
pub fn read_description(description: &str) -> Option<(&'static str, String)> {
    let mut best: Option<(usize, String)> = None;
    let (mut kind, mut path, mut element) = (None, None, "");
    for piece in xml::pieces(description) {
        match piece {
            Piece::Open("service") => (kind, path, element) = (None, None, ""),
            Piece::Open(name) => element = name,
            Piece::Text(text) => match element {
                "serviceType" => kind = SERVICES.iter().position(|service| *service == text),
                "controlURL" => path = Some(text.into_owned()),
                _ => {}
            },
            Piece::Close("service") => {
                if let (Some(kind), Some(path)) = (kind.take(), path.take())
                    && best.as_ref().is_none_or(|(known, _)| kind < *known)
                {
                    best = Some((kind, path));
                }
            }
            Piece::Close(_) => element = "",
        }
    }
    best.map(|(kind, path)| (SERVICES[kind], path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_found() {
        let service = |kind: &str, path: &str| {
            format!(
                "<service><serviceType>{kind}</serviceType><serviceId>x</serviceId><controlURL>{path}</controlURL></service>"
            )
        };
        let device = |services: &str| {
            format!(
                "<root><device><deviceType>a</deviceType><serviceList>{services}</serviceList></device></root>"
            )
        };
        let other = service("urn:schemas-upnp-org:service:Layer3Forwarding:1", "/l3");
        let old = service(SERVICES[1], "/ctl/IPConn");
        let new = service(SERVICES[0], "/ctl/two");
        let found = |text: &str| read_description(&device(text));
        let (kind, path) = found(&format!("{other}{old}")).unwrap();
        assert_eq!((kind, path.as_str()), (SERVICES[1], "/ctl/IPConn"));
        assert_eq!(found(&format!("{old}{new}")).unwrap().1, "/ctl/two");
        assert_eq!(found(&other), None);
        assert_eq!(
            found("<service><controlURL>/x</controlURL></service>"),
            None
        );
        assert_eq!(read_description(""), None);
    }
}
