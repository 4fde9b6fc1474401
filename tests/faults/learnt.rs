//! What is learnt of a target.
