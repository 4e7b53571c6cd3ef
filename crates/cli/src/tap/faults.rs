//! Faults that a tap makes: what is asked for, and what befalls each message.

use std::time::Duration;

use crate::args::TapArgs;
use crate::record::Dir;

/// How long messages are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delay {
    time: Duration,
    jitter: Duration,
}

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// So many messages, both ways together, or one way if only that has faults.
    Messages(u64),
    /// So long after it was opened.
    Time(Duration),
}

/// The one way that has faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Only {
    /// From the server.
    In,
    /// To the server.
    Out,
}

fn time(text: &str) -> Option<Duration> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.trim().parse::<f64>().ok()? * scale;
    (0.0..=86_400.0)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

impl Delay {
    /// Reads `200ms`, `1.5`, `200ms±50ms`; `+-` is as good as `±`.
    pub(crate) fn parse(text: &str) -> Result<Delay, String> {
        let wrong = || format!("{text:?} is not a delay: write for example 200ms, 1.5 or 200ms±50ms");
        let (base, jitter) = match text.split_once('±').or_else(|| text.split_once("+-")) {
            Some((base, jitter)) => (base, Some(jitter)),
            None => (text, None),
        };
        Ok(Delay {
            time: time(base).ok_or_else(wrong)?,
            jitter: match jitter {
                Some(jitter) => time(jitter).ok_or_else(wrong)?,
                None => Duration::ZERO,
            },
        })
    }
}

impl After {
    /// Reads `10` (messages), `30s` or `500ms`.
    pub(crate) fn parse(text: &str) -> Result<After, String> {
        let wrong = || format!("{text:?} is neither messages nor a time: write for example 10, 30s or 500ms");
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.parse() {
                Ok(0) | Err(_) => Err(wrong()),
                Ok(count) => Ok(After::Messages(count)),
            };
        }
        match text.ends_with('s') {
            true => time(text).map(After::Time).ok_or_else(wrong),
            false => Err(wrong()),
        }
    }
}

/// Reads `0.1` or `10%`.
pub(crate) fn probability(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(number) => (number, 0.01),
        None => (text, 1.0),
    };
    let number = number.trim().parse::<f64>().ok().map(|number| number * scale);
    number
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| format!("{text:?} is not a probability: write for example 0.1 or 10%"))
}

/// All that was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    delay: Option<Delay>,
    drop: f64,
    dup: f64,
    pub(super) fragment: Option<usize>,
    pub(super) close_after: Option<After>,
    seed: u64,
    only: Option<Only>,
}

/// What befalls a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) lost: bool,
    pub(super) twice: bool,
    pub(super) delay: Duration,
}

impl Faults {
    pub(super) fn of(args: &TapArgs) -> Faults {
        Faults {
            delay: args.delay,
            drop: args.drop,
            dup: args.dup,
            fragment: args.fragment,
            close_after: args.close_after,
            seed: args.seed.unwrap_or_else(|| fastrand::u64(..)),
            only: args.only,
        }
    }

    /// Whether messages can be lost or come twice: then each must stand for itself.
    pub(super) fn need_no_compression(&self) -> bool {
        self.drop > 0.0 || self.dup > 0.0
    }

    /// What chance decides, so that saying its number has a use.
    pub(super) fn seed(&self) -> Option<u64> {
        let jitter = self.delay.is_some_and(|delay| !delay.jitter.is_zero());
        (self.need_no_compression() || jitter).then_some(self.seed)
    }

    /// Whether messages this way have faults.
    pub(super) fn apply(&self, dir: Dir) -> bool {
        match self.only {
            None => true,
            Some(Only::In) => dir == Dir::In,
            Some(Only::Out) => dir == Dir::Out,
        }
    }
}

/// Decides, one message after the other, of one way of one connection.
#[derive(Debug)]
pub(super) struct Dice {
    faults: Faults,
    random: fastrand::Rng,
    apply: bool,
}

impl Dice {
    pub(super) fn new(faults: &Faults, conn: u32, dir: Dir) -> Dice {
        let way = match dir {
            Dir::In => 1,
            Dir::Out => 2,
        };
        let seed = faults.seed ^ (u64::from(conn) << 2 | way);
        Dice {
            faults: faults.clone(),
            random: fastrand::Rng::with_seed(seed),
            apply: faults.apply(dir),
        }
    }

    /// The fate of the next message.
    pub(super) fn message(&mut self) -> Fate {
        if !self.apply {
            return Fate::default();
        }
        // Always as many throws, so that one fault does not change what another does.
        let (lost, twice) = (self.random.f64(), self.random.f64());
        let lost = lost < self.faults.drop;
        Fate {
            lost,
            twice: !lost && twice < self.faults.dup,
            delay: self.delay(),
        }
    }

    /// How long the next frame is held back.
    pub(super) fn delay(&mut self) -> Duration {
        let Some(delay) = self.faults.delay.filter(|_| self.apply) else {
            return Duration::ZERO;
        };
        let jitter = delay.jitter.mul_f64(self.random.f64() * 2.0);
        (delay.time + jitter).saturating_sub(delay.jitter)
    }

    /// Into how large fragments frames are cut.
    pub(super) fn fragment(&self) -> Option<usize> {
        self.faults.fragment.filter(|_| self.apply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read() {
        let ms = Duration::from_millis;
        let delay = |time, jitter| Ok(Delay { time: ms(time), jitter: ms(jitter) });
        assert_eq!(Delay::parse("200ms"), delay(200, 0));
        assert_eq!(Delay::parse("1.5"), delay(1500, 0));
        assert_eq!(Delay::parse("200ms±0.05s"), delay(200, 50));
        assert_eq!(Delay::parse("1s+-100ms"), delay(1000, 100));
        assert_eq!(After::parse("10"), Ok(After::Messages(10)));
        assert_eq!(After::parse("500ms"), Ok(After::Time(ms(500))));
        assert_eq!(probability("10%"), Ok(0.1));
        assert_eq!(probability("1"), Ok(1.0));
        for text in ["", "-1", "x", "1e9", "NaN", "1±", "±1", "1±-1"] {
            assert!(Delay::parse(text).is_err(), "{text}");
        }
        for text in ["", "0", "-1", "1.5", "s", "ms", "99999999999999999999", "NaNs"] {
            assert!(After::parse(text).is_err(), "{text}");
        }
        for text in ["", "2", "-0.1", "101%", "NaN", "%"] {
            assert!(probability(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_same_seed_decides_the_same() {
        let faults = Faults {
            drop: 0.3,
            dup: 0.5,
            delay: Delay::parse("10ms±10ms").ok(),
            seed: 7,
            ..Faults::default()
        };
        let fates = |conn, dir| -> Vec<Fate> {
            let mut dice = Dice::new(&faults, conn, dir);
            (0..1000).map(|_| dice.message()).collect()
        };
        assert_eq!(fates(1, Dir::In), fates(1, Dir::In));
        assert_ne!(fates(1, Dir::In), fates(1, Dir::Out));
        assert_ne!(fates(1, Dir::In), fates(2, Dir::In));
        let lost = fates(1, Dir::In).iter().filter(|fate| fate.lost).count();
        assert!((200..400).contains(&lost), "{lost}");
        assert!(fates(1, Dir::In).iter().all(|f| !(f.lost && f.twice) && f.delay <= Duration::from_millis(20)));
    }

    #[test]
    fn one_way_only() {
        let faults = Faults { drop: 1.0, only: Some(Only::In), ..Faults::default() };
        assert!(Dice::new(&faults, 1, Dir::In).message().lost);
        assert_eq!(Dice::new(&faults, 1, Dir::Out).message(), Fate::default());
    }
}
