//! Fixtures and faulty stores for tests.
