//! The client and the engine in a simulated network.

mod schedules;
mod world;
