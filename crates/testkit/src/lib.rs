//! Fixtures and faulty stores for tests.

mod pin_service;

pub use pin_service::{PinService, SERVICE_KEY};
