//! For whom the work on the index is done, and what it may take from everybody else.

use crate::limits::INDEX_THREADS_MAX;

/// For whom the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Somebody waits for it.
    Awaited,
    /// Nobody does: everybody else goes first.
    Unhurried,
}

impl Pace {
    /// Threads that work side by side. What nobody waits for leaves a core free, where there
    /// are more than two; on two, what it may not have it is not given.
    pub(super) fn threads(self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most = match self {
            Self::Unhurried if cores > 2 || !HAS_PRIORITIES => cores - 1,
            Self::Awaited | Self::Unhurried => cores,
        };
        most.clamp(1, INDEX_THREADS_MAX)
    }

    /// Gives the calling thread its priority.
    pub(super) fn begin(self) {
        #[cfg(target_os = "linux")]
        if self == Self::Unhurried {
            linux::let_everybody_go_first();
        }
    }
}

/// Whether a single thread can be given a low priority.
const HAS_PRIORITIES: bool = cfg!(target_os = "linux");

#[cfg(target_os = "linux")]
mod linux {
    /// The lowest priority that a thread of the usual policy can have.
    const PRIORITY_LOWEST: i32 = 19;

    /// Linux knows priorities of threads. Where this is refused, the work is done all the same.
    pub(super) fn let_everybody_go_first() {
        let _ = rustix::process::setpriority_process(None, PRIORITY_LOWEST);
        // Under the usual policy even the lowest priority keeps its core to the end of its slice,
        // some milliseconds, while somebody else has been woken. This policy gives it up at once.
        // The C library of some systems refuses to set it, the kernel does not.
        let parameter: libc::c_int = 0;
        // SAFETY: the kernel reads one number, the priority within the policy, which must be 0, and
        // concerns itself with the calling thread alone.
        unsafe {
            libc::syscall(libc::SYS_sched_setscheduler, 0, libc::SCHED_IDLE, &raw const parameter);
        }
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn a_thread_that_nobody_waits_for_is_idle_and_no_other_is() {
            // SAFETY: the call takes a number and gives one.
            let policy = || unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) };
            let before = policy();
            let within = std::thread::spawn(move || {
                super::let_everybody_go_first();
                policy()
            });
            assert_eq!(within.join().unwrap(), libc::c_long::from(libc::SCHED_IDLE));
            assert_eq!(policy(), before);
        }
    }
}
