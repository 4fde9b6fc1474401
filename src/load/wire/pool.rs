//! Idle connections, and who may use them again.

use crate::config::plan::ConnectionMode;
use std::collections::BTreeMap;

/// The idle connections of one worker.
#[derive(Debug)]
pub(super) struct Pool<C> {
    mode: ConnectionMode,
    /// The one used last is used next: those that are not needed grow old at the bottom.
    shared: Vec<C>,
    by_session: BTreeMap<u64, C>,
}

impl<C> Pool<C> {
    pub(super) fn new(mode: ConnectionMode) -> Self {
        Self { mode, shared: Vec::new(), by_session: BTreeMap::new() }
    }

    /// A connection that this session may use again.
    pub(super) fn take(&mut self, session: u64) -> Option<C> {
        match self.mode {
            ConnectionMode::Pooled => self.shared.pop(),
            ConnectionMode::PerSession => self.by_session.remove(&session),
            ConnectionMode::New => None,
        }
    }

    /// Keeps `connection` if anyone may use it again; `turns_left` of `session` are to come.
    pub(super) fn put(&mut self, connection: C, session: u64, turns_left: usize) {
        match self.mode {
            ConnectionMode::Pooled => self.shared.push(connection),
            ConnectionMode::PerSession if turns_left > 0 => {
                self.by_session.insert(session, connection);
            }
            ConnectionMode::PerSession | ConnectionMode::New => drop(connection),
        }
    }

    /// Idle connections.
    pub(super) fn len(&self) -> usize {
        self.shared.len() + self.by_session.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Pool;
    use crate::config::plan::ConnectionMode;

    #[test]
    fn a_shared_connection_is_used_again_newest_first() {
        let mut pool = Pool::new(ConnectionMode::Pooled);
        pool.put('a', 1, 0);
        pool.put('b', 2, 0);
        assert_eq!((pool.take(9), pool.take(9), pool.take(9)), (Some('b'), Some('a'), None));
    }

    #[test]
    fn a_session_keeps_its_own_connection_until_its_last_turn() {
        let mut pool = Pool::new(ConnectionMode::PerSession);
        pool.put('a', 1, 2);
        assert_eq!(pool.take(2), None);
        assert_eq!(pool.take(1), Some('a'));
        pool.put('a', 1, 0);
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn new_means_new() {
        let mut pool = Pool::new(ConnectionMode::New);
        pool.put('a', 1, 5);
        assert_eq!(pool.take(1), None);
    }
}
