use super::Check;
use crate::GoDuration;
use crate::config::ProvideStrategy;

/// A provider record is forgotten after two days.
const RECORD_VALIDITY: GoDuration = GoDuration::from_secs(48 * 3600);
const MIN_BLOOM_RATE: i64 = 1_000_000;

impl Check<'_> {
    pub(super) fn provide(&mut self) {
        let config = self.config;
        let strategy = config.string("Provide.Strategy").unwrap_or("all");
        if let Err(e) = strategy.parse::<ProvideStrategy>() {
            self.fatal("Provide.Strategy", format!("Provide.Strategy: {e}"));
        }
        if let Some(rate) = config
            .integer("Provide.BloomFPRate")
            .filter(|r| *r < MIN_BLOOM_RATE)
        {
            let key = "Provide.BloomFPRate";
            self.fatal(
                key,
                format!("{key} must be >= {MIN_BLOOM_RATE} (1 in 1M), got {rate}"),
            );
        }
        if let Some(interval) = config.duration("Provide.DHT.Interval") {
            let key = "Provide.DHT.Interval";
            if interval > RECORD_VALIDITY {
                self.fatal(key, format!("{key} ({interval}) must be less than or equal to DHT provider record validity ({RECORD_VALIDITY})"));
            } else if interval.as_nanos() < 0 {
                self.fatal(key, format!("{key} must be non-negative, got {interval}"));
            } else if interval.as_nanos() == 0 && config.flag("Provide.Enabled").is_none() {
                self.fatal(key, "Provide.DHT.Interval=0 no longer disables the provide system on its own; set Provide.Enabled explicitly: Provide.Enabled=false to fully disable providing, or Provide.Enabled=true to keep ad-hoc 'ipfs provide once' and fast-provide-root working while skipping the periodic reprovide schedule");
            }
        }
        self.at_least("Provide.DHT.MaxWorkers", 1);
        self.at_least("Provide.DHT.DedicatedPeriodicWorkers", 0);
        self.at_least("Provide.DHT.DedicatedBurstWorkers", 0);
        self.at_least("Provide.DHT.MaxProvideConnsPerWorker", 1);
        self.at_least("Provide.DHT.KeystoreBatchSize", 1);
        for (key, zero) in [
            ("Provide.DHT.OfflineDelay", true),
            ("Provide.DHT.SendProviderRecordTimeout", false),
        ] {
            let Some(value) = config.duration(key) else {
                continue;
            };
            if value.as_nanos() < 0 || (value.as_nanos() == 0 && !zero) {
                let words = if zero { "non-negative" } else { "positive" };
                self.fatal(key, format!("{key} must be {words}, got {value}"));
            }
        }
    }
}
