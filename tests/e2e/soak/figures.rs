//! What is measured, and how it is printed.

use std::time::Duration;

/// How long things took.
#[derive(Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = |thousandth: usize| {
            let rank = (sorted.len() * thousandth).div_ceil(1000).max(1);
            sorted.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
        };
        let [p50, p99, p999, most] = [500, 990, 999, 1000].map(at);
        write!(
            out,
            "p50 {p50:.2} ms, p99 {p99:.2} ms, p99.9 {p999:.2} ms, max {most:.2} ms of {}",
            sorted.len()
        )
    }
}

/// The resident memory of a process in the course of time.
#[derive(Debug, Default)]
pub struct Memory(Vec<(Duration, f64)>);

impl Memory {
    pub fn sample(&mut self, process: u32, at: Duration) {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
        self.0.push((at, kibibytes / 1024.0));
    }

    /// By how much the median of the last third lies above that of the middle one, in MiB.
    pub fn growth_mib(&self) -> f64 {
        let third = self.0.len() / 3;
        let median = |part: &[(Duration, f64)]| {
            let mut sizes: Vec<f64> = part.iter().map(|(_, size)| *size).collect();
            sizes.sort_by(f64::total_cmp);
            sizes[sizes.len() / 2]
        };
        median(&self.0[2 * third..]) - median(&self.0[third..2 * third])
    }

    /// The slope of the second half, by least squares, in KiB per minute.
    fn slope(&self) -> f64 {
        let half: Vec<(f64, f64)> = self.0[self.0.len() / 2..]
            .iter()
            .map(|(at, size)| (at.as_secs_f64() / 60.0, size * 1024.0))
            .collect();
        let count = half.len() as f64;
        let mean = |pick: fn(&(f64, f64)) -> f64| half.iter().map(pick).sum::<f64>() / count;
        let (time, size) = (mean(|point| point.0), mean(|point| point.1));
        let above: f64 = half.iter().map(|point| (point.0 - time) * (point.1 - size)).sum();
        let below: f64 = half.iter().map(|point| (point.0 - time).powi(2)).sum();
        above / below
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let series: Vec<String> = self.0.iter().map(|(_, size)| format!("{size:.1}")).collect();
        let last = self.0.last().map_or(0.0, |(at, _)| at.as_secs_f64());
        write!(
            out,
            "{} MiB over {last:.0} s; slope of the second half {:.1} KiB/min",
            series.join(" "),
            self.slope()
        )
    }
}

/// The machine's load, as the kernel tells it.
pub fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .split(' ')
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}
