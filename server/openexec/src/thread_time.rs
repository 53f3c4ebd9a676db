//! The processor time of one thread: what a piece of work takes, whatever else the machine does.

use std::time::Duration;
#[cfg(not(unix))]
use std::time::Instant;

/// A moment in the processor time of a thread; where the system tells none, in the time of day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadTime(#[cfg(unix)] Duration, #[cfg(not(unix))] Instant);

impl ThreadTime {
    /// Now, on the calling thread.
    pub(crate) fn now() -> Self {
        #[cfg(unix)]
        let now = processor_time();
        #[cfg(not(unix))]
        let now = Instant::now();
        Self(now)
    }

    /// How long the thread has worked since. Only for the thread that has taken the moment.
    pub(crate) fn elapsed(self) -> Duration {
        #[cfg(unix)]
        let elapsed = processor_time().saturating_sub(self.0);
        #[cfg(not(unix))]
        let elapsed = self.0.elapsed();
        elapsed
    }
}

#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time() {
        let began = ThreadTime::now();
        while began.elapsed() < Duration::from_millis(2) {
            std::hint::black_box((0..1_000).sum::<u64>());
        }
    }

    #[cfg(unix)]
    #[test]
    fn waiting_takes_none() {
        let began = ThreadTime::now();
        let waited = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let other = ThreadTime::now();
                while other.elapsed() < Duration::from_millis(50) {}
                waited.wait();
            });
            waited.wait();
        });
        assert!(began.elapsed() < Duration::from_millis(50), "{:?}", began.elapsed());
    }
}
