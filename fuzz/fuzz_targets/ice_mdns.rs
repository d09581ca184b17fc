//! Messages of multicast DNS in any order, and commands between them: never a panic, and never an answer for others.
#![no_main]

use std::time::Duration;

use ice::mdns::{Event, Mdns, PORT};
use net::{Datagram, Path};

libfuzzer_sys::fuzz_target!(|input: Vec<(u8, Vec<u8>)>| {
    let mut now = netsim::epoch();
    let mut machine = Mdns::new();
    machine.register("own.local", [192, 0, 2, 1].into());
    let path = Path::udp(([0, 0, 0, 0], PORT).into(), ([192, 0, 2, 9], PORT).into());
    for (verb, mut bytes) in input {
        match verb % 4 {
            0 => {
                machine.resolve(now, &String::from_utf8_lossy(&bytes));
            }
            1 => {
                now += Duration::from_millis(u64::from(verb) * 10);
                machine.handle_timeout(now);
                assert!(machine.poll_timeout().is_none_or(|at| at > now));
            }
            _ => machine.handle_datagram(now, Datagram::new(path, &mut bytes)),
        }
        let mut out = Vec::new();
        while machine.poll_transmit(now, &mut out).is_some() {
            assert!(out.len() <= 600);
            out.clear();
        }
        while let Some(event) = machine.poll_event() {
            let (Event::Resolved { name, .. } | Event::Failed { name }) = event;
            assert!(ice::mdns::is_resolvable(&name));
        }
    }
});
