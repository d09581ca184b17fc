//! Data channels: their establishment protocol, their states, and the streams they live on.

pub mod dcep;
