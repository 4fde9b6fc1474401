//! A continuous-batching server as a discrete-event model: no clock, no socket, no randomness that
//! was not handed in by seed. Times are since the server's start.
