//! A key figure at the head of a report.

use std::fmt::Write;

use super::text::{escape, percent};
use crate::metrics::Interval;

/// A key figure: label, value, a line or two of context and, for a share, a scale with interval and baseline.
#[derive(Clone, Debug)]
pub struct Tile {
    label: String,
    value: String,
    details: Vec<String>,
    share: Option<Interval>,
    baseline: Option<f64>,
}

impl Tile {
    /// A figure of any kind: `Tile::new("Perplexity", "98.2")`.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), details: Vec::new(), share: None, baseline: None }
    }

    /// A share with its 95 % interval, shown in percent and on a scale from 0 to 100 %.
    pub fn proportion(label: impl Into<String>, share: Interval) -> Self {
        let tile = Self::new(label, percent(share.value));
        let (low, high) = (100.0 * share.low, 100.0 * share.high);
        Self { share: Some(share), ..tile }.detail(format!("95\u{202f}% interval {low:.1} to {high:.1}\u{202f}%"))
    }

    /// A line below the value.
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.details.push(text.into());
        self
    }

    /// The share that a method called `name` reaches without learning.
    pub fn baseline(mut self, name: &str, share: f64) -> Self {
        self.baseline = Some(share);
        self.detail(format!("baseline {} ({name})", percent(share)))
    }

    pub(super) fn html(&self) -> String {
        let mut html = format!(
            "<li class=\"tile\"><p class=\"tile-label\">{}</p><p class=\"tile-value\">{}</p>",
            escape(&self.label),
            escape(&self.value)
        );
        if let Some(share) = self.share.filter(|share| share.value.is_finite()) {
            let place = |share: f64| 100.0 * share.clamp(0.0, 1.0);
            let (low, high, value) = (place(share.low), place(share.high), place(share.value));
            let _ = write!(
                html,
                "<div class=\"gauge\" aria-hidden=\"true\"><i class=\"gauge-fill\" style=\"width:{value:.2}%\"></i>\
                 <i class=\"gauge-interval\" style=\"left:{low:.2}%;width:{:.2}%\"></i>",
                high - low
            );
            if let Some(baseline) = self.baseline.filter(|share| share.is_finite()) {
                let _ = write!(html, "<i class=\"gauge-baseline\" style=\"left:{:.2}%\"></i>", place(baseline));
            }
            html.push_str("</div>");
        }
        for detail in &self.details {
            let _ = write!(html, "<p class=\"tile-detail\">{}</p>", escape(detail));
        }
        html + "</li>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_its_scale() {
        let share = Interval { value: 0.9, low: 0.85, high: 0.95 };
        let html = Tile::proportion("Accuracy <x>", share).baseline("majority", 0.1).html();
        for part in [
            "Accuracy &lt;x&gt;",
            ">90.0\u{202f}%<",
            "interval 85.0 to 95.0",
            "left:85.00%;width:10.00%",
            "gauge-baseline\" style=\"left:10.00%",
            "baseline 10.0\u{202f}% (majority)",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(!Tile::new("Loss", "0.3").html().contains("gauge"));
        let unknown = Tile::proportion("Accuracy", Interval::wilson(0, 0)).html();
        assert!(unknown.contains("NaN") && !unknown.contains("gauge"));
    }
}
