//! How numbers are written for people.

/// A number: `1234`, `50.0 k`, `1.20 M`.
#[must_use]
pub fn count(n: f64) -> String {
    match n {
        n if n >= 1e6 => format!("{:.2} M", n / 1e6),
        n if n >= 1e4 => format!("{:.1} k", n / 1e3),
        n if n > 0.0 && n < 10.0 && n.fract() != 0.0 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

/// A number of bytes.
#[must_use]
pub fn bytes(n: f64) -> String {
    match n {
        n if n >= 1e9 => format!("{:.2} GB", n / 1e9),
        n if n >= 1e6 => format!("{:.1} MB", n / 1e6),
        n => format!("{:.1} kB", n / 1e3),
    }
}

/// A time given in microseconds.
#[must_use]
pub fn time(micros: f64) -> String {
    match micros {
        us if us >= 1e6 => format!("{:.2} s", us / 1e6),
        us if us >= 1e3 => format!("{:.2} ms", us / 1e3),
        us => format!("{us:.0} µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_three_digits() {
        assert_eq!(count(0.0), "0");
        assert_eq!(count(2.5), "2.5");
        assert_eq!(count(1234.0), "1234");
        assert_eq!(count(50_000.0), "50.0 k");
        assert_eq!(count(1_200_000.0), "1.20 M");
        assert_eq!(bytes(6_100_000.0), "6.1 MB");
        assert_eq!(
            (time(21.0), time(1940.0), time(2e6)),
            ("21 µs".into(), "1.94 ms".into(), "2.00 s".into())
        );
    }
}
