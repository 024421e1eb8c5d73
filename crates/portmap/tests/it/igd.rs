//! UPnP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use basalt_http::{Handler, Headers, Listener, Options as Http, Request, Responder, serve};
use basalt_portmap::{Mapper, Options, Protocol};
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::sync::CancellationToken;

use crate::{PORTS, mapped, options};

/// What kind of router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Good,
    /// It forwards for ever only.
    Permanent,
    /// Its port 4001 is taken.
    Taken,
    /// It refuses.
    Refuses,
    /// It says that it is described at another host.
    Elsewhere,
    /// Its service is at another host.
    ServiceElsewhere,
    /// Its description is no end of text.
    Endless,
    /// It knows no address of its own.
    Nowhere,
}

/// What it forwards: protocol and port to the arguments.
type Table = Arc<Mutex<BTreeMap<(String, u16), BTreeMap<String, String>>>>;

#[derive(Clone)]
struct Igd {
    manner: Manner,
    table: Table,
    asked: Arc<Mutex<Vec<String>>>,
}

fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0.to_owned())
}

impl Handler for Igd {
    async fn handle(&self, mut request: Request, out: Responder) {
        let none = Headers::new();
        if request.method == "GET" {
            let control = match self.manner {
                Manner::ServiceElsewhere => "http://127.0.0.2:1/ctl",
                _ => "/ctl",
            };
            let description = format!(
                "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device><serviceList><service>\
                <serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>{control}</controlURL>\
                </service></serviceList></device></root>"
            );
            match self.manner {
                Manner::Endless => out.full(200, &none, vec![b'x'; 1 << 20]),
                _ => out.full(200, &none, description),
            }
            .unwrap();
            return;
        }
        let action = request.headers.get("SOAPAction").unwrap().into_owned();
        let body = request.body.all(10_000).await.unwrap();
        let body = String::from_utf8(body.into()).unwrap();
        let function = action.rsplit('#').next().unwrap().trim_end_matches('"');
        self.asked.lock().unwrap().push(function.to_owned());
        let fault = |code: u32| {
            format!(
                "<s:Envelope><s:Body><s:Fault><detail><UPnPError><errorCode>{code}</errorCode><errorDescription>no</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>"
            )
        };
        let value = |name: &str| element(&body, name).unwrap_or_default();
        let key = || {
            let port = value("NewExternalPort").parse().unwrap();
            (value("NewProtocol"), port)
        };
        let answer = match function {
            "GetExternalIPAddress" => {
                let ip = match self.manner {
                    Manner::Nowhere => "0.0.0.0",
                    _ => "203.0.113.7",
                };
                Ok(format!(
                    "<s:Envelope><s:Body><u:GetExternalIPAddressResponse><NewExternalIPAddress>{ip}</NewExternalIPAddress></u:GetExternalIPAddressResponse></s:Body></s:Envelope>"
                ))
            }
            "AddPortMapping" => match self.manner {
                Manner::Refuses => Err(606),
                Manner::Permanent if value("NewLeaseDuration") != "0" => Err(725),
                Manner::Taken if key().1 == 4001 => Err(718),
                _ => {
                    let names = ["NewInternalPort", "NewInternalClient", "NewLeaseDuration"];
                    let entry = names.map(|name| (name.to_owned(), value(name)));
                    self.table.lock().unwrap().insert(key(), entry.into());
                    Ok("<s:Envelope/>".to_owned())
                }
            },
            "DeletePortMapping" => {
                self.table.lock().unwrap().remove(&key());
                Ok("<s:Envelope/>".to_owned())
            }
            _ => Err(401),
        };
        match answer {
            Ok(answer) => out.full(200, &none, answer).unwrap(),
            Err(code) => out.full(500, &none, fault(code)).unwrap(),
        }
    }
}

/// Starts a router; gives the options that lead to it.
async fn router(manner: Manner) -> (Igd, Options) {
    let igd = Igd {
        manner,
        table: Table::default(),
        asked: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let listeners = vec![Listener::Tcp(listener)];
    let stop = CancellationToken::new();
    tokio::spawn(serve(listeners, igd.clone(), Http::default(), stop));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let multicast = socket.local_addr().unwrap();
    tokio::spawn(answer_searches(socket, at, manner));
    let options = Options {
        multicast,
        ..options()
    };
    (igd, options)
}

async fn answer_searches(socket: UdpSocket, at: SocketAddr, manner: Manner) {
    let mut buffer = [0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let question = String::from_utf8(buffer[..length].to_vec()).unwrap();
        assert!(
            question.starts_with("M-SEARCH * HTTP/1.1\r\n"),
            "{question}"
        );
        let kind = question
            .lines()
            .find_map(|l| l.strip_prefix("ST: "))
            .unwrap();
        let host = match manner {
            Manner::Elsewhere => "127.0.0.3".to_owned(),
            _ => at.ip().to_string(),
        };
        let port = at.port();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nST: {kind}\r\nLOCATION: http://{host}:{port}/desc.xml\r\n\r\n"
        );
        socket.send_to(b"nonsense", from).await.unwrap();
        socket.send_to(answer.as_bytes(), from).await.unwrap();
    }
}

#[tokio::test]
async fn ports_are_forwarded_and_taken_back() {
    let (igd, options) = router(Manner::Good).await;
    let (mapped, cancel) = mapped(options).await;
    assert_eq!(mapped.len(), 2);
    for mapping in &mapped {
        assert_eq!(mapping.external, "203.0.113.7:4001".parse().unwrap());
    }
    {
        let table = igd.table.lock().unwrap();
        let entry = &table[&("TCP".to_owned(), 4001)];
        assert_eq!(entry["NewInternalPort"], "4001");
        assert_eq!(entry["NewInternalClient"], "127.0.0.1");
        assert_eq!(entry["NewLeaseDuration"], "3600");
        assert!(table.contains_key(&("UDP".to_owned(), 4001)));
    }
    cancel.cancel();
    while !igd.table.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn forwarding_is_asked_for_again_before_it_lapses() {
    let (igd, mut options) = router(Manner::Good).await;
    options.time = Duration::from_secs(1);
    let (_, cancel) = mapped(options).await;
    let adds = || {
        let asked = igd.asked.lock().unwrap();
        asked.iter().filter(|f| *f == "AddPortMapping").count()
    };
    while adds() < 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cancel.cancel();
}

#[tokio::test]
async fn routers_that_forward_for_ever_are_asked_to() {
    let (igd, options) = router(Manner::Permanent).await;
    let (mapped, cancel) = mapped(options).await;
    assert_eq!(mapped.len(), 2);
    let lease =
        |p: &str| igd.table.lock().unwrap()[&(p.to_owned(), 4001)]["NewLeaseDuration"].clone();
    assert_eq!(
        (lease("TCP"), lease("UDP")),
        ("0".to_owned(), "0".to_owned())
    );
    cancel.cancel();
}

#[tokio::test]
async fn another_port_is_taken_where_one_is_not_free() {
    let (_, options) = router(Manner::Taken).await;
    let (mapped, cancel) = mapped(options).await;
    assert_eq!(mapped.len(), 2);
    assert!(
        mapped
            .iter()
            .all(|m| m.port == 4001 && m.external.port() != 4001)
    );
    assert!(mapped.iter().any(|m| m.protocol == Protocol::Udp));
    cancel.cancel();
}

#[tokio::test]
async fn others_are_of_no_use() {
    for manner in [
        Manner::Refuses,
        Manner::Elsewhere,
        Manner::ServiceElsewhere,
        Manner::Endless,
        Manner::Nowhere,
    ] {
        let (igd, options) = router(manner).await;
        let cancel = CancellationToken::new();
        let mapper = Mapper::start(options, PORTS.to_vec(), cancel.clone());
        let mut mapped = mapper.mapped();
        let wait = mapped.wait_for(|mapped| !mapped.is_empty());
        let waited = tokio::time::timeout(Duration::from_millis(1200), wait).await;
        assert!(waited.is_err(), "{manner:?}");
        assert!(igd.table.lock().unwrap().is_empty());
        cancel.cancel();
    }
}
