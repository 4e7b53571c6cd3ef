//! `--report`: a page to show, in one file that needs nothing else.

use tidewire_load::{Latency, Report, units};

/// What the page tells besides the figures.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) url: &'a str,
    pub(crate) reports: &'a [Report],
    /// What was checked and what came of it, and the comparison.
    pub(crate) verdicts: &'a str,
}

/// Columns of the table, a row for each size.
fn table(reports: &[Report]) -> Vec<Vec<String>> {
    let head = [
        "size",
        "messages/s",
        "bytes/s",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "samples",
        "errors",
        "client CPU",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for report in reports {
        let latency = &report.latency_us;
        let mut row = vec![
            report.size.to_string(),
            units::count(report.messages_per_second),
            units::bytes(report.bytes_per_second),
        ];
        row.extend(["p50", "p90", "p99", "p99.9"].map(|name| percentile(latency, name)));
        row.extend([
            units::time(latency.max),
            latency.count.to_string(),
            report.errors.to_string(),
            format!("{:.0} %", 100.0 * report.client_busy),
        ]);
        rows.push(row);
    }
    rows
}

/// A percentile; one of too few samples has a question mark.
fn percentile(latency: &Latency, name: &str) -> String {
    let found = latency.percentiles().find(|(known, _, _)| *known == name);
    found.map_or_else(String::new, |(_, micros, trusted)| {
        units::time(micros) + if trusted { "" } else { "?" }
    })
}

impl Page<'_> {
    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut out = format!(
            "# tidewire bench {}\n\n",
            self.url.replace(['\n', '`', '|'], " ")
        );
        for (index, row) in table(self.reports).iter().enumerate() {
            out += &format!("| {} |\n", row.join(" | "));
            if index == 0 {
                out += &format!("|{}\n", "---|".repeat(row.len()));
            }
        }
        out += "\n? fewer than ten samples above it: chance.\n";
        for report in self.reports {
            out += &format!("\n```\n{report}```\n");
        }
        if !self.verdicts.is_empty() {
            out += &format!("\n```\n{}```\n", self.verdicts);
        }
        out
    }

    /// As HTML, with drawings.
    pub(crate) fn html(&self) -> String {
        let mut body = String::new();
        for (index, row) in table(self.reports).iter().enumerate() {
            let cell = if index == 0 { "th" } else { "td" };
            let cells = row
                .iter()
                .map(|text| format!("<{cell}>{}</{cell}>", escape(text)));
            body += &format!("<tr>{}</tr>\n", cells.collect::<String>());
        }
        let mut body =
            format!("<table>\n{body}</table>\n<p>? fewer than ten samples above it: chance.</p>\n");
        if !self.verdicts.is_empty() {
            body += &format!("<pre>{}</pre>\n", escape(self.verdicts));
        }
        for report in self.reports {
            body += &format!("<h2>{} bytes</h2>\n", report.size);
            body += &drawings(report);
            body += &format!("<pre>{}</pre>\n", escape(&report.to_string()));
        }
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>tidewire bench</title>\n\
             <style>{STYLE}</style></head>\n<body>\n<h1>tidewire bench {}</h1>\n{body}</body></html>\n",
            escape(self.url)
        )
    }
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color-scheme:light dark}table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.2rem .7rem;\
text-align:right;border-bottom:1px solid #8884}pre{overflow:auto;background:#8881;padding:1rem}svg{width:100%;\
height:auto}svg text{font:11px system-ui,sans-serif;fill:currentColor}polyline{fill:none;stroke:#2a7ab8;\
stroke-width:2}.axis{stroke:#8886}";

fn drawings(report: &Report) -> String {
    let over_time = |value: fn(&tidewire_load::Second) -> f64| -> Vec<(f64, f64)> {
        let seconds = report.series.iter();
        seconds.map(|second| (second.at, value(second))).collect()
    };
    let rates = over_time(|second| second.messages_per_second);
    let tails = over_time(|second| second.p99_us);
    // Nines are as far from each other as they are rare.
    let curve = report.latency_us.curve();
    let curve: Vec<_> = curve
        .into_iter()
        .filter(|(share, _)| *share < 1.0)
        .map(|(share, micros)| (-(1.0 - share).log10(), micros))
        .collect();
    let seconds = |x: f64| format!("{x:.0} s");
    let nines = |x: f64| format!("{:.4} %", 100.0 * (1.0 - 10f64.powf(-x)));
    drawing("messages per second", &rates, seconds, units::count)
        + &drawing("p99 of each second", &tails, seconds, units::time)
        + &drawing("latency by percentile", &curve, nines, units::time)
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 170.0;
const TOP: f64 = 24.0;

/// A line through the points, from zero up; nothing if there is no line.
fn drawing(
    title: &str,
    points: &[(f64, f64)],
    across: impl Fn(f64) -> String,
    up: impl Fn(f64) -> String,
) -> String {
    let highest = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let width = last.0 - first.0;
    if points.len() < 2 || highest <= 0.0 || width <= 0.0 {
        return String::new();
    }
    let place = |(x, y): &(f64, f64)| {
        let x = LEFT + (x - first.0) / width * (WIDTH - LEFT - 10.0);
        let y = BOTTOM - y / highest * (BOTTOM - TOP);
        format!("{x:.1},{y:.1}")
    };
    let line: Vec<_> = points.iter().map(place).collect();
    let right = WIDTH - 10.0;
    let below = BOTTOM + 16.0;
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\
         <text x=\"{LEFT}\" y=\"14\">{title}</text>\
         <line class=\"axis\" x1=\"{LEFT}\" y1=\"{BOTTOM}\" x2=\"{right}\" y2=\"{BOTTOM}\"/>\
         <text x=\"4\" y=\"{TOP}\">{}</text><text x=\"4\" y=\"{BOTTOM}\">0</text>\
         <text x=\"{LEFT}\" y=\"{below}\">{}</text>\
         <text x=\"{right}\" y=\"{below}\" text-anchor=\"end\">{}</text>\
         <polyline points=\"{}\"/></svg>\n",
        escape(&up(highest)),
        escape(&across(first.0)),
        escape(&across(last.0)),
        line.join(" ")
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_cannot_leave_its_place() {
        let page = Page {
            url: "ws://h/<script>\"&",
            reports: &[Report::default()],
            verdicts: "FAIL  p99 <b>\n",
        };
        let html = page.html();
        assert!(html.contains("ws://h/&lt;script&gt;&quot;&amp;"), "{html}");
        assert!(
            html.contains("p99 &lt;b&gt;") && !html.contains("http"),
            "{html}"
        );
        assert!(page.markdown().contains("| size | messages/s |"));
    }

    #[test]
    fn a_line_needs_two_points() {
        let text = |x: f64| x.to_string();
        assert_eq!(drawing("a", &[], text, text), "");
        assert_eq!(drawing("a", &[(1.0, 1.0)], text, text), "");
        assert_eq!(drawing("a", &[(1.0, 0.0), (2.0, 0.0)], text, text), "");
        let drawn = drawing("a", &[(0.0, 0.0), (1.0, 2.0)], text, text);
        assert!(
            drawn.contains("points=\"70.0,170.0 790.0,24.0\""),
            "{drawn}"
        );
    }
}
