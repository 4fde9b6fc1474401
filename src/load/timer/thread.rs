//! A thread that sleeps until an instant and then wakes the event loop.

use super::super::clock::Clock;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A sleeping thread; it ends with its owner.
#[derive(Debug)]
pub(in crate::load) struct Sleeper(Arc<Bed>);

#[derive(Debug, Default)]
struct Bed {
    order: Mutex<Order>,
    changed: Condvar,
    woken: Notify,
}

#[derive(Debug, Default, Clone, Copy)]
enum Order {
    #[default]
    Rest,
    WakeAt(Instant),
    Leave,
}

impl Sleeper {
    pub(super) fn new() -> io::Result<Self> {
        let bed = Arc::new(Bed::default());
        let its = Arc::clone(&bed);
        std::thread::Builder::new().name("pacer".to_owned()).spawn(move || its.sleep())?;
        Ok(Self(bed))
    }

    pub(super) async fn wait_until(&mut self, clock: Clock, due: Duration) {
        while clock.now() < due {
            self.0.set(Order::WakeAt(clock.at(due)));
            self.0.woken.notified().await;
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.set(Order::Leave);
    }
}

impl Bed {
    fn set(&self, order: Order) {
        *self.order() = order;
        self.changed.notify_one();
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self) {
        let mut order = self.order();
        loop {
            order = match *order {
                Order::Leave => return,
                Order::Rest => self.changed.wait(order).unwrap_or_else(PoisonError::into_inner),
                Order::WakeAt(at) => {
                    let left = at.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        *order = Order::Rest;
                        self.woken.notify_one();
                        order
                    } else {
                        let waited = self.changed.wait_timeout(order, left);
                        waited.unwrap_or_else(PoisonError::into_inner).0
                    }
                }
            };
        }
    }
}
