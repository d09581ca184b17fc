#![doc = include_str!("../README.md")]

mod data;
mod demux;

pub use data::dcep;
