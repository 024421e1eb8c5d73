use std::collections::VecDeque;

use basalt_block::Cid;
use basalt_http::query::escape;

use crate::model::wire_text;
use crate::{Client, Error, PinStatus, Result, Status};

/// Pins that are asked for first, as Kubo's client does.
const FIRST_PAGE: usize = 10;
/// Pins that are asked for later: the most that a service has to send.
const PAGE: usize = 1000;

/// Which requests are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    cids: Vec<String>,
    name: String,
    statuses: Vec<Status>,
}

impl Filter {
    /// Only these CIDs.
    pub fn cids(mut self, cids: &[Cid]) -> Self {
        self.cids = cids.iter().map(wire_text).collect();
        self
    }

    /// Only pins of this name, unless it is empty.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Only requests of these statuses; without any, services list what is pinned.
    pub fn statuses(mut self, statuses: impl Into<Vec<Status>>) -> Self {
        self.statuses = statuses.into();
        self
    }

    /// The query of a page, in the order of its names.
    pub(crate) fn query(&self, limit: usize, before: Option<&str>) -> String {
        let statuses: Vec<&str> = self.statuses.iter().map(|s| s.name()).collect();
        let pairs = [
            ("before", before.unwrap_or_default().to_owned()),
            ("cid", self.cids.join(",")),
            ("limit", limit.to_string()),
            ("name", self.name.clone()),
            ("status", statuses.join(",")),
        ];
        let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
        let pairs = pairs.map(|(name, value)| format!("{name}={}", escape(value.as_bytes())));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// A list that is read page by page as it is taken.
#[derive(Debug)]
pub struct List {
    client: Client,
    filter: Filter,
    page: VecDeque<PinStatus>,
    before: Option<String>,
    ended: bool,
}

impl List {
    pub(crate) fn new(client: Client, filter: Filter) -> Self {
        Self {
            client,
            filter,
            page: VecDeque::new(),
            before: None,
            ended: false,
        }
    }

    /// The next request; `None` at the end.
    ///
    /// # Errors
    /// The service refuses, or does not answer as one.
    pub async fn next(&mut self) -> Result<Option<PinStatus>> {
        while self.page.is_empty() && !self.ended {
            self.read_page().await?;
        }
        Ok(self.page.pop_front())
    }

    async fn read_page(&mut self) -> Result<()> {
        let before = self.before.as_deref();
        let most = before.map_or(FIRST_PAGE, |_| PAGE);
        let page = self.client.page(&self.filter, most, before).await?;
        let got = i64::try_from(page.results.len()).unwrap_or(i64::MAX);
        self.ended = got >= page.count;
        match page.results.last() {
            None if !self.ended => return Err(Error::EmptyPage(page.count)),
            // The same page for ever.
            Some(last) if !self.ended && before == Some(&last.created) => {
                return Err(Error::Stuck(last.created.clone()));
            }
            Some(last) => self.before = Some(last.created.clone()),
            None => {}
        }
        self.page = page.results.into();
        Ok(())
    }
}
