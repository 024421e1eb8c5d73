use std::collections::HashSet;

/// Which servers may be asked.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    allowed: HashSet<String>,
    denied: HashSet<String>,
}

impl Hosts {
    /// All of `allowed`, or all there are where that is empty, but for `denied`. What is no host is
    /// passed over.
    pub fn new(allowed: Vec<String>, denied: Vec<String>) -> Self {
        let clean = |list: Vec<String>| {
            let trimmed = list.iter().map(|host| host.trim());
            let hosts = trimmed.filter(|host| !host.is_empty() && !host.contains(' '));
            hosts.map(str::to_owned).collect()
        };
        Self {
            allowed: clean(allowed),
            denied: clean(denied),
        }
    }

    /// Whether a host may be asked.
    pub fn admits(&self, host: &str) -> bool {
        let allowed = self.allowed.is_empty() || self.allowed.contains(host);
        allowed && !self.denied.contains(host)
    }

    /// Whether a host is one of those that are allowed by name.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.allowed.contains(host)
    }
}

/// How servers are asked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which servers may be asked (`HTTPRetrieval.Allowlist`, `Denylist`).
    pub hosts: Hosts,
    /// Requests at one time, to all servers (`HTTPRetrieval.NumWorkers`).
    pub workers: usize,
    /// Bytes of the largest block (`HTTPRetrieval.MaxBlockSize`).
    pub largest: usize,
    /// Whether certificates are taken unseen (`HTTPRetrieval.TLSInsecureSkipVerify`).
    pub trusting: bool,
    /// Who asks, as servers are told.
    pub agent: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hosts: Hosts::default(),
            workers: 16,
            largest: 2 << 20,
            trusting: false,
            agent: "basalt".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_say_who_is_asked() {
        let list = |hosts: &[&str]| hosts.iter().map(|&h| h.to_owned()).collect();
        let all = Hosts::default();
        assert!(all.admits("a.example"));
        let some = Hosts::new(list(&[" a.example ", "", "b c"]), list(&["d.example"]));
        assert!(some.admits("a.example") && !some.admits("b c") && !some.admits("c.example"));
        // What is denied is denied even where it is allowed.
        let both = Hosts::new(list(&["a.example"]), list(&["a.example"]));
        assert!(!both.admits("a.example"));
        let rest = Hosts::new(list(&[]), list(&["a.example"]));
        assert!(!rest.admits("a.example") && rest.admits("b.example"));
    }
}
