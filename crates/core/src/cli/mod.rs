//! What every binary's command line shares.

pub mod events;
