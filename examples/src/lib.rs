//! Flags and set-up that the example binaries share.
