//! PCP and NAT-PMP.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use basalt_portmap::Options;
use tokio::net::UdpSocket;

use crate::{mapped, options};

/// Ports that are forwarded, and for how many seconds.
type Table = Arc<Mutex<BTreeMap<(u8, u16), u32>>>;

const EXTERNAL: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// A router; `lost` questions are not answered first.
async fn router(pcp: bool, lost: usize) -> (Table, Options) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let table = Table::default();
    let kept = table.clone();
    tokio::spawn(async move {
        let mut buffer = [0; 1100];
        let mut number = 0;
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            number += 1;
            if number <= lost {
                continue;
            }
            let question = &buffer[..length];
            let answer = match question[0] {
                2 if pcp => pcp_answer(question, &kept),
                // RFC 6886 and 6887: the version that is spoken, and "unsupported version".
                2 => vec![0, 0x80 | question[1], 0, 1, 0, 0, 0, 1],
                _ => pmp_answer(question, &kept),
            };
            // One that makes no sense is passed over.
            socket.send_to(&[9, 9], from).await.unwrap();
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    let options = Options {
        router: Some(address),
        ..options()
    };
    (table, options)
}

fn keep(table: &Table, protocol: u8, port: u16, seconds: u32) {
    let mut table = table.lock().unwrap();
    match seconds {
        0 => table.remove(&(protocol, port)),
        _ => table.insert((protocol, port), seconds),
    };
}

fn pmp_answer(question: &[u8], table: &Table) -> Vec<u8> {
    let function = question[1];
    let mut answer = vec![0, 0x80 | function, 0, 0, 0, 0, 0, 1];
    if function == 0 {
        answer.extend(EXTERNAL.octets());
        return answer;
    }
    let (port, seconds) = (be16(question, 4), be32(question, 8));
    keep(table, if function == 1 { 17 } else { 6 }, port, seconds);
    answer.extend(port.to_be_bytes());
    answer.extend((port + 1).to_be_bytes());
    answer.extend(seconds.to_be_bytes());
    answer
}

fn pcp_answer(question: &[u8], table: &Table) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[1] |= 0x80;
    answer[8..24].fill(0);
    if question[1] == 0 {
        return answer;
    }
    assert_eq!(question.len(), 60);
    let (port, seconds) = (be16(question, 40), be32(question, 4));
    keep(table, question[36], port, seconds);
    answer[42..44].copy_from_slice(&(port + 2).to_be_bytes());
    answer[44..60].copy_from_slice(&EXTERNAL.to_ipv6_mapped().octets());
    answer
}

#[tokio::test]
async fn ports_are_forwarded_by_both() {
    for (pcp, lost, moved) in [(true, 0, 2), (true, 1, 2), (false, 0, 1), (false, 2, 1)] {
        let (table, options) = router(pcp, lost).await;
        let (mapped, cancel) = mapped(options).await;
        assert_eq!(mapped.len(), 2, "{pcp} {lost}");
        for mapping in &mapped {
            assert_eq!(mapping.port, 4001);
            assert_eq!(mapping.external, (EXTERNAL, 4001 + moved).into());
        }
        let kept = table.lock().unwrap().clone();
        assert_eq!(kept, [((6, 4001), 3600), ((17, 4001), 3600)].into());
        cancel.cancel();
        while !table.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
