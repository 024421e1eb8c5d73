//! The text format of Prometheus.

use std::fmt::Write;

/// Metrics as text.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// Begins a metric. The samples that follow are its own.
    pub fn family(&mut self, name: &str, help: &str, kind: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// Writes one value.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let mut all = String::new();
        for (label, text) in labels {
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let gap = if all.is_empty() { "" } else { "," };
            let _ = write!(all, "{gap}{label}=\"{text}\"");
        }
        let value = number(value);
        if all.is_empty() {
            self.line(format_args!("{name} {value}"));
        } else {
            self.line(format_args!("{name}{{{all}}} {value}"));
        }
    }

    /// A metric of one value.
    pub fn single(&mut self, name: &str, help: &str, kind: &str, value: f64) {
        self.family(name, help, kind);
        self.sample(name, &[], value);
    }

    /// All that was written.
    pub fn text(self) -> String {
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// A number as Prometheus reads it.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else if value != 0.0 && !(1e-4..1e21).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_help_are_escaped() {
        let mut out = Exposition::default();
        out.family("a_total", "One\nline.", "counter");
        out.sample("a_total", &[("x", "q\"\\\n"), ("y", "")], 3.0);
        out.sample("a_total", &[], 0.25);
        assert_eq!(
            out.text(),
            "# HELP a_total One\\nline.\n# TYPE a_total counter\na_total{x=\"q\\\"\\\\\\n\",y=\"\"} 3\na_total 0.25\n"
        );
    }

    #[test]
    fn numbers() {
        assert_eq!(number(f64::INFINITY), "+Inf");
        assert_eq!(number(f64::NAN), "NaN");
        assert_eq!(number(1_906_126_848.0), "1906126848");
        assert_eq!(number(0.000012), "1.2e-5");
    }
}
