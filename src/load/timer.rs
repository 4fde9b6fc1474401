//! Wakes a worker at an instant, tens of microseconds wide. The event loop's own timer is a
//! millisecond wide, always on the late side.

#[cfg(any(not(target_os = "linux"), test))]
mod thread;
#[cfg(target_os = "linux")]
mod timerfd;

use super::clock::Clock;
use std::io;
use std::time::Duration;

/// A timer that is armed again and again.
#[derive(Debug)]
pub(super) enum Timer {
    /// The kernel's, read by the event loop of the worker itself.
    #[cfg(target_os = "linux")]
    Fd(timerfd::TimerFd),
    /// A thread that sleeps, where the kernel has none.
    #[cfg(any(not(target_os = "linux"), test))]
    Thread(thread::Sleeper),
    /// The runtime's, whose clock a test drives by hand.
    #[cfg(test)]
    Paused(std::pin::Pin<Box<tokio::time::Sleep>>),
}

impl Timer {
    /// The best that this system has. Call it inside the worker's runtime.
    ///
    /// # Errors
    /// The system gives no timer, or no thread.
    pub(super) fn new() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        return timerfd::TimerFd::new().map(Self::Fd);
        #[cfg(not(target_os = "linux"))]
        return thread::Sleeper::new().map(Self::Thread);
    }

    #[cfg(test)]
    pub(super) fn paused() -> Self {
        Self::Paused(Box::pin(tokio::time::sleep(Duration::ZERO)))
    }

    /// Returns at `due` after the clock's start, or soon after. Cancel-safe.
    ///
    /// # Errors
    /// The kernel's timer cannot be used any more.
    pub(super) async fn wait_until(&mut self, clock: Clock, due: Duration) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Fd(timer) => timer.wait_until(clock, due).await,
            #[cfg(any(not(target_os = "linux"), test))]
            Self::Thread(sleeper) => {
                sleeper.wait_until(clock, due).await;
                Ok(())
            }
            #[cfg(test)]
            Self::Paused(sleep) => {
                sleep.as_mut().reset(clock.at(due));
                sleep.as_mut().await;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Timer, thread::Sleeper};
    use std::time::Duration;

    /// None may return early; how late they are is measured in every trial, not here.
    #[tokio::test]
    async fn every_timer_waits_for_absolute_times_in_any_order() {
        let timers =
            [Timer::new().unwrap(), Timer::Thread(Sleeper::new().unwrap()), Timer::paused()];
        for mut timer in timers {
            let clock = Clock::starting_in(Duration::from_millis(2));
            for due_us in [0, 700, 1_900, 1_900, 300, 4_000] {
                let due = Duration::from_micros(due_us);
                timer.wait_until(clock, due).await.unwrap();
                assert!(clock.now() >= due, "{due:?}: {:?}", clock.now());
            }
        }
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_disturbs_no_later_one() {
        for mut timer in [Timer::new().unwrap(), Timer::Thread(Sleeper::new().unwrap())] {
            let clock = Clock::starting_in(Duration::ZERO);
            let long = Duration::from_secs(3_600);
            tokio::select! {
                biased;
                _ = timer.wait_until(clock, long) => panic!("an hour has passed"),
                () = tokio::task::yield_now() => {}
            }
            for due_ms in [1, 3] {
                let due = Duration::from_millis(due_ms);
                timer.wait_until(clock, due).await.unwrap();
                assert!(clock.now() >= due && clock.now() < long);
            }
        }
    }
}
