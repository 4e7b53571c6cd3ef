//! `--csv`: one row for each size.

use tidewire_load::Report;

const HEADER: &str = "mode,size,connections,depth,rate,threads,seconds,messages,messages_per_second,\
bytes_per_second,p50_us,p75_us,p90_us,p95_us,p99_us,p999_us,p9999_us,max_us,mean_us,samples,\
service_p50_us,service_p99_us,sent,verified,lost,duplicated,reordered,corrupted,unsent,errors,\
connect_p50_us,connect_p99_us,stayed,server_cpu_seconds,client_cpu_seconds,client_busy,saturated\n";

/// Header and rows.
pub(crate) fn write(reports: &[Report]) -> String {
    let mut out = HEADER.to_owned();
    for report in reports {
        out += &row(report).join(",");
        out.push('\n');
    }
    out
}

fn row(report: &Report) -> Vec<String> {
    let maybe = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    let (latency, service) = (&report.latency_us, report.service_us.as_ref());
    let saturated = serde_json::to_value(report.saturated).unwrap_or_default();
    let mut row = vec![
        report.mode.to_owned(),
        report.size.to_string(),
        report.connections.to_string(),
        report.depth.to_string(),
        maybe(report.rate),
        report.threads.to_string(),
        report.seconds.to_string(),
        report.messages.to_string(),
        report.messages_per_second.to_string(),
        report.bytes_per_second.to_string(),
    ];
    row.extend(latency.percentiles().map(|(_, value, _)| value.to_string()));
    row.extend([
        latency.max.to_string(),
        latency.mean.to_string(),
        latency.count.to_string(),
        maybe(service.map(|service| service.p50)),
        maybe(service.map(|service| service.p99)),
    ]);
    let counts = [
        report.sent,
        report.verified,
        report.lost,
        report.duplicated,
        report.reordered,
        report.corrupted,
        report.unsent,
        report.errors,
    ];
    row.extend(counts.map(|count| count.to_string()));
    row.extend([
        report.connect_us.p50.to_string(),
        report.connect_us.p99.to_string(),
        report.stayed.to_string(),
        maybe(report.server_cpu_seconds),
        report.client_cpu_seconds.to_string(),
        report.client_busy.to_string(),
        saturated.as_str().unwrap_or_default().to_owned(),
    ]);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_as_many_fields_as_the_header() {
        let text = write(&[Report::default(), Report::default()]);
        let fields: Vec<_> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(fields, [37, 37, 37]);
    }
}
