//! The parts of a node together.

mod files_and_garbage;
