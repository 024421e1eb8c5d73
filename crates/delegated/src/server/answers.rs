//! How answers are written: whole, line by line, and what keeps them in caches.

use std::sync::Arc;

use basalt_http::{Headers, Responder, Tally, date, mux};

use crate::{Listing, PeerRecord};

/// Seconds for which an answer may be kept; given once more while a newer one is fetched; and given
/// while there is no other. The last of those with results is how long the DHT remembers.
const RESULTS: [u64; 3] = [300, 600, 48 * 3600];
const NOTHING: [u64; 3] = [15, 60, 3600];
/// Bytes of an error.
const ERROR: usize = 1024;

/// Where an answer goes.
pub(super) struct Answers {
    pub(super) headers: Headers,
    responder: Responder,
}

impl Answers {
    /// An answer with these fields.
    pub(super) fn new(headers: Headers, responder: Responder) -> Self {
        Self { headers, responder }
    }

    pub(super) fn tally(&self) -> Arc<Tally> {
        self.responder.tally()
    }

    /// For how many seconds caches may keep the answer, and an old one in the two cases.
    pub(super) fn keep(&mut self, [fresh, meanwhile, otherwise]: [u64; 3]) {
        let text = format!(
            "public, max-age={fresh}, stale-while-revalidate={meanwhile}, stale-if-error={otherwise}"
        );
        self.headers.set("Cache-Control", text);
    }

    fn keep_results(&mut self, some: bool) {
        self.keep(if some { RESULTS } else { NOTHING });
    }

    fn listing(&mut self, kind: &str) {
        self.headers.set("Content-Type", kind);
        self.headers.append("Vary", "Accept");
        self.headers.set("Last-Modified", date::now());
    }

    /// Records in one piece.
    pub(super) fn whole(
        mut self,
        listing: Listing,
        records: &[PeerRecord],
    ) -> basalt_http::Result<()> {
        let Ok(body) = listing.document(records) else {
            return self.refused(500, "marshaling response");
        };
        self.listing("application/json");
        self.keep_results(!records.is_empty());
        self.responder.full(200, &self.headers, body)
    }

    /// Records line by line, as they are found.
    pub(super) fn lines(mut self, listing: Listing) -> Lines {
        self.listing("application/x-ndjson");
        Lines {
            answers: self,
            listing,
            begun: false,
        }
    }

    /// Records in the form that is wanted.
    pub(super) async fn listed(
        self,
        listing: Listing,
        records: &[PeerRecord],
        lines: bool,
    ) -> basalt_http::Result<()> {
        if !lines {
            return self.whole(listing, records);
        }
        let mut answer = self.lines(listing);
        for record in records {
            answer.record(record).await?;
        }
        answer.end()
    }

    /// An announcement of nothing.
    pub(super) fn no_results(mut self) -> basalt_http::Result<()> {
        self.listing("application/json");
        self.keep_results(false);
        let body = r#"{"ProvideResults":null}"#;
        self.responder.full(200, &self.headers, body)
    }

    /// That there is no record of a name, which is an answer too.
    pub(super) fn no_record(mut self) -> basalt_http::Result<()> {
        self.keep_results(false);
        let text = format!("delegate error: {}", basalt_routing::Error::NotFound);
        mux::plain(self.responder, 200, self.headers, &text)
    }

    /// A body of its own.
    pub(super) fn body(self, body: impl Into<bytes::Bytes>) -> basalt_http::Result<()> {
        self.responder.full(200, &self.headers, body)
    }

    /// The request is wrong.
    pub(super) fn wrong(self, why: String) -> basalt_http::Result<()> {
        self.refused(400, &why)
    }

    /// Routing has failed.
    pub(super) fn failed(self, why: &str) -> basalt_http::Result<()> {
        self.refused(500, &format!("delegate error: {why}"))
    }

    /// Routing has not ended in time.
    pub(super) fn too_late(self) -> basalt_http::Result<()> {
        self.failed(&basalt_routing::Error::Timeout.to_string())
    }

    /// Too many are being answered.
    pub(super) fn crowded(mut self) -> basalt_http::Result<()> {
        self.headers.set("Cache-Control", "no-store");
        self.headers.set("Retry-After", "60");
        let text = "Too many requests. Please retry after 60 seconds.";
        self.refused(429, text)
    }

    pub(super) fn refused(mut self, status: u16, why: &str) -> basalt_http::Result<()> {
        let end = why.floor_char_boundary(ERROR);
        self.headers
            .set("Content-Type", "text/plain; charset=utf-8");
        self.responder
            .full(status, &self.headers, why[..end].to_owned())
    }
}

/// An answer of lines, whose head goes with the first of them.
pub(super) struct Lines {
    answers: Answers,
    listing: Listing,
    begun: bool,
}

impl Lines {
    /// Sends a record.
    pub(super) async fn record(&mut self, record: &PeerRecord) -> basalt_http::Result<()> {
        let Ok(line) = record.line(self.listing) else {
            return Ok(());
        };
        if !self.begun {
            self.begun = true;
            self.answers.keep_results(true);
            let Answers { headers, responder } = &mut self.answers;
            responder.head(200, headers)?;
        }
        self.answers.responder.send(line).await
    }

    /// Ends the answer.
    pub(super) fn end(mut self) -> basalt_http::Result<()> {
        if self.begun {
            return self.answers.responder.finish(None);
        }
        self.answers.keep_results(false);
        self.answers.body("")
    }
}
