//! Questions and answers as bytes.

use hickory_resolver::proto::op::{Message, Query};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// The message that asks for the records of a domain.
pub(crate) fn question(domain: &str, kind: RecordType) -> Result<Vec<u8>, String> {
    let name = Name::from_utf8(domain).map_err(|e| format!("lookup {domain}: {e}"))?;
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name, kind));
    message
        .to_vec()
        .map_err(|e| format!("lookup {domain}: {e}"))
}

/// The records of a kind in an answer, and the shortest of their lifetimes in seconds.
pub(crate) fn answers(message: &[u8], kind: RecordType) -> Result<(Vec<RData>, u32), String> {
    let message = Message::from_vec(message).map_err(|e| format!("dns: {e}"))?;
    let records = message.answers.into_iter();
    let (mut all, mut ttl) = (Vec::new(), u32::MAX);
    for record in records.filter(|record| record.record_type() == kind) {
        ttl = ttl.min(record.ttl);
        all.push(record.data);
    }
    match all.is_empty() {
        true => Ok((all, 0)),
        false => Ok((all, ttl)),
    }
}

/// The text of a `TXT` record, whose pieces belong together.
pub(crate) fn text(data: &RData) -> Option<String> {
    match data {
        RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::rr::Record;
    use hickory_resolver::proto::rr::rdata::{CNAME, TXT};

    #[test]
    fn of_an_answer_the_records_that_were_asked_for_count() {
        let name = Name::from_utf8("_dnslink.example.com.").unwrap();
        let mut message = Message::query().into_response();
        let alias = RData::CNAME(CNAME(name.clone()));
        let txt = |pieces: &[&str]| {
            let pieces = pieces.iter().map(|p| (*p).to_owned()).collect();
            RData::TXT(TXT::new(pieces))
        };
        message.add_answer(Record::from_rdata(name.clone(), 1, alias));
        message.add_answer(Record::from_rdata(
            name.clone(),
            60,
            txt(&["dnslink=", "/ipfs/a"]),
        ));
        message.add_answer(Record::from_rdata(name, 30, txt(&["b"])));
        let bytes = message.to_vec().unwrap();
        let (found, ttl) = answers(&bytes, RecordType::TXT).unwrap();
        let texts: Vec<_> = found.iter().filter_map(text).collect();
        assert_eq!(
            (texts, ttl),
            (vec!["dnslink=/ipfs/a".into(), "b".into()], 30)
        );
        assert_eq!(answers(&bytes, RecordType::A).unwrap().0.len(), 0);
        for end in 0..bytes.len() {
            // Nothing that was cut is taken for an answer of more than was sent.
            let cut = answers(&bytes[..end], RecordType::TXT);
            assert!(cut.is_err() || cut.unwrap().0.len() <= 2, "{end}");
        }
    }

    #[test]
    fn what_is_no_domain_is_named() {
        let long = "x".repeat(300);
        let error = question(&long, RecordType::TXT).unwrap_err();
        assert!(error.starts_with(&format!("lookup {long}: ")), "{error}");
        assert!(question("_dnslink.example.com.", RecordType::TXT).is_ok());
    }
}
