//! Wakes the task that drives a connection, but not for what that task did itself.
//!
//! The two halves of an HTTP connection wake each other, and here one task polls both: each chunk
//! would wake the task once more for what it has just seen.

use futures_util::task::AtomicWaker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Passes in one turn, after which others get theirs.
const PASSES_MAX: u32 = 8;

/// The bell of one connection.
#[derive(Debug)]
pub(super) struct Bell {
    rope: Arc<Rope>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Rope {
    /// The task is at work inside: it will see for itself.
    is_inside: AtomicBool,
    was_pulled: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Rope {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_inside.load(Ordering::Acquire) {
            self.was_pulled.store(true, Ordering::Release);
        } else {
            self.task.wake();
        }
    }
}

impl Bell {
    pub(super) fn new() -> Self {
        let rope = Arc::new(Rope::default());
        let waker = Waker::from(Arc::clone(&rope));
        Self { rope, waker }
    }

    /// Polls until it is ready, or until a whole pass has changed nothing.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut pass: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.rope.task.register(cx.waker());
        for _ in 0..PASSES_MAX {
            self.rope.was_pulled.store(false, Ordering::Release);
            self.rope.is_inside.store(true, Ordering::Release);
            let polled = pass(&mut Context::from_waker(&self.waker));
            self.rope.is_inside.store(false, Ordering::Release);
            if polled.is_ready() || !self.rope.was_pulled.load(Ordering::Acquire) {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::{Bell, PASSES_MAX};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    #[derive(Default)]
    struct Task(AtomicU32);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls once; gives how often it was passed through and the bell's waker.
    fn polled(bell: &Bell, task: &Arc<Task>, self_wakes: u32, ready_at: u32) -> (bool, u32, Waker) {
        let waker = Waker::from(Arc::clone(task));
        let (mut passes, mut inner) = (0, None);
        let polled = bell.poll(&mut Context::from_waker(&waker), |cx| {
            passes += 1;
            inner = Some(cx.waker().clone());
            if passes <= self_wakes {
                cx.waker().wake_by_ref();
            }
            if passes >= ready_at { Poll::Ready(()) } else { Poll::Pending }
        });
        (polled.is_ready(), passes, inner.unwrap())
    }

    #[test]
    fn what_the_task_wakes_itself_it_looks_at_at_once() {
        for (self_wakes, ready_at, is_ready, passes, woken) in [
            (0, 99, false, 1, 0),
            (2, 99, false, 3, 0),
            (0, 1, true, 1, 0),
            (5, 3, true, 3, 0),
            (99, 99, false, PASSES_MAX, 1), // and lets others have their turn
        ] {
            let (bell, task) = (Bell::new(), Arc::default());
            let (ready, passed, _) = polled(&bell, &task, self_wakes, ready_at);
            assert_eq!((ready, passed), (is_ready, passes), "{self_wakes} {ready_at}");
            assert_eq!(task.0.load(Ordering::Relaxed), woken, "{self_wakes} {ready_at}");
        }
    }

    #[test]
    fn what_comes_from_outside_wakes_the_task_that_polled_last() {
        let (bell, first, second) = (Bell::new(), Arc::default(), Arc::default());
        let (_, _, waker) = polled(&bell, &first, 0, 99);
        waker.wake_by_ref();
        assert_eq!(first.0.load(Ordering::Relaxed), 1);
        let (_, _, waker) = polled(&bell, &second, 1, 99);
        waker.wake();
        assert_eq!(first.0.load(Ordering::Relaxed), 1);
        assert_eq!(second.0.load(Ordering::Relaxed), 1);
    }
}
